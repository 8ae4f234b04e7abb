/* Some series as they stand in one snapshot: chunks, and the points that are not in chunks yet. */
#ifndef INGEST_VIEW_H
#define INGEST_VIEW_H

#include "ingest/chunk.h"
#include "ingest/points.h"
#include "store/series.h"

/* A chunk without its points. */
struct view_chunk
{
  size_t view;
  struct store_chunk row; /* place and summary are copies; no points */
  bool damaged; /* seen when it was read: its points are missing in the answer */
};

/* One series. */
struct view
{
  struct metric_point *young; /* not in chunks; by metric_point_compare_step, distinct */
  size_t young_count;
  struct view_chunk *chunks; /* those within the range; by first step and timestamp, strays among them */
  size_t chunk_count;
  /* Of all its points, whatever the range: */
  uint64_t points; /* how many there are; 0: the members below are not set */
  int64_t first_step;
  int64_t last_step;
  int64_t min_timestamp_ms;
  int64_t max_timestamp_ms;
};

/* Some series of one context of some runs. Lives in the arena. */
struct views
{
  struct store_connection *connection;
  struct arena *arena;
  const struct uuid *run_ids; /* distinct */
  size_t run_count;
  const uint32_t *key_ids; /* distinct */
  const struct slice *key_names; /* NULL: unknown */
  size_t key_count;
  struct view *views; /* [run * key_count + key] */
  struct metric_point *scratch; /* room for one chunk */
  size_t damaged; /* chunks that could not be read so far */
};

/* An arena for views whose points are taken out of them: the tail of a run that is eight million points behind. */
#define VIEWS_ARENA_BYTES ((size_t)256 * 1024 * 1024)

/* What is wanted of the chunks. Points outside of the range may be there; none inside is missing. Of a point outside
   that was logged again after its chunk was written, `points` of the view may count both. */
struct views_options
{
  const struct slice *key_names; /* of the keys, for the log; NULL: unknown */
  struct store_chunk_range range;
  bool with_summary;
};

/* Read some series. Inside of a snapshot, which must last until the last chunk is read. Errors: those of the database;
   INVALID_PARAMETER_VALUE when the arena is full; INTERNAL_ERROR. */
enum err_code views_load (struct views *views, struct store_connection *connection, const struct uuid *run_ids,
                          size_t run_count, const uint32_t *key_ids, size_t key_count,
                          const struct views_options *options, struct arena *arena, struct err *err);

/* Called with the points of a chunk, in order; they live until it returns. */
typedef enum err_code (*views_chunk_points) (void *context, struct view_chunk *chunk, const struct metric_point *points,
                                             size_t count, struct err *err);

/* Read the points of some chunks, in any order. A damaged chunk is logged, counted and left out. */
enum err_code views_fetch (struct views *views, struct view_chunk *const *chunks, size_t count, views_chunk_points take,
                           void *context, struct err *err);

/* Read the summary of a chunk: room for CHUNK_BLOCKS_MAX blocks. False when it is damaged, which is logged and counted;
   the points may be readable all the same. */
bool views_summary (struct chunk_block *blocks, size_t *count, const struct views *views,
                    const struct view_chunk *chunk);

/* "Too much for one answer." */
enum err_code views_too_much (struct err *err);

#endif
