/* Garbage collection of contents.

   DESIGN
   A content may go when no artifact names it. Whoever gives a name holds the content's row in the table blob from
   before its bytes get their place until the name is committed (artifact/link.c); the collection holds the same row
   from before it looks for names until the bytes are gone. So one waits for the other, and the second sees what the
   first did. The reference from artifact to blob is the last guard: a row that is named cannot be deleted. The time of
   grace is not for safety, it keeps contents that were just unnamed from being sent again. */
#include "artifact/gc.h"

#include "base/clock.h"
#include "store/blob.h"
#include "store/upload.h"

#include <stdlib.h>

/* Rows looked at by one statement: some milliseconds. */
#define PAGE_ROWS 2000
/* Uploads looked up at once. */
#define UPLOADS_AT_ONCE 256
/* Time for one step in PostgreSQL, the removal of a content from a slow store included. */
#define STEP_BUDGET_US 60000000

struct collection
{
  struct artifact_gc_report *report;
  struct blob_store *blobs;
  struct store_connection *connection;
  const struct artifact_gc_options *options;
  struct err *err;
  enum err_code code;
  bool going;
};

static bool
go_on (struct collection *collection)
{
  const struct artifact_gc_options *options = collection->options;

  if (collection->going && NULL != options->progress)
    collection->going = options->progress (options->context, collection->report);
  return collection->going && ERR_OK == collection->code;
}

static void
start_step (struct collection *collection)
{
  store_start_request (collection->connection, clock_monotonic_us () + STEP_BUDGET_US);
}

/* --- uploads and leftovers ------------------------------------------------------------------------------------------
 */

struct expired
{
  struct uuid upload_id;
  char name[BLOB_UPLOAD_NAME_BYTES];
};

struct expired_list
{
  struct expired *items;
  size_t count;
};

static enum err_code
note_expired (void *context, const struct store_upload *upload, struct err *err)
{
  struct expired_list *list = context;
  struct expired *item = &list->items[list->count];

  if (list->count >= UPLOADS_AT_ONCE || upload->store_upload.len >= sizeof (item->name))
    return err_set_cause (err, ERR_INTERNAL_ERROR, "an upload's name is too long", "internal error");
  list->count++;
  item->upload_id = upload->upload_id;
  memcpy (item->name, upload->store_upload.data, upload->store_upload.len);
  item->name[upload->store_upload.len] = '\0';
  return ERR_OK;
}

/* The parts go before the row: what a crash leaves in between is found again. */
static void
drop_expired (struct collection *collection)
{
  struct expired_list list = { malloc (UPLOADS_AT_ONCE * sizeof (struct expired)), 0 };
  bool removed = true;

  if (NULL == list.items)
    collection->code = err_set (collection->err, ERR_INTERNAL_ERROR, "out of memory");
  do
  {
    list.count = 0;
    start_step (collection);
    if (ERR_OK == collection->code)
      collection->code = store_upload_expired (collection->connection, clock_wall_ms (), UPLOADS_AT_ONCE, note_expired,
                                               &list, collection->err);
    for (size_t i = 0; ERR_OK == collection->code && i < list.count; i++)
    {
      collection->report->uploads++;
      if (collection->options->dry_run)
        continue;
      start_step (collection);
      collection->code =
          blob_upload_drop (collection->blobs, &list.items[i].upload_id, list.items[i].name, collection->err);
      if (ERR_OK == collection->code)
        collection->code =
            store_upload_remove (&removed, collection->connection, &list.items[i].upload_id, collection->err);
    }
  } while (go_on (collection) && ! collection->options->dry_run && UPLOADS_AT_ONCE == list.count);
  free (list.items);
}

static bool
note_leftover (void *context, int64_t size_bytes)
{
  struct collection *collection = context;

  collection->report->leftovers++;
  collection->report->leftover_bytes += (uint64_t)size_bytes;
  return go_on (collection);
}

static void
sweep (struct collection *collection)
{
  const struct artifact_gc_options *options = collection->options;

  drop_expired (collection);
  if (go_on (collection))
    collection->code =
        blob_sweep (collection->blobs, options->grace_s, options->dry_run, note_leftover, collection, collection->err);
}

enum err_code
artifact_gc_sweep (struct artifact_gc_report *report, struct blob_store *blobs, struct store_connection *connection,
                   const struct artifact_gc_options *options, struct err *err)
{
  struct collection collection = { report, blobs, connection, options, err, ERR_OK, true };

  *report = (struct artifact_gc_report){ .uploads = 0 };
  sweep (&collection);
  return collection.code;
}

/* --- contents ------------------------------------------------------------------------------------------------------
 */

static enum err_code
remove_bytes (void *context, const struct digest *digest, struct err *err)
{
  struct collection *collection = context;

  return blob_remove (collection->blobs, digest, err);
}

static void
remove_unused (struct collection *collection, int64_t before_ms)
{
  struct store_blob *page = malloc (PAGE_ROWS * sizeof (*page));
  struct digest last;
  const struct digest *after = NULL;
  size_t count = 0;

  if (NULL == page)
    collection->code = err_set (collection->err, ERR_INTERNAL_ERROR, "out of memory");
  while (go_on (collection))
  {
    start_step (collection);
    collection->code =
        store_blob_page (page, &count, collection->connection, after, before_ms, PAGE_ROWS, collection->err);
    for (size_t i = 0; ERR_OK == collection->code && i < count; i++)
    {
      bool removed = page[i].unused;

      collection->report->looked_at++;
      if (removed && ! collection->options->dry_run)
      {
        start_step (collection);
        collection->code = store_blob_release (&removed, collection->connection, &page[i].digest, before_ms,
                                               remove_bytes, collection, collection->err);
      }
      if (! removed)
        continue;
      collection->report->contents++;
      collection->report->content_bytes += (uint64_t)page[i].size_bytes;
      if (! go_on (collection))
        break;
    }
    if (ERR_OK != collection->code || count < PAGE_ROWS)
      break;
    last = page[count - 1].digest;
    after = &last;
  }
  free (page);
}

/* Contents in the store that may be strays; looked up together. */
struct stray_list
{
  struct collection *collection;
  struct digest digests[PAGE_ROWS];
  int64_t sizes[PAGE_ROWS];
  bool old[PAGE_ROWS];
  bool known[PAGE_ROWS];
  size_t count;
};

static bool
note_stored (void *context, const struct digest *digest, int64_t size_bytes, int64_t age_s)
{
  struct stray_list *list = context;

  list->digests[list->count] = *digest;
  list->sizes[list->count] = size_bytes;
  list->old[list->count] = age_s >= list->collection->options->grace_s;
  return ++list->count < PAGE_ROWS;
}

static void
remove_strays_of (struct collection *collection, struct stray_list *list, struct arena *arena)
{
  start_step (collection);
  collection->code =
      store_blob_known (list->known, collection->connection, list->digests, list->count, arena, collection->err);
  for (size_t i = 0; ERR_OK == collection->code && i < list->count; i++)
  {
    bool removed = list->old[i] && ! list->known[i];

    if (removed && ! collection->options->dry_run)
    {
      start_step (collection);
      collection->code = store_blob_remove_stray (&removed, collection->connection, &list->digests[i], remove_bytes,
                                                  collection, collection->err);
    }
    if (! removed)
      continue;
    collection->report->strays++;
    collection->report->stray_bytes += (uint64_t)list->sizes[i];
    if (! go_on (collection))
      break;
  }
}

static void
remove_strays (struct collection *collection)
{
  struct stray_list *list = calloc (1, sizeof (*list));
  /* Room for an array of so many digests as a parameter. */
  struct arena *arena = arena_new ((size_t)PAGE_ROWS * 256);
  struct digest last;
  const struct digest *after = NULL;

  if (NULL == list || NULL == arena)
    collection->code = err_set (collection->err, ERR_INTERNAL_ERROR, "out of memory");
  while (go_on (collection))
  {
    struct arena_mark mark = arena_mark (arena);

    list->collection = collection;
    list->count = 0;
    collection->code = blob_list (collection->blobs, after, note_stored, list, collection->err);
    if (ERR_OK != collection->code || 0 == list->count)
      break;
    remove_strays_of (collection, list, arena);
    arena_rewind (arena, &mark);
    last = list->digests[list->count - 1];
    after = &last;
  }
  arena_free (arena);
  free (list);
}

enum err_code
artifact_gc (struct artifact_gc_report *report, struct blob_store *blobs, struct store_connection *connection,
             const struct artifact_gc_options *options, struct err *err)
{
  struct collection collection = { report, blobs, connection, options, err, ERR_OK, true };

  *report = (struct artifact_gc_report){ .uploads = 0 };
  sweep (&collection);
  if (go_on (&collection))
    remove_unused (&collection, clock_wall_ms () - options->grace_s * 1000);
  if (go_on (&collection))
    remove_strays (&collection);
  return collection.code;
}
