/* What the parts of the fold share; private to them. */
#ifndef INGEST_FOLD_PRIVATE_H
#define INGEST_FOLD_PRIVATE_H

#include "base/buffer.h"
#include "ingest/chunk.h"
#include "ingest/fold.h"
#include "ingest/points.h"
#include "store/series.h"

/* One series of a fold. */
struct fold_item
{
  uint32_t run; /* index into the runs of the fold */
  uint32_t key_id;
  uint32_t context; /* index into the contexts of the fold, from 1; 0: none */
  struct metric_point *points; /* new ones, in order, distinct; while reading: not set */
  size_t count;
  bool exists;
  struct store_series series; /* as it was, then as it will be; `recent` is set when it is written */
  struct metric_point *recent; /* not in chunks */
  size_t recent_count;
  bool recent_lost; /* they could not be read */
  struct metric_point *kept; /* late points that stay out of chunks for now */
  size_t kept_count;
  struct metric_point *open; /* points that go behind the chunks */
  size_t open_count;
  bool ends_open; /* the chunk before may be merged too */
};

/* A chunk to be written. */
struct fold_chunk
{
  size_t item;
  struct store_chunk row; /* summary and points: where they are in `bytes` */
  size_t summary_start;
  size_t summary_end;
  size_t points_end;
};

/* Something that could not be read. */
struct fold_damage
{
  uint32_t run; /* index into the runs of the fold */
  uint32_t key_id; /* 0: several */
  const char *what;
};

/* Most of those that one fold tells of one by one; all are counted. */
#define FOLD_DAMAGES_MAX 16

struct fold_context
{
  struct metric_context texts;
  int32_t context_id;
};

struct fold
{
  struct store_connection *connection;
  struct arena *arena; /* of the intake, then of the part under way */
  const struct store_fold_run *runs; /* locked */
  size_t run_count;

  struct fold_item *items;
  size_t item_count;
  size_t item_capacity;
  size_t part_start; /* the items under way; what they hold lives until their part ends */
  size_t part_end;
  size_t *slots; /* index into items plus one; 0 is free */
  size_t slot_count;
  struct fold_context *contexts;
  size_t context_count;
  size_t context_capacity;

  struct fold_chunk *chunks; /* not yet sent */
  size_t chunk_count;
  size_t chunk_capacity;
  struct buffer bytes; /* their packed columns */
  struct slice *doomed; /* places of chunks to be deleted */
  size_t doomed_count;
  size_t doomed_capacity;

  struct metric_point *scratch; /* room for one chunk */
  struct fold_result *result;
  struct fold_damage damages[FOLD_DAMAGES_MAX];
  size_t damage_count;
};

/* Memory of the arena is out. */
enum err_code fold_out_of_memory (struct err *err);

/* An array in the arena that holds at least one more item: `items` itself or a larger copy; NULL when memory is out. */
void *fold_grow (struct fold *fold, void *items, size_t count, size_t *capacity, size_t size);

/* The keys of some items, for a statement. False when memory is out. */
bool fold_keys (struct store_series_keys *keys, struct fold *fold, const size_t *items, size_t count);

/* Add chunks made from points (in order, distinct) of an item to what is written; pieces are of equal size when `even`,
   else all but the last are full. */
enum err_code fold_emit (struct fold *fold, size_t item, const struct metric_point *points, size_t count, bool stray,
                         bool even, struct err *err);

/* Remember that a chunk goes; its place is copied. */
enum err_code fold_doom (struct fold *fold, const struct store_chunk *chunk, struct err *err);

/* Send the chunks and deletions so far; the second only when they have become many. Not from within the callback of a
   statement. */
enum err_code fold_flush (struct fold *fold, struct err *err);
enum err_code fold_flush_if_large (struct fold *fold, struct err *err);

/* Take rows of the tail of all runs, and set the items and their new points. */
enum err_code fold_read_tail (struct fold *fold, struct err *err);

/* Note that a chunk, what is recent of a series, or a row of the tail cannot be read; it is logged when the fold has
   ended, because the name of the metric must be asked for. */
void fold_note_damage (struct fold *fold, uint32_t run, uint32_t key_id, const char *what);

/* The place of the last chunk of an item compared with a place: whether that one is late. */
bool fold_is_late (const struct fold_item *item, const struct metric_point *point);

/* Take out of `item->points` what is in chunks already, and settle where late points, new and recent, go: into chunks,
   into strays, or into `item->kept`. Afterwards `item->open` has the others. Source: the design in fold.h. */
enum err_code fold_late (struct fold *fold, size_t item, struct err *err);

/* Count the new points of an item into its statistics. */
void fold_count (struct fold_item *item, const struct metric_point *points, size_t count);

#endif
