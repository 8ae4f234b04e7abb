/* Runs in PostgreSQL. */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include "store/pipeline.h"

extern const struct statement_table store_run_statements;
extern const struct statement_table store_run_create_statements;

/* Numbers of run.status; RUNNING is what a new run has. */
enum run_status
{
  RUN_RUNNING = 1,
  RUN_SCHEDULED,
  RUN_FINISHED,
  RUN_FAILED,
  RUN_KILLED,
  RUN_STATUS_COUNT
};

/* Their names on the wire, by number; the first is NULL. */
extern const char *const run_status_names[RUN_STATUS_COUNT];

/* One row; texts live in the result it was read from. */
struct store_run
{
  struct uuid run_id;
  int64_t experiment_id;
  struct slice name;
  struct slice user_id;
  int16_t status;
  int64_t started_at_ms;
  struct optional_int64 ended_at_ms;
  struct optional_int64 deleted_at_ms;
  struct slice artifact_uri;
  struct slice params; /* JSON object of strings */
  struct slice tags; /* JSON object of strings */
};

/* The columns of a select list that store_run_columns decode. */
#define STORE_RUN_SELECT                                                                                               \
  "run_id, experiment_id, name, user_id, status, started_at_ms, ended_at_ms, deleted_at_ms, artifact_uri, params, "    \
  "tags"
#define STORE_RUN_COLUMNS 11
extern const struct column store_run_columns[STORE_RUN_COLUMNS];

/* What was found in place of a run to be made, whose id the client chose. */
enum run_found
{
  RUN_FOUND_NONE,
  RUN_FOUND_ACTIVE, /* a run of this id in the same experiment: the creation is a repetition */
  RUN_FOUND_DELETED, /* the same, deleted or removed for good */
  RUN_FOUND_ELSEWHERE /* a run of another experiment has or had the id */
};

/* A run to be made. */
struct store_new_run
{
  struct uuid run_id;
  bool given; /* the id is the client's: there may be such a run */
  int64_t experiment_id;
  struct slice name;
  struct slice user_id;
  int64_t started_at_ms;
  struct slice tags; /* text of a JSON object of strings, with mlflow.runName */
  struct arena *arena; /* of whoever asked: artifact_uri is copied there */
  struct slice artifact_uri; /* set by store_run_create when the run was made */
  bool made;
  enum run_found found; /* when it was not made */
  bool experiment_exists; /* when it was not made and none was found: whether the experiment exists, deleted then */
};

/* store/run_create.c: make many runs in one statement; each whose experiment is active is made. Of those with the same
   given id one is made, also by several callers at once; the others find it. */
enum err_code store_run_create (struct store_connection *connection, struct store_new_run *const *runs, size_t count,
                                struct arena *arena, struct err *err);

/* Read one, deleted or not. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none.
   `result` holds its texts; the caller frees it. */
enum err_code store_run_get (struct store_run *run, struct result *result, struct store_connection *connection,
                             const struct uuid *run_id, struct err *err);

/* Read the rows of some runs (distinct) that exist, in the order asked for. Texts live in `result`, which the caller
   frees, also after a failure; `runs` in the arena. */
enum err_code store_run_read (struct store_run **runs, size_t *run_count, struct result *result,
                              struct store_connection *connection, const struct uuid *run_ids, size_t count,
                              struct arena *arena, struct err *err);

/* When some runs (distinct) started, `started_at_ms[i]` for `run_ids[i]`; 0 for those that do not exist or do not say.
 */
enum err_code store_run_starts (int64_t *started_at_ms, struct store_connection *connection, const struct uuid *run_ids,
                                size_t count, struct arena *arena, struct err *err);

/* Whether a run exists and is deleted. */
enum err_code store_run_state (bool *exists, bool *deleted, struct store_connection *connection,
                               const struct uuid *run_id, struct err *err);

/* The same in a pipeline, locking the run until the end of the transaction: the answer is read when it has run. */
void store_run_queue_lock (struct result *result, struct pipeline *pipeline, const struct uuid *run_id);
enum err_code store_run_read_lock (bool *exists, bool *deleted, const struct result *result, struct err *err);

/* Mark deleted or active; idempotent. `found` is false when there is no such run. */
enum err_code store_run_set_deleted (bool *found, struct store_connection *connection, const struct uuid *run_id,
                                     bool deleted, int64_t now_ms, struct err *err);

/* What runs/update may change; absent members stay as they are. */
struct store_run_change
{
  struct slice name; /* also rewrites the tag mlflow.runName */
  struct optional_int64 status;
  struct optional_int64 ended_at_ms;
};

/* The functions below change an active run only; `changed` is false when there is none. */
enum err_code store_run_update (bool *changed, struct store_run *run, struct result *result,
                                struct store_connection *connection, const struct uuid *run_id,
                                const struct store_run_change *change, struct err *err);
/* `params` and `tags` are texts of JSON objects of strings, merged into what is there; `name` absent: stays. */
enum err_code store_run_merge (bool *changed, struct store_connection *connection, const struct uuid *run_id,
                               struct slice params, struct slice tags, struct slice name, struct err *err);
/* The same in a pipeline. */
void store_run_queue_merge (struct pipeline *pipeline, const struct uuid *run_id, struct slice params,
                            struct slice tags, struct slice name);
/* Also false when the run has no such tag. */
enum err_code store_run_delete_tag (bool *changed, struct store_connection *connection, const struct uuid *run_id,
                                    struct slice key, struct err *err);
/* Also false when the run has such a param already. */
enum err_code store_run_add_param (bool *changed, struct store_connection *connection, const struct uuid *run_id,
                                   struct slice key, struct slice value, struct err *err);

/* Values that some params of a run have already; called for each that exists. */
typedef void (*store_run_param_row) (void *context, struct slice key, struct slice value);
enum err_code store_run_params (struct store_connection *connection, const struct uuid *run_id,
                                const struct slice *keys, size_t count, store_run_param_row row, void *context,
                                struct arena *arena, struct err *err);
/* The same in a pipeline, read when it has run. */
void store_run_queue_params (struct result *result, struct pipeline *pipeline, const struct uuid *run_id,
                             const struct slice *keys, size_t count);
enum err_code store_run_read_params (const struct result *result, store_run_param_row row, void *context,
                                     struct err *err);

/* The value of one tag of a run, locking the run until the end of the transaction; absent when it has none. Copied into
   the arena. `state` results as in store_run_state. */
enum err_code store_run_tag_locked (bool *exists, bool *deleted, struct slice *value,
                                    struct store_connection *connection, const struct uuid *run_id, struct slice key,
                                    struct arena *arena, struct err *err);

#endif
