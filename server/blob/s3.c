/* The S3 back end of the store of contents: opening, reading, URLs, uploads in parts. */
#include "base/number.h"
#include "blob/s3_private.h"

#include <stdlib.h>

/* S3's limits: a part has at least 5 MiB but for the last, and there are at most 10,000. 8 MiB are few enough bytes for
   every artifact thread to hold, and enough that a request's own cost is small. */
#define PART_BYTES ((size_t)8 * 1024 * 1024)
/* The most that S3 copies at once is 5 GB; parts of a copy are smaller, so that each is answered in seconds. */
#define COPY_MAX_BYTES INT64_C (5000000000)
#define COPY_PART_BYTES (INT64_C (1024) * 1024 * 1024)

static void
s3_close (struct blob_store *base)
{
  struct s3_store *store = s3_store_of (base);

  s3_client_free (store->client);
  s3_settings_free (&store->settings);
  free (store);
}

static enum err_code
s3_open (struct blob_store **base, const struct config *config, const char *location, struct err *err)
{
  struct s3_store *store = calloc (1, sizeof (*store));
  enum err_code code;

  if (NULL == store)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  store->sizes = (struct s3_sizes){ PART_BYTES, BLOB_PARTS_MAX, COPY_MAX_BYTES, COPY_PART_BYTES };
  store->upload_ttl_s = config->upload_ttl_s;
  code = s3_settings_load (&store->settings, config, location, err);
  if (ERR_OK == code)
    code = s3_client_new (&store->client, &store->settings, err);
  if (ERR_OK == code)
    *base = &store->base;
  else
    s3_close (&store->base);
  return code;
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

/* There are no files; whether the content is there shows when it is read. */
static enum err_code
s3_open_file (int *fd, struct blob_store *base, const struct digest *digest, int64_t size_bytes, struct err *err)
{
  (void)base;
  (void)digest;
  (void)size_bytes;
  (void)err;
  *fd = -1;
  return ERR_OK;
}

static bool
add_to_buffer (void *context, struct slice bytes)
{
  return buffer_append (context, bytes.data, bytes.len);
}

static enum err_code
s3_read (struct buffer *out, struct blob_store *base, const struct digest *digest, int64_t offset, size_t bytes,
         struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  char key[S3_KEY_BYTES];
  int64_t whole_bytes;
  enum err_code code;

  s3_content_key (key, store, digest);
  /* Once, instead of doubling on the way. */
  if (! buffer_reserve (out, bytes))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = s3_object_get (&whole_bytes, store, key, offset, (int64_t)bytes, add_to_buffer, out, err);
  if (ERR_OK == code && whole_bytes < 0)
    code = err_set_cause (err, ERR_INTERNAL_ERROR, key, "A content is missing in the artifact store, or is too short.");
  return code;
}

static enum err_code
s3_verify (bool *intact, struct blob_store *base, const struct digest *digest, int64_t size_bytes, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  char key[S3_KEY_BYTES];
  struct digest found;
  bool there;
  enum err_code code;

  s3_content_key (key, store, digest);
  code = s3_object_hash (&there, &found, store, key, size_bytes, err);
  *intact = ERR_OK == code && there && digest_equal (&found, digest);
  return code;
}

static enum err_code
s3_url (struct buffer *url, struct blob_store *base, const struct digest *digest, int expires_s,
        struct slice disposition, struct slice type, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  struct s3_call call = { .method = "GET" };
  char key[S3_KEY_BYTES];

  s3_content_key (key, store, digest);
  call.key = slice_of (key);
  if (slice_filled (disposition))
    call.query[call.query_count++] = (struct s3_pair){ SLICE ("response-content-disposition"), disposition };
  if (slice_filled (type))
    call.query[call.query_count++] = (struct s3_pair){ SLICE ("response-content-type"), type };
  return s3_client_url (url, store->client, &call, expires_s, err);
}

static enum err_code
s3_remove (struct blob_store *base, const struct digest *digest, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  char key[S3_KEY_BYTES];

  s3_content_key (key, store, digest);
  return s3_object_delete (store, key, err);
}

/* --- uploads in parts ----------------------------------------------------------------------------------------------
 */

static enum err_code
s3_upload_start (char *name, struct blob_store *base, const struct uuid *upload_id, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  char key[S3_KEY_BYTES];

  s3_tmp_key (key, store, upload_id, 0);
  return s3_parts_start (name, store, key, err);
}

static enum err_code
s3_part_url (struct buffer *url, struct blob_store *base, const struct uuid *upload_id, const char *name, int number,
             int expires_s, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  struct s3_call call = { .method = "PUT" };
  char text[NUMBER_INT64_BYTES];
  char key[S3_KEY_BYTES];

  s3_tmp_key (key, store, upload_id, 0);
  number_format_int64 (text, number);
  call.key = slice_of (key);
  call.query[call.query_count++] = (struct s3_pair){ SLICE ("partNumber"), slice_of (text) };
  call.query[call.query_count++] = (struct s3_pair){ SLICE ("uploadId"), slice_of (name) };
  return s3_client_url (url, store->client, &call, expires_s, err);
}

static enum err_code
s3_part_start (struct blob_writer **writer, struct blob_store *base, const struct uuid *upload_id, int number,
               struct err *err)
{
  (void)writer;
  (void)base;
  (void)upload_id;
  (void)number;
  return err_set (err, ERR_NOT_IMPLEMENTED, "Parts go to the URLs that the server has given out.");
}

static enum err_code
s3_part_list (struct blob_part **parts, size_t *count, struct blob_store *base, const struct uuid *upload_id,
              const char *name, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  char key[S3_KEY_BYTES];
  int64_t newest_s;

  s3_tmp_key (key, store, upload_id, 0);
  return s3_parts_list (parts, count, &newest_s, store, key, name, err);
}

/* The service joins the parts, but cannot tell their SHA-256: the bytes are read once for it. */
static enum err_code
s3_upload_complete (struct blob_writer **writer, struct blob_store *base, const struct uuid *upload_id,
                    const char *name, const struct blob_part *parts, size_t count, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  char key[S3_KEY_BYTES];
  int64_t size_bytes;
  struct digest digest;
  bool there = false;
  enum err_code code;

  s3_tmp_key (key, store, upload_id, 0);
  code = s3_parts_complete (store, key, name, parts, count, err);
  if (ERR_OK == code)
    code = s3_object_size (&size_bytes, store, key, err);
  if (ERR_OK == code && size_bytes >= 0)
    code = s3_object_hash (&there, &digest, store, key, size_bytes, err);
  if (ERR_OK == code && ! there)
    code = err_set_cause (err, ERR_INTERNAL_ERROR, key, "An upload is gone from the artifact store.");
  if (ERR_OK == code)
    code = s3_writer_of_upload (writer, store, upload_id, &digest, size_bytes, err);
  return code;
}

static enum err_code
s3_upload_drop (struct blob_store *base, const struct uuid *upload_id, const char *name, struct err *err)
{
  struct s3_store *store = s3_store_of (base);
  char key[S3_KEY_BYTES];
  enum err_code code;

  s3_tmp_key (key, store, upload_id, 0);
  code = s3_parts_abort (store, key, name, err);
  return ERR_OK == code ? s3_object_delete (store, key, err) : code;
}

const struct blob_backend blob_s3 = {
  .open = s3_open,
  .close = s3_close,
  .write_start = s3_write_start,
  .write = s3_write,
  .write_end = s3_write_end,
  .publish = s3_publish,
  .writer_free = s3_writer_free,
  .open_file = s3_open_file,
  .read = s3_read,
  .verify = s3_verify,
  .url = s3_url,
  .upload_start = s3_upload_start,
  .part_url = s3_part_url,
  .part_start = s3_part_start,
  .part_list = s3_part_list,
  .upload_complete = s3_upload_complete,
  .upload_drop = s3_upload_drop,
  .sweep = s3_sweep,
  .list = s3_list,
  .remove = s3_remove,
};
