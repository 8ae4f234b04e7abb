/* The metric engine under test: two daemons on one database, and beside them a plain list of all that was logged. */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "database.h"

#include "ingest/fold.h"
#include "ingest/metric_flush.h"
#include "ingest/points.h"
#include "ingest/view.h"

#define ENGINE_DAEMONS 2
#define ENGINE_RUNS 3
#define ENGINE_KEYS 3
/* Context 0 is none. */
#define ENGINE_CONTEXTS 3
/* Most points of one engine_log. */
#define ENGINE_BATCH 3000

/* One of the daemons: what it shares with nobody. */
struct engine_daemon
{
  struct config config;
  struct store *store;
  struct store_connection *connection;
  struct metric_keys *keys;
};

/* Points of one series as they were logged; the first `settled` of them are in order and distinct. */
struct engine_series
{
  struct metric_point *points;
  size_t count;
  size_t settled;
  size_t capacity;
};

struct engine
{
  struct engine_daemon daemons[ENGINE_DAEMONS];
  struct uuid runs[ENGINE_RUNS];
  uint32_t key_ids[ENGINE_KEYS];
  struct engine_series series[ENGINE_RUNS][ENGINE_KEYS][ENGINE_CONTEXTS];
  int64_t next_step[ENGINE_RUNS][ENGINE_KEYS]; /* for points that come in order */
};

/* The one that the fixtures below set up, on database_open_migrated. */
extern struct engine engine;

void engine_open (void);
void engine_close (void);

/* One more daemon; free it with engine_daemon_close. */
void engine_daemon_open (struct engine_daemon *daemon);
void engine_daemon_close (struct engine_daemon *daemon);

/* The name of a key. */
const char *engine_key (size_t key);

/* How points of a batch lie. */
enum engine_shape
{
  ENGINE_ASCENDING, /* behind all others in order */
  ENGINE_REVERSED, /* the same, last one first */
  ENGINE_LATE, /* anywhere among the others */
  ENGINE_REPEATED, /* points that were logged before */
  ENGINE_TIED, /* few steps, timestamps and values, so that they meet */
  ENGINE_STEPLESS, /* all at step 0 */
  ENGINE_TIMELESS, /* all at one timestamp */
  ENGINE_EXTREME, /* bounds of int64, anything between */
  ENGINE_SHAPES
};

/* Make `count` points for a run and key, at most ENGINE_BATCH. */
void engine_make (struct metric_point *points, size_t count, enum engine_shape shape, size_t run, size_t key);

/* Write points through a daemon as one request. Thread-safe but for the same daemon twice; counts nothing. */
enum err_code engine_write (struct engine_daemon *daemon, size_t run, size_t key, size_t context,
                            const struct metric_point *points, size_t count, struct err *err);

/* Count points as logged. */
void engine_note (size_t run, size_t key, size_t context, const struct metric_point *points, size_t count);

/* Write `count` points of a shape by a random daemon, and count them. */
void engine_log (size_t run, size_t key, size_t context, enum engine_shape shape, size_t count);

/* What was logged, in order and distinct; it is good until more is. */
const struct metric_point *engine_points (size_t *count, size_t run, size_t key, size_t context);

/* The same by timestamp, step and value; the caller frees. */
struct metric_point *engine_points_by_time (size_t *count, size_t run, size_t key);

/* Fold all runs by a daemon, once. */
struct fold_result engine_fold (struct engine_daemon *daemon);

/* Fold all runs until nothing is left in the tail. */
void engine_fold_all (void);

/* Whether two points are the same to the last bit; all NaN are. */
bool engine_same (const struct metric_point *a, const struct metric_point *b);

/* Assert that points are the expected ones. */
void engine_assert_same (const struct metric_point *got, size_t got_count, const struct metric_point *expected,
                         size_t count, const char *what);

/* Run `work` in a snapshot of a random daemon; it asserts by itself. */
void engine_read (store_work work, void *context);

/* Assert that rows of metric_series and metric_chunk are what they say, and hold what was logged: all of it when the
   tail is empty. */
void engine_check_stored (void);

/* Assert that every reader gives what was logged. */
void engine_check_views (void);
void engine_check_selections (void);
void engine_check_latest (void);
void engine_check_steps (void);
void engine_check_all (void);

#endif
