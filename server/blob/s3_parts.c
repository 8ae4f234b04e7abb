/* Objects in parts: S3's multipart uploads. */
#include "base/number.h"
#include "blob/s3_private.h"
#include "blob/s3_xml.h"

#include <stdio.h>
#include <stdlib.h>

/* A list of 10,000 parts with tags of 79 bytes, each of them a quote at worst. */
#define LIST_MAX_BYTES ((size_t)8 * 1024 * 1024)
/* "bytes=<int64>-<int64>" */
#define RANGE_BYTES 64

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

static enum err_code
answered_wrongly (const char *what, struct err *err)
{
  return err_set_cause (err, ERR_INTERNAL_ERROR, what, "The artifact store answered wrongly.");
}

/* Copy an entity tag without its quotes; false when it is empty or too long. */
static bool
copy_etag (char out[S3_ETAG_BYTES], struct slice etag)
{
  if (etag.len > 1 && '"' == etag.data[0] && '"' == etag.data[etag.len - 1])
    etag = (struct slice){ etag.data + 1, etag.len - 2 };
  if (0 == etag.len || etag.len >= S3_ETAG_BYTES)
    return false;
  memcpy (out, etag.data, etag.len);
  out[etag.len] = '\0';
  return true;
}

/* --- begin ---------------------------------------------------------------------------------------------------------
 */

static bool
read_upload_id (void *context, struct slice parent, struct slice name, struct slice text)
{
  char *upload = context;

  (void)parent;
  if (slice_is (name, "UploadId") && text.len < BLOB_UPLOAD_NAME_BYTES)
  {
    memcpy (upload, text.data, text.len);
    upload[text.len] = '\0';
  }
  return true;
}

enum err_code
s3_parts_start (char upload[BLOB_UPLOAD_NAME_BYTES], struct s3_store *store, const char *key, struct err *err)
{
  const struct s3_call call = {
    .method = "POST", .key = slice_of (key), .query = { { SLICE ("uploads"), SLICE ("") } }, .query_count = 1
  };
  struct s3_answer answer;
  enum err_code code;

  upload[0] = '\0';
  s3_answer_init (&answer);
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK == code && (! s3_xml_read (buffer_slice (&answer.body), read_upload_id, upload) || '\0' == upload[0]))
    code = answered_wrongly ("S3: CreateMultipartUpload without an UploadId of usable length", err);
  s3_answer_free (&answer);
  return code;
}

/* --- parts ---------------------------------------------------------------------------------------------------------
 */

/* Name the part in the query; `text` holds its number. */
static void
add_part_query (struct s3_call *call, char text[NUMBER_INT64_BYTES], int number, const char *upload)
{
  number_format_int64 (text, number);
  call->query[call->query_count++] = (struct s3_pair){ SLICE ("partNumber"), slice_of (text) };
  call->query[call->query_count++] = (struct s3_pair){ SLICE ("uploadId"), slice_of (upload) };
}

enum err_code
s3_parts_send (struct blob_part *part, struct s3_store *store, const char *key, const char *upload, struct slice body,
               struct err *err)
{
  struct s3_call call = { .method = "PUT", .key = slice_of (key), .body = body };
  char number[NUMBER_INT64_BYTES];
  struct s3_answer answer;
  enum err_code code;

  add_part_query (&call, number, part->number, upload);
  s3_answer_init (&answer);
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK == code && ! copy_etag (part->etag, slice_of (answer.etag)))
    code = answered_wrongly ("S3: UploadPart without an ETag of usable length", err);
  part->size_bytes = (int64_t)body.len;
  s3_answer_free (&answer);
  return code;
}

static bool
read_copy_etag (void *context, struct slice parent, struct slice name, struct slice text)
{
  return ! slice_is (parent, "CopyPartResult") || ! slice_is (name, "ETag") || copy_etag (context, text);
}

enum err_code
s3_parts_copy (struct blob_part *part, struct s3_store *store, const char *key, const char *upload, const char *source,
               int64_t offset, int64_t bytes, struct err *err)
{
  struct s3_call call = { .method = "PUT", .key = slice_of (key), .slow = true };
  char number[NUMBER_INT64_BYTES];
  char range[RANGE_BYTES];
  struct buffer from;
  struct s3_answer answer;
  enum err_code code;

  add_part_query (&call, number, part->number, upload);
  snprintf (range, sizeof (range), "bytes=%lld-%lld", (long long)offset, (long long)(offset + bytes - 1));
  part->etag[0] = '\0';
  part->size_bytes = bytes;
  s3_answer_init (&answer);
  buffer_init (&from, (size_t)4 * S3_KEY_BYTES);
  buffer_printf (&from, "/%s/", store->settings.bucket);
  if (! s3_encode_path (&from, slice_of (source)))
  {
    code = out_of_memory (err);
    goto out;
  }
  call.headers[call.header_count++] = (struct s3_pair){ SLICE ("x-amz-copy-source"), buffer_slice (&from) };
  call.headers[call.header_count++] = (struct s3_pair){ SLICE ("x-amz-copy-source-range"), slice_of (range) };
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK == code
      && (! s3_xml_read (buffer_slice (&answer.body), read_copy_etag, part->etag) || '\0' == part->etag[0]))
    code = answered_wrongly ("S3: UploadPartCopy without an ETag of usable length", err);

out:
  buffer_free (&from);
  s3_answer_free (&answer);
  return code;
}

/* --- listing -------------------------------------------------------------------------------------------------------
 */

struct part_list
{
  struct blob_part *parts;
  size_t count;
  struct blob_part part; /* being read */
  int64_t newest_s;
  bool more;
  char marker[NUMBER_INT64_BYTES];
  bool out_of_memory;
};

static bool
read_part (void *context, struct slice parent, struct slice name, struct slice text)
{
  struct part_list *list = context;
  int64_t number;

  if (slice_is (name, "Part"))
  {
    if (0 == list->count % 1000)
    {
      /* A page of S3 has 1,000. */
      struct blob_part *longer = realloc (list->parts, (list->count + 1000) * sizeof (*longer));

      list->out_of_memory = NULL == longer;
      if (NULL == longer)
        return false;
      list->parts = longer;
    }
    /* In their order, so that they can be searched and do not repeat. */
    if (list->part.number < 1 || '\0' == list->part.etag[0]
        || (list->count > 0 && list->parts[list->count - 1].number >= list->part.number))
      return false;
    list->parts[list->count++] = list->part;
    list->part = (struct blob_part){ 0 };
  }
  else if (slice_is (parent, "Part"))
  {
    int64_t seconds;

    if (slice_is (name, "PartNumber") && number_parse_int64 (text, &number) && number > 0 && number <= BLOB_PARTS_MAX)
      list->part.number = (int)number;
    else if (slice_is (name, "Size"))
      return number_parse_int64 (text, &list->part.size_bytes);
    else if (slice_is (name, "ETag"))
      return copy_etag (list->part.etag, text);
    else if (slice_is (name, "LastModified") && s3_xml_time (&seconds, text) && seconds > list->newest_s)
      list->newest_s = seconds;
  }
  else if (slice_is (name, "IsTruncated"))
    list->more = slice_is (text, "true");
  else if (slice_is (name, "NextPartNumberMarker") && number_parse_int64 (text, &number))
    number_format_int64 (list->marker, number);
  return true;
}

enum err_code
s3_parts_list (struct blob_part **parts, size_t *count, int64_t *newest_s, struct s3_store *store, const char *key,
               const char *upload, struct err *err)
{
  struct part_list list = { .more = true };
  struct s3_answer answer;
  enum err_code code = ERR_OK;

  *parts = NULL;
  *count = 0;
  *newest_s = 0;
  s3_answer_init (&answer);
  while (list.more && ERR_OK == code)
  {
    struct s3_call call = { .method = "GET", .key = slice_of (key), .judge = true };
    size_t before = list.count;

    call.query[call.query_count++] = (struct s3_pair){ SLICE ("uploadId"), slice_of (upload) };
    if ('\0' != list.marker[0])
      call.query[call.query_count++] = (struct s3_pair){ SLICE ("part-number-marker"), slice_of (list.marker) };
    list.more = false;
    code = s3_client_send (&answer, store->client, &call, err);
    if (ERR_OK != code)
      break;
    if (404 == answer.status && 0 == strcmp (answer.code, "NoSuchUpload"))
      code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "There is no such upload.");
    else if (200 != answer.status)
      code = s3_refused (&call, &answer, err);
    else if (! s3_xml_read (buffer_slice (&answer.body), read_part, &list))
      code = list.out_of_memory ? out_of_memory (err) : answered_wrongly ("S3: ListParts cannot be read", err);
    else if (list.more && (list.count == before || '\0' == list.marker[0]))
      code = answered_wrongly ("S3: ListParts does not come to its end", err);
  }
  s3_answer_free (&answer);
  if (ERR_OK != code)
  {
    free (list.parts);
    return code;
  }
  *parts = list.parts;
  *count = list.count;
  *newest_s = list.newest_s;
  return ERR_OK;
}

/* --- end -----------------------------------------------------------------------------------------------------------
 */

static int
compare_numbers (const void *a, const void *b)
{
  const struct blob_part *left = a;
  const struct blob_part *right = b;

  return (left->number > right->number) - (left->number < right->number);
}

/* Why the service does not join the parts: S3 seldom says which of them it is. */
static enum err_code
explain (struct s3_store *store, const char *key, const char *upload, const struct blob_part *parts, size_t count,
         const struct s3_answer *answer, struct err *err)
{
  struct blob_part *there = NULL;
  size_t there_count;
  int64_t newest_s;
  enum err_code code = s3_parts_list (&there, &there_count, &newest_s, store, key, upload, err);

  for (size_t i = 0; i < count && ERR_OK == code; i++)
  {
    const struct blob_part *part =
        0 == there_count ? NULL : bsearch (&parts[i], there, there_count, sizeof (*there), compare_numbers);

    if (NULL == part)
      code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "part %d was not uploaded", parts[i].number);
    else if (0 != strcmp (part->etag, parts[i].etag))
      code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "part %d has the ETag '%s', not '%s'", part->number, part->etag,
                      parts[i].etag);
    else if (i > 0 && parts[i - 1].number >= parts[i].number)
      code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "part %d stands behind part %d", parts[i].number,
                      parts[i - 1].number);
  }
  free (there);
  if (ERR_OK == code)
    code = err_set_cause (err, ERR_INVALID_PARAMETER_VALUE, answer->message,
                          "The artifact store does not join the parts: %s", answer->code);
  return code;
}

/* Whether the object of the key is what the parts would become: an earlier attempt made it. */
static enum err_code
was_completed (struct s3_store *store, const char *key, const struct blob_part *parts, size_t count, struct err *err)
{
  int64_t size_bytes;
  int64_t expected_bytes = 0;
  bool known = true;
  enum err_code code = s3_object_size (&size_bytes, store, key, err);

  for (size_t i = 0; i < count; i++)
  {
    known = known && parts[i].size_bytes > 0;
    expected_bytes += parts[i].size_bytes;
  }
  if (ERR_OK == code && size_bytes < 0)
    return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "There is no such upload.");
  if (ERR_OK == code && known && size_bytes != expected_bytes)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The upload was completed with %lld bytes before; these parts have %lld.", (long long)size_bytes,
                    (long long)expected_bytes);
  return code;
}

enum err_code
s3_parts_complete (struct s3_store *store, const char *key, const char *upload, const struct blob_part *parts,
                   size_t count, struct err *err)
{
  struct s3_call call = { .method = "POST", .key = slice_of (key), .slow = true, .judge = true };
  struct buffer body;
  struct s3_answer answer;
  enum err_code code;

  s3_answer_init (&answer);
  buffer_init (&body, LIST_MAX_BYTES);
  buffer_text (&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
  for (size_t i = 0; i < count; i++)
  {
    buffer_printf (&body, "<Part><PartNumber>%d</PartNumber><ETag>&quot;", parts[i].number);
    s3_xml_escape (&body, slice_of (parts[i].etag));
    buffer_text (&body, "&quot;</ETag></Part>");
  }
  if (! buffer_text (&body, "</CompleteMultipartUpload>"))
  {
    code = out_of_memory (err);
    goto out;
  }
  call.body = buffer_slice (&body);
  call.query[call.query_count++] = (struct s3_pair){ SLICE ("uploadId"), slice_of (upload) };
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK != code || 2 == answer.status / 100)
    goto out;
  if (404 == answer.status && 0 == strcmp (answer.code, "NoSuchUpload"))
    code = was_completed (store, key, parts, count, err);
  else if (400 == answer.status)
    code = explain (store, key, upload, parts, count, &answer, err);
  else
    code = s3_refused (&call, &answer, err);

out:
  buffer_free (&body);
  s3_answer_free (&answer);
  return code;
}

enum err_code
s3_parts_abort (struct s3_store *store, const char *key, const char *upload, struct err *err)
{
  struct s3_call call = { .method = "DELETE", .key = slice_of (key), .judge = true };
  struct s3_answer answer;
  enum err_code code;

  call.query[call.query_count++] = (struct s3_pair){ SLICE ("uploadId"), slice_of (upload) };
  s3_answer_init (&answer);
  code = s3_client_send (&answer, store->client, &call, err);
  if (ERR_OK == code && 2 != answer.status / 100 && 404 != answer.status)
    code = s3_refused (&call, &answer, err);
  s3_answer_free (&answer);
  return code;
}
