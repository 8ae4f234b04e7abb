/* Whole objects of an S3-compatible service: sizes, reading, hashing, putting, copying, deleting. */
#include "blob/s3_private.h"

#include <stdio.h>
#include <stdlib.h>

void
s3_content_key (char key[S3_KEY_BYTES], const struct s3_store *store, const struct digest *digest)
{
  char text[DIGEST_TEXT_BYTES];

  digest_format (text, digest);
  snprintf (key, S3_KEY_BYTES, "%ssha256/%.2s/%s", store->settings.prefix, text, text + 2);
}

void
s3_tmp_key (char key[S3_KEY_BYTES], const struct s3_store *store, const struct uuid *id, int segment)
{
  char text[UUID_TEXT_BYTES];

  uuid_format (text, id);
  if (0 == segment)
    snprintf (key, S3_KEY_BYTES, "%stmp/%s", store->settings.prefix, text);
  else
    snprintf (key, S3_KEY_BYTES, "%stmp/%s.%d", store->settings.prefix, text, segment);
}

/* Send a call of which only success counts. */
static enum err_code
send_plain (struct s3_store *store, const struct s3_call *call, struct err *err)
{
  struct s3_answer answer;
  enum err_code code;

  s3_answer_init (&answer);
  code = s3_client_send (&answer, store->client, call, err);
  s3_answer_free (&answer);
  return code;
}

enum err_code
s3_object_size (int64_t *size_bytes, struct s3_store *store, const char *key, struct err *err)
{
  struct s3_call call = { .method = "HEAD", .key = slice_of (key), .judge = true };
  struct s3_answer answer;
  enum err_code code;

  *size_bytes = -1;
  s3_answer_init (&answer);
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK == code && 200 == answer.status && answer.size_bytes >= 0)
    *size_bytes = answer.size_bytes;
  else if (ERR_OK == code && 404 != answer.status)
    code = s3_refused (&call, &answer, err);
  s3_answer_free (&answer);
  return code;
}

enum err_code
s3_object_get (int64_t *whole_bytes, struct s3_store *store, const char *key, int64_t offset, int64_t bytes,
               s3_sink sink, void *context, struct err *err)
{
  struct s3_call call = { .method = "GET",
                          .key = slice_of (key),
                          .sink = sink,
                          .sink_context = context,
                          .offset = offset,
                          .bytes = bytes,
                          .judge = true };
  struct s3_answer answer;
  enum err_code code;

  *whole_bytes = -1;
  s3_answer_init (&answer);
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK == code && (200 == answer.status || 206 == answer.status))
    *whole_bytes = answer.size_bytes;
  else if (ERR_OK == code && 404 != answer.status && 416 != answer.status)
    code = s3_refused (&call, &answer, err);
  s3_answer_free (&answer);
  return code;
}

static bool
add_to_hash (void *context, struct slice bytes)
{
  return digest_add (context, bytes);
}

enum err_code
s3_object_hash (bool *there, struct digest *digest, struct s3_store *store, const char *key, int64_t size_bytes,
                struct err *err)
{
  struct digest_stream *hash = digest_start ();
  int64_t whole_bytes = -1;
  enum err_code code;

  *there = false;
  if (NULL == hash)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  /* No range is empty. */
  if (0 == size_bytes)
    code = s3_object_size (&whole_bytes, store, key, err);
  else
    code = s3_object_get (&whole_bytes, store, key, 0, size_bytes, add_to_hash, hash, err);
  if (ERR_OK == code && whole_bytes == size_bytes)
  {
    *there = digest_end (digest, hash);
    if (! *there)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  digest_free (hash);
  return code;
}

enum err_code
s3_object_put (struct s3_store *store, const char *key, struct slice body, const struct digest *digest, struct err *err)
{
  const struct s3_call call = { .method = "PUT", .key = slice_of (key), .body = body, .body_digest = digest };

  return send_plain (store, &call, err);
}

enum err_code
s3_object_copy (struct s3_store *store, const char *key, const char *source, struct err *err)
{
  struct s3_call call = { .method = "PUT", .key = slice_of (key), .slow = true };
  struct buffer from;
  enum err_code code;

  buffer_init (&from, (size_t)3 * (S3_KEY_BYTES + BLOB_UPLOAD_NAME_BYTES));
  buffer_printf (&from, "/%s/", store->settings.bucket);
  if (! s3_encode_path (&from, slice_of (source)))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  else
  {
    call.headers[call.header_count++] = (struct s3_pair){ SLICE ("x-amz-copy-source"), buffer_slice (&from) };
    code = send_plain (store, &call, err);
  }
  buffer_free (&from);
  return code;
}

enum err_code
s3_object_delete (struct s3_store *store, const char *key, struct err *err)
{
  struct s3_call call = { .method = "DELETE", .key = slice_of (key), .judge = true };
  struct s3_answer answer;
  enum err_code code;

  s3_answer_init (&answer);
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK == code && 2 != answer.status / 100 && 404 != answer.status)
    code = s3_refused (&call, &answer, err);
  s3_answer_free (&answer);
  return code;
}
