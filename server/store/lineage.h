/* Where versions of registered models come from, and what came out of something, in PostgreSQL. */
#ifndef STORE_LINEAGE_H
#define STORE_LINEAGE_H

#include "base/id.h"
#include "store/connection.h"

extern const struct statement_table store_lineage_statements;

/* Who asks: what he may not read is left out. */
struct store_lineage_reader
{
  int64_t workspace_id;
  int64_t account_id; /* 0: may read everything */
  int16_t fallback; /* the default permission */
};

/* JSON objects, or null: there is none, or it may not be read. */
struct store_lineage_origin
{
  struct slice run;
  struct slice logged_model;
};

/* What a run and a logged model, named by a version, tell of its origin. Either id may be absent or empty, or no id at
   all; without a run that of the logged model is meant. One query; texts live in the result. */
enum err_code store_lineage_origin (struct store_lineage_origin *origin, struct result *result,
                                    struct store_connection *connection, const struct store_lineage_reader *reader,
                                    struct slice run_id, struct slice model_id, struct err *err);

/* What to start from: either a data set or some runs and logged models. */
struct store_lineage_seed
{
  struct slice dataset_name; /* absent: any */
  struct slice dataset_digest; /* absent: any */
  const struct uuid *run_ids;
  size_t run_count;
  const struct slice *model_ids;
  size_t model_count;
  bool only_these; /* not also what came out of them */
};

/* JSON arrays, the newest first. */
struct store_lineage_outcome
{
  struct slice runs;
  struct slice logged_models;
  struct slice model_versions;
  bool truncated; /* some list has reached `limit` */
};

/* What came out of it: runs that used it, logged models that these made, versions that publish either. One query; texts
   live in the result. */
enum err_code store_lineage_outcome (struct store_lineage_outcome *outcome, struct result *result,
                                     struct store_connection *connection, const struct store_lineage_reader *reader,
                                     const struct store_lineage_seed *seed, int64_t limit, struct arena *arena,
                                     struct err *err);

/* A version that names some run or logged model, or whose source is such a version; texts live in the result. */
struct store_lineage_version
{
  struct slice location; /* where its files are */
  struct slice document; /* JSON object, as in model_versions above */
};

#define STORE_LINEAGE_VERSION_COLUMNS 2
extern const struct column store_lineage_version_columns[STORE_LINEAGE_VERSION_COLUMNS];

/* Versions of some runs and logged models, by name and number. The caller frees. */
enum err_code store_lineage_versions (struct result *result, struct store_connection *connection,
                                      const struct store_lineage_reader *reader, const struct uuid *run_ids,
                                      size_t run_count, const struct slice *model_ids, size_t model_count,
                                      int64_t limit, struct arena *arena, struct err *err);

#endif
