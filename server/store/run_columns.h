/* What search keeps of runs in memory: whole columns of an experiment, and what changed since they were read. */
#ifndef STORE_RUN_COLUMNS_H
#define STORE_RUN_COLUMNS_H

#include "store/connection.h"

extern const struct statement_table store_run_columns_statements;

/* A snapshot in which an experiment was read: a transaction was not part of it when its number is `newest` or greater,
   or one of `open`. Texts are those of PostgreSQL's types. */
struct store_seen
{
  int64_t experiment_id;
  struct slice newest; /* xid8 */
  struct slice open; /* xid8[] */
};

enum store_changed_kind
{
  STORE_CHANGED_SNAPSHOT, /* not a change: the snapshot of the transaction; only `newest` and `open` are set */
  STORE_CHANGED_RUN, /* the row of a run is new or was updated */
  STORE_CHANGED_POINTS, /* a row of the tail */
  STORE_CHANGED_FOLDED, /* points of a run went from the tail into its series */
  STORE_CHANGED_PURGED /* runs of the experiment were removed for good */
};

struct store_changed
{
  enum store_changed_kind kind;
  int64_t experiment_id;
  struct uuid run_id; /* not of STORE_CHANGED_PURGED */
  struct slice points; /* of STORE_CHANGED_POINTS */
  struct slice newest;
  struct slice open;
};
typedef enum err_code (*store_changed_row) (void *context, const struct store_changed *changed, struct err *err);

/* Most rows of the tail that store_run_changes hands over for an experiment. */
#define STORE_CHANGED_POINTS_MAX 2000

/* What transactions did that are not in the snapshots `seen`, and the snapshot of this transaction, which comes first.
   To be the first statement of a STORE_SNAPSHOT transaction; texts live until the callback returns. When an experiment
   has STORE_CHANGED_POINTS_MAX rows of the tail, others may be missing: read them with store_run_tail_since. */
enum err_code store_run_changes (struct store_connection *connection, const struct store_seen *seen, size_t count,
                                 store_changed_row row, void *context, struct arena *arena, struct err *err);

/* Rows of the tail of an experiment, all or those that `seen` does not have; as STORE_CHANGED_POINTS, one by one. */
enum err_code store_run_tail_since (struct store_connection *connection, const struct store_seen *seen,
                                    store_changed_row row, void *context, struct err *err);
enum err_code store_run_tail_all (struct store_connection *connection, int64_t experiment_id, store_changed_row row,
                                  void *context, struct err *err);

/* The runs of an experiment that exist. */
typedef enum err_code (*store_run_id_row) (void *context, const struct uuid *run_id, struct err *err);
enum err_code store_run_list (struct store_connection *connection, int64_t experiment_id, store_run_id_row row,
                              void *context, struct err *err);

/* A text of a run. */
enum store_text_source
{
  STORE_TEXT_NAME,
  STORE_TEXT_USER,
  STORE_TEXT_ARTIFACT_URI,
  STORE_TEXT_PARAM, /* of `key` */
  STORE_TEXT_TAG, /* of `key` */
  STORE_TEXT_DATASET_NAME, /* these: a JSON array of strings, one for each data set; absent for none */
  STORE_TEXT_DATASET_DIGEST,
  STORE_TEXT_DATASET_CONTEXT,
  STORE_TEXT_SOURCES
};

struct store_text
{
  enum store_text_source source;
  struct slice key;
};

/* Most texts of one read: each is a parameter, and a column. */
#define STORE_TEXTS_MAX 64

/* A run with the texts that were asked for, in their order. */
struct store_run_texts
{
  struct uuid run_id;
  int64_t started_at_ms;
  struct optional_int64 ended_at_ms;
  int16_t status;
  bool deleted;
  struct slice texts[STORE_TEXTS_MAX]; /* absent where the run has none */
};
typedef enum err_code (*store_run_texts_row) (void *context, const struct store_run_texts *run, struct err *err);

/* All runs of an experiment, or some runs (distinct) when `run_ids` is given, with some texts, one by one. */
enum err_code store_run_texts (struct store_connection *connection, int64_t experiment_id, const struct uuid *run_ids,
                               size_t run_count, const struct store_text *texts, size_t text_count,
                               store_run_texts_row row, void *context, struct arena *arena, struct err *err);

/* What is kept of a series, context 0. */
struct store_run_series
{
  int64_t place; /* of its run among those that were asked for, from 0 */
  int32_t key_id;
  int64_t latest_step;
  int64_t latest_timestamp_ms;
  double latest_value;
  int64_t first_step;
  int64_t first_timestamp_ms;
  double first_value;
  double min_value; /* NaN: all are NaN */
  double max_value;
  int64_t point_count;
};
typedef enum err_code (*store_run_series_row) (void *context, const struct store_run_series *series, struct err *err);

/* The series of some keys of some runs, one by one, as far as they are folded; with `latest_only` no more of them than
   the latest point, which is half of what has to be sent. */
enum err_code store_run_series (struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
                                const int64_t *key_ids, size_t key_count, bool latest_only, store_run_series_row row,
                                void *context, struct arena *arena, struct err *err);

#endif
