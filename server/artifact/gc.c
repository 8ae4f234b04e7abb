/* Garbage collection of the artifact store.

   DESIGN. Two races matter. A writer may publish a content, or give it a name, at the moment it is to be removed: he
   holds its row from before he publishes until the name is committed, so the row is taken from under nobody, and while
   bytes are removed a row of our own, which nobody will see, keeps writers of the same content waiting. A reader may
   have found a name just before it went: for him there is the grace period. The foreign key of names would refuse what
   all of this should have overlooked.

   Rows go first and bytes after them, each in short transactions. A crash in between leaves bytes without a row, as a
   writer does who dies between publishing and commit; both are found by going through the store. */
#include "artifact/gc.h"

#include "base/clock.h"
#include "store/blob.h"
#include "store/upload.h"

#include <stdlib.h>

/* Uploads that are looked up at once. */
#define UPLOADS 64
/* Strays are what crashes leave, and pages are random samples of a store: when more than so many of a page, and more
   than half, are strays, something is wrong with the database or with the setting. */
#define STRAYS_DOUBTFUL 100
/* Time for one step in PostgreSQL, waiting for a writer included. */
#define STEP_BUDGET_US 60000000
/* For the lists of one step: a few for each content that is looked at. */
#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

struct gc
{
  struct gc_progress *progress;
  struct store_connection *connection;
  const struct gc_options *options;
  gc_report report;
  void *context;
  bool going;
  struct arena *arena;
  struct store_blob *blobs; /* STORE_BLOB_LOOK_MAX */
  size_t count;
  size_t listed; /* by the store, in this page */
  struct digest last; /* of those */
  struct err *err;
};

static void
start_step (struct gc *gc)
{
  store_start_request (gc->connection, clock_monotonic_us () + STEP_BUDGET_US);
}

static void
end_step (struct gc *gc)
{
  if (NULL != gc->arena)
    arena_reset (gc->arena);
  gc->going = gc->report (gc->context, gc->progress);
}

/* --- uploads and leftovers ---------------------------------------------------------------------------------------- */

/* Uploads that have expired. */
struct expired
{
  struct uuid upload_ids[UPLOADS];
  char names[UPLOADS][BLOB_UPLOAD_NAME_BYTES];
  bool completed[UPLOADS];
  size_t count;
};

static enum err_code
note_upload (void *context, const struct store_upload *upload, struct err *err)
{
  struct expired *expired = context;

  if (upload->store_upload.len >= BLOB_UPLOAD_NAME_BYTES)
    return err_set_cause (err, ERR_INTERNAL_ERROR, "the name of an upload is too long", "internal error");
  expired->upload_ids[expired->count] = upload->upload_id;
  expired->completed[expired->count] = upload->completed;
  if (upload->store_upload.len > 0)
    memcpy (expired->names[expired->count], upload->store_upload.data, upload->store_upload.len);
  expired->names[expired->count][upload->store_upload.len] = '\0';
  expired->count++;
  return ERR_OK;
}

static enum err_code
count_upload (void *context, const struct store_upload *upload, struct err *err)
{
  struct gc_progress *progress = context;

  (void)err;
  progress->uploads += ! upload->completed;
  return ERR_OK;
}

/* What was sent goes first: a crash in between leaves a row, by which it is done again. */
static enum err_code
drop_uploads (struct gc *gc)
{
  struct expired *expired = malloc (sizeof (*expired));
  enum err_code code = ERR_OK;

  if (NULL == expired)
    return err_set (gc->err, ERR_INTERNAL_ERROR, "out of memory");
  do
  {
    expired->count = 0;
    start_step (gc);
    code = store_upload_expired (gc->connection, clock_wall_ms (), UPLOADS, note_upload, expired, gc->err);
    for (size_t i = 0; ERR_OK == code && gc->going && i < expired->count; i++)
    {
      bool removed = false;

      code = blob_upload_drop (gc->options->blobs, &expired->upload_ids[i], expired->names[i], gc->err);
      start_step (gc);
      if (ERR_OK == code)
        code = store_upload_remove (&removed, gc->connection, &expired->upload_ids[i], gc->err);
      gc->progress->uploads += removed && ! expired->completed[i];
      end_step (gc);
    }
  } while (ERR_OK == code && gc->going && UPLOADS == expired->count);
  free (expired);
  return code;
}

static bool
note_leftover (void *context, int64_t size_bytes)
{
  struct gc *gc = context;

  gc->progress->leftovers++;
  gc->progress->leftover_bytes += size_bytes;
  end_step (gc);
  return gc->going;
}

enum err_code
artifact_gc_sweep (struct gc_progress *progress, struct store_connection *connection, const struct gc_options *options,
                   gc_report report, void *context, struct err *err)
{
  struct gc gc = { .progress = progress,
                   .connection = connection,
                   .options = options,
                   .report = report,
                   .context = context,
                   .going = true,
                   .err = err };
  enum err_code code;

  if (options->dry_run)
  {
    start_step (&gc);
    code = store_upload_expired (connection, clock_wall_ms (), INT64_MAX, count_upload, progress, err);
  }
  else
    code = drop_uploads (&gc);
  if (ERR_OK == code && gc.going)
    code = blob_sweep (options->blobs, options->grace_s, options->dry_run, note_leftover, &gc, err);
  return code;
}

/* --- contents ----------------------------------------------------------------------------------------------------- */

static enum err_code
remove_bytes (void *context, const struct digest *digest, struct err *err)
{
  struct gc *gc = context;

  return blob_remove (gc->options->blobs, digest, err);
}

static int64_t
size_of (const struct store_blob *blobs, size_t count)
{
  int64_t bytes = 0;

  for (size_t i = 0; i < count; i++)
    bytes += blobs[i].size_bytes;
  return bytes;
}

/* Remove gc->blobs in steps: rows that are still unused before `before_ms`, when `with_rows`, and then the bytes. */
static enum err_code
remove_blobs (struct gc *gc, bool with_rows, int64_t before_ms, uint64_t *removed, int64_t *removed_bytes)
{
  enum err_code code = ERR_OK;

  for (size_t at = 0; ERR_OK == code && gc->going && at < gc->count; at += STORE_BLOB_REMOVE_MAX)
  {
    struct store_blob *blobs = gc->blobs + at;
    size_t count = gc->count - at < STORE_BLOB_REMOVE_MAX ? gc->count - at : STORE_BLOB_REMOVE_MAX;

    start_step (gc);
    if (with_rows)
      code = store_blob_forget (blobs, &count, gc->connection, before_ms, gc->arena, gc->err);
    if (ERR_OK == code)
      code = store_blob_remove (blobs, &count, gc->connection, remove_bytes, gc, gc->arena, gc->err);
    if (ERR_OK == code)
    {
      *removed += count;
      *removed_bytes += size_of (blobs, count);
    }
    end_step (gc);
  }
  return code;
}

static enum err_code
collect_unused (struct gc *gc)
{
  int64_t before_ms = clock_wall_ms () - gc->options->grace_s * 1000;
  struct digest last;
  size_t looked = 0;
  bool first = true;
  enum err_code code = ERR_OK;

  do
  {
    start_step (gc);
    code = store_blob_unused (gc->blobs, &gc->count, &last, &looked, gc->connection, first ? NULL : &last, before_ms,
                              gc->arena, gc->err);
    first = false;
    gc->progress->looked += looked;
    if (ERR_OK == code && gc->options->dry_run)
    {
      gc->progress->contents += gc->count;
      gc->progress->content_bytes += size_of (gc->blobs, gc->count);
    }
    else if (ERR_OK == code)
      code = remove_blobs (gc, true, before_ms, &gc->progress->contents, &gc->progress->content_bytes);
    if (ERR_OK == code && gc->going)
      end_step (gc);
  } while (ERR_OK == code && gc->going && looked > 0);
  return code;
}

/* Keep what is old enough to be a stray; so many at once. */
static bool
note_content (void *context, const struct digest *digest, int64_t size_bytes, int64_t age_s)
{
  struct gc *gc = context;

  gc->last = *digest;
  gc->progress->looked++;
  gc->listed++;
  if (age_s >= gc->options->grace_s)
    gc->blobs[gc->count++] = (struct store_blob){ *digest, size_bytes };
  return gc->count < STORE_BLOB_LOOK_MAX;
}

static enum err_code
collect_strays (struct gc *gc)
{
  bool first = true;
  bool more = true;
  enum err_code code = ERR_OK;

  while (ERR_OK == code && gc->going && more)
  {
    struct digest after = gc->last;

    gc->count = 0;
    gc->listed = 0;
    code = blob_list (gc->options->blobs, first ? NULL : &after, note_content, gc, gc->err);
    first = false;
    more = STORE_BLOB_LOOK_MAX == gc->count;
    start_step (gc);
    if (ERR_OK == code)
      code = store_blob_strays (gc->blobs, &gc->count, gc->connection, gc->arena, gc->err);
    if (ERR_OK == code && gc->count > STRAYS_DOUBTFUL && 2 * gc->count > gc->listed && ! gc->options->all_strays
        && ! gc->options->dry_run)
      code = err_set (gc->err, ERR_RESOURCE_CONFLICT,
                      "%zu of %zu contents in the artifact store are unknown to this database: is it the store of "
                      "another one, or the database restored from an old backup? Nothing of them was removed",
                      gc->count, gc->listed);
    else if (ERR_OK == code && gc->options->dry_run)
    {
      gc->progress->strays += gc->count;
      gc->progress->stray_bytes += size_of (gc->blobs, gc->count);
    }
    else if (ERR_OK == code)
      code = remove_blobs (gc, false, 0, &gc->progress->strays, &gc->progress->stray_bytes);
    if (ERR_OK == code && gc->going)
      end_step (gc);
  }
  return code;
}

enum err_code
artifact_gc_collect (struct gc_progress *progress, struct store_connection *connection,
                     const struct gc_options *options, gc_report report, void *context, struct err *err)
{
  struct gc gc = { .progress = progress,
                   .connection = connection,
                   .options = options,
                   .report = report,
                   .context = context,
                   .going = true,
                   .arena = arena_new (ARENA_BYTES),
                   .blobs = calloc (STORE_BLOB_LOOK_MAX, sizeof (struct store_blob)),
                   .err = err };
  enum err_code code = ERR_OK;

  if (NULL == gc.arena || NULL == gc.blobs)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = collect_unused (&gc);
  if (ERR_OK == code && gc.going)
    code = collect_strays (&gc);
  free (gc.blobs);
  arena_free (gc.arena);
  return code;
}
