/* Listings of the S3 back end: contents, and what crashed writers and uploads have left. */
#include "base/clock.h"
#include "base/number.h"
#include "blob/s3_private.h"
#include "blob/s3_xml.h"

#include <stdio.h>
#include <stdlib.h>

/* What continues a listing: a key or a service's own token. */
#define MARKER_BYTES 2048

static enum err_code
answered_wrongly (const char *what, struct err *err)
{
  return err_set_cause (err, ERR_INTERNAL_ERROR, what, "The artifact store answered wrongly.");
}

static int64_t
now_s (void)
{
  return clock_wall_us () / 1000000;
}

/* Copy a text that fits, with NUL. */
static bool
copy_text (char *out, size_t capacity, struct slice text)
{
  if (text.len >= capacity)
    return false;
  if (text.len > 0)
    memcpy (out, text.data, text.len);
  out[text.len] = '\0';
  return true;
}

/* --- objects -------------------------------------------------------------------------------------------------------
 */

struct object
{
  char key[S3_KEY_BYTES];
  int64_t size_bytes;
  int64_t written_s; /* since 1970 */
};

/* Called for each object; false ends the listing, and `code` of the listing tells whether well. */
struct listing;
typedef bool (*object_found) (struct listing *listing, const struct object *object);

struct listing
{
  struct s3_store *store;
  object_found found;
  void *context;
  struct object object; /* being read */
  char token[MARKER_BYTES];
  bool more;
  bool ended; /* by `found` */
};

static bool
read_object (void *context, struct slice parent, struct slice name, struct slice text)
{
  struct listing *listing = context;

  if (slice_is (name, "Contents"))
  {
    listing->ended = ! listing->found (listing, &listing->object);
    listing->object = (struct object){ 0 };
    return ! listing->ended;
  }
  if (slice_is (parent, "Contents"))
  {
    if (slice_is (name, "Key"))
      return copy_text (listing->object.key, sizeof (listing->object.key), text);
    if (slice_is (name, "Size"))
      return number_parse_int64 (text, &listing->object.size_bytes);
    if (slice_is (name, "LastModified"))
      return s3_xml_time (&listing->object.written_s, text);
  }
  else if (slice_is (name, "IsTruncated"))
    listing->more = slice_is (text, "true");
  else if (slice_is (name, "NextContinuationToken"))
    return copy_text (listing->token, sizeof (listing->token), text);
  return true;
}

/* List the objects whose keys begin with `prefix`, behind `after` ("": from the first). */
static enum err_code
list_objects (struct listing *listing, const char *prefix, const char *after, struct err *err)
{
  struct s3_answer answer;
  enum err_code code = ERR_OK;

  listing->more = true;
  s3_answer_init (&answer);
  while (listing->more && ! listing->ended && ERR_OK == code)
  {
    struct s3_call call = { .method = "GET" };
    char token[MARKER_BYTES];

    memcpy (token, listing->token, sizeof (token));
    call.query[call.query_count++] = (struct s3_pair){ SLICE ("list-type"), SLICE ("2") };
    call.query[call.query_count++] = (struct s3_pair){ SLICE ("prefix"), slice_of (prefix) };
    if ('\0' != token[0])
      call.query[call.query_count++] = (struct s3_pair){ SLICE ("continuation-token"), slice_of (token) };
    else if ('\0' != after[0])
      call.query[call.query_count++] = (struct s3_pair){ SLICE ("start-after"), slice_of (after) };
    listing->more = false;
    listing->token[0] = '\0';
    code = s3_client_send (&answer, listing->store->client, &call, err);
    if (ERR_OK != code)
      break;
    if (! s3_xml_read (buffer_slice (&answer.body), read_object, listing))
    {
      if (! listing->ended)
        code = answered_wrongly ("S3: ListObjectsV2 cannot be read", err);
    }
    else if (listing->more && ('\0' == listing->token[0] || 0 == strcmp (token, listing->token)))
      code = answered_wrongly ("S3: ListObjectsV2 does not come to its end", err);
  }
  s3_answer_free (&answer);
  return code;
}

/* --- contents ------------------------------------------------------------------------------------------------------
 */

struct content_listing
{
  blob_listed listed;
  void *context;
  size_t prefix_len;
};

static bool
content_found (struct listing *listing, const struct object *object)
{
  const struct content_listing *contents = listing->context;
  const char *name = object->key + contents->prefix_len;
  char text[DIGEST_TEXT_BYTES];
  struct digest digest;
  int64_t age_s = now_s () - object->written_s;

  /* "ab/cdef...": anything else is not ours. */
  if (strlen (object->key) != contents->prefix_len + DIGEST_TEXT_BYTES || '/' != name[2])
    return true;
  memcpy (text, name, 2);
  memcpy (text + 2, name + 3, DIGEST_TEXT_BYTES - 2);
  if (! digest_parse (&digest, slice_of (text)))
    return true;
  return contents->listed (contents->context, &digest, object->size_bytes, age_s > 0 ? age_s : 0);
}

enum err_code
s3_list (struct blob_store *base, const struct digest *after, blob_listed listed, void *context, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  struct content_listing contents = { .listed = listed, .context = context };
  struct listing *listing = calloc (1, sizeof (*listing));
  char prefix[S3_KEY_BYTES];
  char key[S3_KEY_BYTES] = "";
  enum err_code code;

  if (NULL == listing)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  contents.prefix_len = (size_t)snprintf (prefix, sizeof (prefix), "%ssha256/", store->settings.prefix);
  if (NULL != after)
    s3_content_key (key, store, after);
  *listing = (struct listing){ .store = store, .found = content_found, .context = &contents };
  code = list_objects (listing, prefix, key, err);
  free (listing);
  return code;
}

/* --- what is left behind -------------------------------------------------------------------------------------------
 */

struct sweep
{
  int64_t before_s; /* what was touched since is left alone */
  bool dry_run;
  blob_found found;
  void *context;
  enum err_code code;
  struct err *err;
};

static bool
left_object_found (struct listing *listing, const struct object *object)
{
  struct sweep *sweep = listing->context;

  if (object->written_s > sweep->before_s)
    return true;
  if (! sweep->dry_run)
    sweep->code = s3_object_delete (listing->store, object->key, sweep->err);
  return ERR_OK == sweep->code && sweep->found (sweep->context, object->size_bytes);
}

/* An upload that was begun and not ended. */
struct upload
{
  char key[S3_KEY_BYTES];
  char name[BLOB_UPLOAD_NAME_BYTES];
  int64_t begun_s;
};

struct upload_listing
{
  struct upload *uploads; /* of a page, at most PAGE_UPLOADS */
  size_t count;
  struct upload upload; /* being read */
  char key_marker[MARKER_BYTES];
  char upload_marker[MARKER_BYTES];
  bool more;
};

/* What we ask for at once: a page of them is kept. */
#define PAGE_UPLOADS 100
#define PAGE_UPLOADS_TEXT "100"

static bool
read_upload (void *context, struct slice parent, struct slice name, struct slice text)
{
  struct upload_listing *listing = context;

  if (slice_is (name, "Upload"))
  {
    if (PAGE_UPLOADS == listing->count)
      return false;
    listing->uploads[listing->count++] = listing->upload;
    listing->upload = (struct upload){ 0 };
    return true;
  }
  if (slice_is (parent, "Upload"))
  {
    if (slice_is (name, "Key"))
      return copy_text (listing->upload.key, sizeof (listing->upload.key), text);
    if (slice_is (name, "UploadId"))
      return copy_text (listing->upload.name, sizeof (listing->upload.name), text);
    if (slice_is (name, "Initiated"))
      return s3_xml_time (&listing->upload.begun_s, text);
  }
  else if (slice_is (name, "IsTruncated"))
    listing->more = slice_is (text, "true");
  else if (slice_is (name, "NextKeyMarker"))
    return copy_text (listing->key_marker, sizeof (listing->key_marker), text);
  else if (slice_is (name, "NextUploadIdMarker"))
    return copy_text (listing->upload_marker, sizeof (listing->upload_marker), text);
  return true;
}

/* Abort an upload that nobody has sent a part to since. False ends the sweep. */
static bool
sweep_upload (struct sweep *sweep, struct s3_store *store, const struct upload *upload)
{
  struct blob_part *parts = NULL;
  size_t count;
  int64_t newest_s;
  int64_t bytes = 0;
  bool on = true;

  if (upload->begun_s > sweep->before_s)
    return true;
  sweep->code = s3_parts_list (&parts, &count, &newest_s, store, upload->key, upload->name, sweep->err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == sweep->code)
  {
    /* It ended meanwhile. */
    err_clear (sweep->err);
    sweep->code = ERR_OK;
    return true;
  }
  if (ERR_OK == sweep->code && newest_s <= sweep->before_s)
  {
    for (size_t i = 0; i < count; i++)
      bytes += parts[i].size_bytes;
    if (! sweep->dry_run)
      sweep->code = s3_parts_abort (store, upload->key, upload->name, sweep->err);
    on = ERR_OK == sweep->code && sweep->found (sweep->context, bytes);
  }
  free (parts);
  return on && ERR_OK == sweep->code;
}

/* Sweep uploads to keys that begin with `prefix`. `*on` is false when the caller ended it. */
static enum err_code
sweep_uploads (struct sweep *sweep, struct s3_store *store, const char *prefix, bool *on, struct err *err)
{
  struct upload_listing *listing = calloc (1, sizeof (*listing));
  struct s3_answer answer;
  enum err_code code = ERR_OK;

  if (NULL == listing)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  s3_answer_init (&answer);
  listing->uploads = calloc (PAGE_UPLOADS, sizeof (listing->uploads[0]));
  if (NULL == listing->uploads)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  listing->more = true;
  while (listing->more && *on && ERR_OK == code)
  {
    struct s3_call call = { .method = "GET" };
    char key_marker[MARKER_BYTES];
    char upload_marker[MARKER_BYTES];

    memcpy (key_marker, listing->key_marker, sizeof (key_marker));
    memcpy (upload_marker, listing->upload_marker, sizeof (upload_marker));
    call.query[call.query_count++] = (struct s3_pair){ SLICE ("uploads"), SLICE ("") };
    call.query[call.query_count++] = (struct s3_pair){ SLICE ("prefix"), slice_of (prefix) };
    call.query[call.query_count++] = (struct s3_pair){ SLICE ("max-uploads"), SLICE (PAGE_UPLOADS_TEXT) };
    if ('\0' != key_marker[0])
      call.query[call.query_count++] = (struct s3_pair){ SLICE ("key-marker"), slice_of (key_marker) };
    if ('\0' != upload_marker[0])
      call.query[call.query_count++] = (struct s3_pair){ SLICE ("upload-id-marker"), slice_of (upload_marker) };
    listing->count = 0;
    listing->more = false;
    code = s3_client_send (&answer, store->client, &call, err);
    if (ERR_OK == code && ! s3_xml_read (buffer_slice (&answer.body), read_upload, listing))
      code = answered_wrongly ("S3: ListMultipartUploads cannot be read", err);
    if (ERR_OK == code && listing->more && 0 == strcmp (key_marker, listing->key_marker)
        && 0 == strcmp (upload_marker, listing->upload_marker))
      code = answered_wrongly ("S3: ListMultipartUploads does not come to its end", err);
    for (size_t i = 0; i < listing->count && *on && ERR_OK == code; i++)
    {
      *on = sweep_upload (sweep, store, &listing->uploads[i]);
      code = sweep->code;
    }
  }
  s3_answer_free (&answer);
  free (listing->uploads);
  free (listing);
  return code;
}

enum err_code
s3_sweep (struct blob_store *base, int64_t older_than_s, bool dry_run, blob_found found, void *context, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  struct err ignored = { 0 };
  /* Nothing tells a writer that lives from one that died but its silence. */
  int64_t patience_s = older_than_s > store->upload_ttl_s ? older_than_s : store->upload_ttl_s;
  struct sweep sweep = { .before_s = now_s () - patience_s,
                         .dry_run = dry_run,
                         .found = found,
                         .context = context,
                         .err = NULL == err ? &ignored : err };
  struct listing *listing = calloc (1, sizeof (*listing));
  char prefix[S3_KEY_BYTES];
  bool on = true;
  enum err_code code;

  if (NULL == listing)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  /* Also below sha256/: copying in parts may have been broken off. */
  code = sweep_uploads (&sweep, store, store->settings.prefix, &on, err);
  if (ERR_OK == code && on)
  {
    snprintf (prefix, sizeof (prefix), "%stmp/", store->settings.prefix);
    *listing = (struct listing){ .store = store, .found = left_object_found, .context = &sweep };
    code = list_objects (listing, prefix, "", err);
    if (ERR_OK == code)
      code = sweep.code;
  }
  free (listing);
  return code;
}
