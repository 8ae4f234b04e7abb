/* Writers of the S3 back end.

   DESIGN. A content of at most one part stays in memory until it is published and is put under its name at once. A
   longer one goes part by part into an object below tmp/, so memory is one part however long it is; the service copies
   the object when it is published. What has more bytes than 10,000 parts goes into several objects, which become one in
   the copying. All of it can be repeated: names and parts are chosen before anything is sent. */
#include "blob/s3_private.h"

#include <assert.h>
#include <stdlib.h>

/* A copy may have 10,000 parts too; a part in each segment may be shorter than the others, and there are far fewer
   segments than the rest. */
#define COPY_PARTS_MAX 9000
/* Putting a content that exists again is cheaper than asking first, up to about what a round trip carries. */
#define PUT_UNSEEN_BYTES ((size_t)1024 * 1024)

struct s3_writer
{
  struct blob_writer base;
  struct uuid id; /* of the objects below tmp/ */
  struct buffer part; /* bytes that are not sent */
  char upload[BLOB_UPLOAD_NAME_BYTES]; /* of the segment under way; "": none is */
  struct blob_part *parts; /* of it; grown in steps */
  size_t part_count;
  size_t part_capacity;
  int segments; /* complete ones; 0 after the end: the content is in `part` */
  int64_t segment_bytes; /* of each segment but the last */
  bool tmp_gone; /* published, and the segments deleted */
};

static struct s3_writer *
writer_of (struct blob_writer *writer)
{
  return (struct s3_writer *)writer;
}

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

enum err_code
s3_write_start (struct blob_writer **writer, struct blob_store *store, struct err *err)
{
  const struct s3_sizes *sizes = &s3_store_of (store)->sizes;
  struct s3_writer *made = calloc (1, sizeof (*made));

  if (NULL == made || ! uuid_random (&made->id))
  {
    free (made);
    return out_of_memory (err);
  }
  buffer_init (&made->part, sizes->part_bytes);
  made->segment_bytes = (int64_t)sizes->part_bytes * sizes->parts_max;
  *writer = &made->base;
  return ERR_OK;
}

enum err_code
s3_writer_of_upload (struct blob_writer **writer, struct s3_store *store, const struct uuid *id,
                     const struct digest *digest, int64_t size_bytes, struct err *err)
{
  struct s3_writer *made = calloc (1, sizeof (*made));

  if (NULL == made)
    return out_of_memory (err);
  buffer_init (&made->part, 0);
  made->id = *id;
  made->segments = 1;
  made->segment_bytes = size_bytes;
  made->base.store = &store->base;
  made->base.digest = *digest;
  made->base.size_bytes = size_bytes;
  made->base.ended = true;
  *writer = &made->base;
  return ERR_OK;
}

void
s3_writer_free (struct blob_writer *base)
{
  struct s3_writer *writer = writer_of (base);

  buffer_free (&writer->part);
  free (writer->parts);
  free (writer);
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

/* Make an object of the parts sent so far. */
static enum err_code
complete_segment (struct s3_writer *writer, struct err *err)
{
  struct s3_store *store = s3_store_of (writer->base.store);
  char key[S3_KEY_BYTES];
  enum err_code code;

  s3_tmp_key (key, store, &writer->id, writer->segments);
  code = s3_parts_complete (store, key, writer->upload, writer->parts, writer->part_count, err);
  if (ERR_OK == code)
  {
    writer->segments++;
    writer->upload[0] = '\0';
    writer->part_count = 0;
  }
  return code;
}

/* Send the bytes that wait as a part. */
static enum err_code
send_part (struct s3_writer *writer, struct err *err)
{
  struct s3_store *store = s3_store_of (writer->base.store);
  char key[S3_KEY_BYTES];
  enum err_code code = ERR_OK;

  s3_tmp_key (key, store, &writer->id, writer->segments);
  if (writer->part_count == writer->part_capacity)
  {
    size_t capacity = 0 == writer->part_capacity ? 16 : 2 * writer->part_capacity;
    struct blob_part *longer = realloc (writer->parts, capacity * sizeof (*longer));

    if (NULL == longer)
      return out_of_memory (err);
    writer->parts = longer;
    writer->part_capacity = capacity;
  }
  if ('\0' == writer->upload[0])
    code = s3_parts_start (writer->upload, store, key, err);
  if (ERR_OK == code)
  {
    struct blob_part *part = &writer->parts[writer->part_count];

    *part = (struct blob_part){ .number = (int)writer->part_count + 1 };
    code = s3_parts_send (part, store, key, writer->upload, buffer_slice (&writer->part), err);
  }
  if (ERR_OK != code)
    return code;
  buffer_clear (&writer->part);
  writer->part_count++;
  return (size_t)store->sizes.parts_max == writer->part_count ? complete_segment (writer, err) : ERR_OK;
}

enum err_code
s3_write (struct blob_writer *base, struct slice bytes, struct err *err)
{
  struct s3_writer *writer = writer_of (base);
  enum err_code code = ERR_OK;

  while (bytes.len > 0 && ERR_OK == code)
  {
    size_t room = writer->part.max_bytes - writer->part.len;
    size_t taken = bytes.len < room ? bytes.len : room;

    /* Only when more comes: what just fills a part is a content of one piece. */
    if (0 == room)
    {
      code = send_part (writer, err);
      continue;
    }
    if (! buffer_append (&writer->part, bytes.data, taken))
      return out_of_memory (err);
    bytes.data += taken;
    bytes.len -= taken;
  }
  return code;
}

enum err_code
s3_write_end (struct blob_writer *base, struct err *err)
{
  struct s3_writer *writer = writer_of (base);
  enum err_code code = ERR_OK;

  if (0 == writer->segments && 0 == writer->part_count)
    return ERR_OK;
  /* More than a part has come, so bytes wait: send_part is only called when more follow. */
  code = send_part (writer, err);
  if (ERR_OK == code && writer->part_count > 0)
    code = complete_segment (writer, err);
  buffer_free (&writer->part);
  return code;
}

/* --- publishing ----------------------------------------------------------------------------------------------------
 */

/* Bytes of segment `segment`. */
static int64_t
segment_size (const struct s3_writer *writer, int segment)
{
  return segment + 1 < writer->segments ? writer->segment_bytes
                                        : writer->base.size_bytes - writer->segment_bytes * segment;
}

/* Copy the segments to `key`, part by part. */
static enum err_code
copy_in_parts (struct s3_writer *writer, const char *key, struct err *err)
{
  struct s3_store *store = s3_store_of (writer->base.store);
  int64_t least_bytes = writer->base.size_bytes / COPY_PARTS_MAX + 1;
  int64_t piece_bytes = store->sizes.copy_part_bytes > least_bytes ? store->sizes.copy_part_bytes : least_bytes;
  char upload[BLOB_UPLOAD_NAME_BYTES];
  char source[S3_KEY_BYTES];
  struct blob_part *parts = calloc (BLOB_PARTS_MAX, sizeof (*parts));
  size_t count = 0;
  enum err_code code = NULL == parts ? out_of_memory (err) : s3_parts_start (upload, store, key, err);

  for (int segment = 0; segment < writer->segments && ERR_OK == code; segment++)
  {
    int64_t bytes = segment_size (writer, segment);
    /* Of equal length, so that none is too short for a part. */
    int64_t pieces = (bytes + piece_bytes - 1) / piece_bytes;

    s3_tmp_key (source, store, &writer->id, segment);
    for (int64_t piece = 0; piece < pieces && ERR_OK == code; piece++)
    {
      int64_t begin = bytes / pieces * piece;
      int64_t end = piece + 1 == pieces ? bytes : begin + bytes / pieces;

      if (BLOB_PARTS_MAX == count)
        code =
            err_set (err, ERR_REQUEST_TOO_LARGE, "A content of %lld bytes has too many parts for the artifact store.",
                     (long long)writer->base.size_bytes);
      else
      {
        parts[count].number = (int)count + 1;
        code = s3_parts_copy (&parts[count], store, key, upload, source, begin, end - begin, err);
        count++;
      }
    }
  }
  if (ERR_OK == code)
    code = s3_parts_complete (store, key, upload, parts, count, err);
  else if (NULL != parts && count > 0)
    (void)s3_parts_abort (store, key, upload, NULL);
  free (parts);
  return code;
}

/* Publish what is in objects below tmp/. */
static enum err_code
publish_objects (struct s3_writer *writer, const char *key, struct err *err)
{
  struct s3_store *store = s3_store_of (writer->base.store);
  char source[S3_KEY_BYTES];
  int64_t size_bytes;
  enum err_code code = s3_object_size (&size_bytes, store, key, err);

  if (ERR_OK == code && size_bytes != writer->base.size_bytes)
  {
    if (writer->tmp_gone)
      code = err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, "S3: a content that was published is gone",
                            "The content was removed meanwhile; send it again.");
    else if (1 == writer->segments && writer->base.size_bytes <= store->sizes.copy_max_bytes)
    {
      s3_tmp_key (source, store, &writer->id, 0);
      code = s3_object_copy (store, key, source, err);
    }
    else
      code = copy_in_parts (writer, key, err);
  }
  /* One that stays behind is swept. */
  for (int segment = 0; segment < writer->segments && ERR_OK == code && ! writer->tmp_gone; segment++)
  {
    s3_tmp_key (source, store, &writer->id, segment);
    (void)s3_object_delete (store, source, NULL);
  }
  writer->tmp_gone = writer->tmp_gone || ERR_OK == code;
  return code;
}

enum err_code
s3_publish (struct blob_writer *base, struct err *err)
{
  struct s3_writer *writer = writer_of (base);
  struct s3_store *store = s3_store_of (base->store);
  int64_t size_bytes = -1;
  char key[S3_KEY_BYTES];
  enum err_code code = ERR_OK;

  s3_content_key (key, store, &base->digest);
  if (writer->segments > 0)
    return publish_objects (writer, key, err);
  if (writer->part.len > PUT_UNSEEN_BYTES)
    code = s3_object_size (&size_bytes, store, key, err);
  if (ERR_OK == code && size_bytes != base->size_bytes)
    code = s3_object_put (store, key, buffer_slice (&writer->part), &base->digest, err);
  return code;
}
