/* Series and chunks of metric points in PostgreSQL: metric_series, metric_chunk, and the fold's side of metric_tail. */
#ifndef STORE_SERIES_H
#define STORE_SERIES_H

#include "store/connection.h"

extern const struct statement_table store_series_statements;
extern const struct statement_table store_fold_statements;

/* Some series by their keys: item i is (run_ids[i], key_ids[i], context_ids[i]). Answers name an item by its number. */
struct store_series_keys
{
  const struct uuid *run_ids;
  const int64_t *key_ids;
  const int64_t *context_ids;
  size_t count;
};

/* A row of metric_series without its key. Source: migrations/0002_metric_engine.sql. */
struct store_series
{
  int64_t latest_step;
  int64_t latest_timestamp_ms;
  double latest_value;
  int64_t first_step;
  int64_t first_timestamp_ms;
  double first_value;
  int64_t min_timestamp_ms;
  int64_t max_timestamp_ms;
  int64_t point_count;
  int64_t nan_count;
  double min_value; /* NaN: all are NaN */
  double max_value;
  int64_t chunk_points;
  int64_t stray_points;
  struct optional_int64 chunk_end_step;
  struct optional_int64 chunk_end_timestamp_ms;
  struct slice recent; /* absent: none, or the latest is the only point */
};

/* A row of metric_chunk without its key. `place` is where the row stands; it is good within the transaction. */
struct store_chunk
{
  struct slice place;
  int64_t first_step;
  int64_t first_timestamp_ms;
  int64_t last_step;
  int64_t last_timestamp_ms;
  int64_t min_timestamp_ms;
  int64_t max_timestamp_ms;
  double min_value; /* NaN: all are NaN */
  double max_value;
  int64_t point_count;
  bool stray;
  struct slice summary; /* absent when it was not asked for */
  struct slice points; /* absent when they were not asked for */
};

/* Which chunks: those that may hold points within these bounds. */
struct store_chunk_range
{
  int64_t min_step;
  int64_t max_step;
  int64_t min_timestamp_ms;
  int64_t max_timestamp_ms;
};
#define STORE_CHUNK_RANGE_ALL ((struct store_chunk_range){ INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX })

/* Called for each row. Slices live until it returns. Anything but ERR_OK ends the reading with that error. */
typedef enum err_code (*store_series_row) (void *context, size_t item, const struct store_series *series,
                                           struct err *err);
typedef enum err_code (*store_chunk_row) (void *context, size_t item, const struct store_chunk *chunk, struct err *err);

/* The rows that exist of some series; `with_recent` false leaves recent out. */
enum err_code store_series_read (struct store_connection *connection, const struct store_series_keys *keys,
                                 bool with_recent, store_series_row row, void *context, struct arena *arena,
                                 struct err *err);

/* The key of a series. */
struct store_series_place
{
  struct uuid run_id;
  int32_t key_id;
  int32_t context_id;
};
typedef enum err_code (*store_placed_series_row) (void *context, const struct store_series_place *place,
                                                  const struct store_series *series, struct err *err);

/* All series of some contexts (distinct, none 0), or of those of some keys when `key_ids` is given; recent with
   them. */
enum err_code store_series_of_contexts (struct store_connection *connection, const int64_t *context_ids, size_t count,
                                        const int64_t *key_ids, size_t key_count, store_placed_series_row row,
                                        void *context, struct arena *arena, struct err *err);

/* Called for each series of a run, context 0. */
struct store_latest
{
  struct uuid run_id;
  int32_t key_id;
  int64_t step;
  int64_t timestamp_ms;
  double value;
};
typedef enum err_code (*store_latest_row) (void *context, const struct store_latest *latest, struct err *err);

/* The latest points of all series of some runs (distinct), or of those of some keys, as far as they are folded. */
enum err_code store_series_latest (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                                   const int64_t *key_ids, size_t key_count, store_latest_row row, void *context,
                                   struct arena *arena, struct err *err);

/* Chunks of some series without their points, item by item, ordered by (first_step, first_timestamp_ms). */
enum err_code store_chunk_bounds (struct store_connection *connection, const struct store_series_keys *keys,
                                  const struct store_chunk_range *range, bool with_summary, store_chunk_row row,
                                  void *context, struct arena *arena, struct err *err);

/* The last up to four chunks of some series that are no strays, the last one first; with their points where those are
   at most most_points[i]. */
enum err_code store_chunk_ends (struct store_connection *connection, const struct store_series_keys *keys,
                                const int64_t *most_points, store_chunk_row row, void *context, struct arena *arena,
                                struct err *err);

/* Called with the points of the chunk at places[index]. */
typedef enum err_code (*store_chunk_points_row) (void *context, size_t index, struct slice points, struct err *err);

/* The points of some chunks, by their places in this transaction. */
enum err_code store_chunk_points (struct store_connection *connection, const struct slice *places, size_t count,
                                  store_chunk_points_row row, void *context, struct arena *arena, struct err *err);

/* Add chunks: chunks[i] belongs to item i of `keys`. */
enum err_code store_chunk_insert (struct store_connection *connection, const struct store_series_keys *keys,
                                  const struct store_chunk *chunks, struct arena *arena, struct err *err);

/* Remove chunks by their places. */
enum err_code store_chunk_delete (struct store_connection *connection, const struct slice *places, size_t count,
                                  struct arena *arena, struct err *err);

/* Write series[i] as item i of `keys`, whether it exists or not. */
enum err_code store_series_write (struct store_connection *connection, const struct store_series_keys *keys,
                                  const struct store_series *series, struct arena *arena, struct err *err);

/* The number that the lock of a run goes by; run ids are random. */
int64_t store_fold_number (const struct uuid *run_id);

/* A run that a fold has locked. */
struct store_fold_run
{
  struct uuid run_id;
  bool exists; /* false: it was removed for good */
};

/* Lock runs against other folds until the end of the transaction, those that nobody has locked: `locked` receives them,
   `locked_count` how many. To be the first statement of its transaction, so that later ones see what the last fold did.
   The transaction does not wait for the disk when it commits. */
enum err_code store_fold_lock (struct store_fold_run *locked, size_t *locked_count, struct store_connection *connection,
                               const struct uuid *run_ids, size_t count, struct arena *arena, struct err *err);

/* A row of the tail, without its points. */
struct store_tail_place
{
  struct uuid run_id;
  struct slice place; /* good within the transaction */
  int32_t packed_bytes;
};

/* Called for each row. */
typedef enum err_code (*store_tail_place_row) (void *context, const struct store_tail_place *row, struct err *err);

/* Up to `rows_max` of the oldest rows of each of some runs. */
enum err_code store_fold_list (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                               int64_t rows_max, store_tail_place_row row, void *context, struct arena *arena,
                               struct err *err);

/* Called for each row that was taken. */
typedef enum err_code (*store_fold_row) (void *context, const struct uuid *run_id, struct slice points,
                                         struct err *err);

/* Take rows out of the tail by their places. */
enum err_code store_fold_take (struct store_connection *connection, const struct slice *places, size_t count,
                               store_fold_row row, void *context, struct arena *arena, struct err *err);

/* Note that rows of some runs were taken, for those who have read their series before (store/run_columns.h). */
enum err_code store_fold_note (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                               struct arena *arena, struct err *err);

/* Keep the bytes of a row of the tail that cannot be read. */
enum err_code store_fold_damaged (struct store_connection *connection, const struct uuid *run_id, struct slice points,
                                  int64_t now_ms, struct err *err);

/* What the tail holds of a run. */
struct store_tail_backlog
{
  struct uuid run_id;
  int64_t rows;
  int64_t packed_bytes;
};
typedef enum err_code (*store_backlog_row) (void *context, const struct store_tail_backlog *backlog, struct err *err);

/* Every run that has rows in the tail. A walk over the whole tail. */
enum err_code store_tail_backlog (struct store_connection *connection, store_backlog_row row, void *context,
                                  struct err *err);

#endif
