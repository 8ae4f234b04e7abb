/* Logged models, runs and data sets of the tests about models, and their points on the way in and out. */
#ifndef STORE_LOGGED_MODELS_H
#define STORE_LOGGED_MODELS_H

#include "database.h"

#include "ingest/metric_flush.h"
#include "ingest/model_points.h"

#define MODELS 12
#define MODEL_RUNS 5
#define MODEL_KEYS 3
#define MODEL_DATASETS 4
#define MODEL_EXPERIMENTS 2
/* Points of one request: enough for chunks, because FOLD_RECENT_MAX is 128. */
#define MODEL_POINTS_MAX 400

extern const char *const model_key_names[MODEL_KEYS];

/* The first is no data set. */
struct model_test_dataset
{
  const char *name;
  const char *digest;
};
extern const struct model_test_dataset model_datasets[MODEL_DATASETS];

struct model
{
  char id[40];
  char name[40];
  const char *param; /* NULL: none */
  int64_t created_at_ms;
  size_t experiment;
  bool deleted;
};

struct models
{
  struct metric_keys *keys;
  struct metric_contexts *contexts;
  int64_t experiments[MODEL_EXPERIMENTS];
  struct uuid runs[MODEL_RUNS];
  struct model models[MODELS];
};

/* Those that the fixtures below set up. */
extern struct models models;

/* Fixtures: a database with them, the runs in the first experiment. */
void models_open (void);
void models_close (void);

size_t models_random (size_t limit);
bool models_chance (size_t percent);

/* The context of a model and a data set; NULL as model: none. */
struct metric_context models_context (const char *model_id, size_t dataset);

/* Log points of one key of a model through the committer's flush; the error is that of the request. */
enum err_code models_log (const struct uuid *run_id, const char *model_id, size_t key, size_t dataset,
                          const struct metric_point *points, size_t count);

/* All points of a model, in a snapshot of their own. In the arena of the database. */
struct model_points models_points (const char *model_id);

#endif
