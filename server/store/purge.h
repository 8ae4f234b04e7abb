/* Removing deleted runs and logged models for good, in steps that are short enough for a daemon to serve beside them.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include "store/connection.h"

extern const struct statement_table store_purge_statements;

/* What the removal of some runs and logged models takes with it. */
struct store_purge_size
{
  int64_t runs; /* deleted before the time in question */
  int64_t unfinished; /* runs whose removal has begun */
  int64_t models; /* deleted before that time */
  int64_t tail_rows;
  int64_t series;
  int64_t chunks;
  int64_t points; /* folded ones */
  int64_t artifacts; /* names, of runs whose removal has not begun and of models */
  int64_t artifact_bytes;
};

/* What a step has removed. */
struct store_purge_rows
{
  uint64_t metrics;
  uint64_t artifacts; /* names */
};

/* Look what would be removed: runs and logged models deleted before `before_ms`. */
enum err_code store_purge_measure (struct store_purge_size *size, struct store_connection *connection,
                                   int64_t before_ms, struct err *err);

/* Up to `most` runs whose removal has begun, or can begin; `count` receives how many. */
enum err_code store_purge_list (struct uuid *run_ids, size_t *count, struct store_connection *connection,
                                int64_t before_ms, size_t most, struct err *err);

/* Take a run away, if it is still deleted since before `before_ms`: from here on it does not exist. Its links go with
   it, and it is noted that its metrics are to follow. `begun` is false when it was restored meanwhile. */
enum err_code store_purge_begin (bool *begun, struct store_connection *connection, const struct uuid *run_id,
                                 int64_t before_ms, int64_t now_ms, struct err *err);

/* Remove up to `most` rows of the metrics and artifacts of a run that was taken away; of another nothing. `removed`
   receives what went; nothing means that none are left, then `finished` is true when the note of the run went too. */
enum err_code store_purge_step (struct store_purge_rows *removed, bool *finished, struct store_connection *connection,
                                const struct uuid *run_id, int64_t most, struct err *err);

/* The next logged model behind `after` that was deleted before `before_ms`, in the arena; absent when there is none. */
enum err_code store_purge_model_next (struct slice *model_id, struct store_connection *connection, int64_t before_ms,
                                      struct slice after, struct arena *arena, struct err *err);

/* Remove up to `most` names of artifacts of a logged model that was deleted before `before_ms`; when none are left, the
   model, then `finished` is true. Of another model nothing. */
enum err_code store_purge_model_step (uint64_t *removed, bool *finished, struct store_connection *connection,
                                      struct slice model_id, int64_t before_ms, int64_t most, struct arena *arena,
                                      struct err *err);

#endif
