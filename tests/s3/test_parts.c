/* Tests of uploads in parts that clients send to an S3 server by signed URLs. */
#include "bucket.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* S3's least size of a part. */
#define PART_BYTES ((size_t)5 * 1024 * 1024)

static struct uuid id;
static char name[BLOB_UPLOAD_NAME_BYTES];

static void
open_upload (void)
{
  struct err err = { 0 };

  bucket_open ();
  ck_assert (uuid_random (&id));
  ck_assert_msg (ERR_OK == blob_upload_start (name, bucket_store, &id, &err), "%s (%s)", err.message, err.cause);
  ck_assert_str_ne (name, "");
}

/* PUT a part as a client does; what the server says goes into `part`. */
static void
send_part (struct blob_part *part, int number, struct slice bytes)
{
  struct buffer url;
  struct buffer answer;
  struct buffer headers;
  struct err err = { 0 };

  buffer_init (&url, 8192);
  ck_assert_int_eq (blob_part_url (&url, bucket_store, &id, name, number, 60, &err), ERR_OK);
  ck_assert_int_eq (bucket_http (&answer, &headers, url.data, bytes), 200);
  part->number = number;
  part->size_bytes = (int64_t)bytes.len;
  bucket_header (part->etag, sizeof (part->etag), &headers, "ETag");
  ck_assert_str_ne (part->etag, "");
  buffer_free (&url);
  buffer_free (&answer);
  buffer_free (&headers);
}

static enum err_code
complete (struct blob_writer **writer, struct digest *digest, const struct blob_part *parts, size_t count,
          struct err *err)
{
  int64_t size_bytes;

  *err = (struct err){ 0 };
  return blob_upload_complete (writer, digest, &size_bytes, bucket_store, &id, name, parts, count, err);
}

START_TEST (joins_parts)
{
  size_t bytes_count = 2 * PART_BYTES + 77;
  char *bytes = bucket_bytes (bytes_count, 1);
  struct blob_part parts[3];
  struct blob_part *there;
  struct blob_writer *writer = NULL;
  struct digest expected;
  struct digest digest;
  size_t count;
  struct err err = { 0 };

  /* In any order, with gaps, one sent twice. */
  send_part (&parts[2], 9, (struct slice){ bytes + 2 * PART_BYTES, 77 });
  send_part (&parts[0], 2, (struct slice){ bytes + 5, PART_BYTES });
  send_part (&parts[1], 5, (struct slice){ bytes + PART_BYTES, PART_BYTES });
  send_part (&parts[0], 2, (struct slice){ bytes, PART_BYTES });
  ck_assert_int_eq (blob_part_list (&there, &count, bucket_store, &id, name, &err), ERR_OK);
  ck_assert_uint_eq (count, 3);
  for (size_t i = 0; i < count; i++)
  {
    ck_assert_int_eq (there[i].number, parts[i].number);
    ck_assert_int_eq (there[i].size_bytes, parts[i].size_bytes);
    ck_assert_str_eq (there[i].etag, parts[i].etag);
  }
  free (there);
  ck_assert (digest_of (&expected, (struct slice){ bytes, bytes_count }));
  ck_assert_int_eq (complete (&writer, &digest, parts, 3, &err), ERR_OK);
  ck_assert (digest_equal (&digest, &expected));
  blob_writer_free (writer);
  /* The daemon died before it published: complete again. */
  ck_assert_msg (ERR_OK == complete (&writer, &digest, parts, 3, &err), "%s (%s)", err.message, err.cause);
  ck_assert (digest_equal (&digest, &expected));
  ck_assert (! bucket_intact (&digest, (int64_t)bytes_count));
  bucket_publish (writer);
  bucket_publish (writer);
  blob_writer_free (writer);
  ck_assert (bucket_intact (&digest, (int64_t)bytes_count));
  bucket_check_read (&digest, 0, (struct slice){ bytes, bytes_count });
  /* Nothing is left of the upload. */
  ck_assert_uint_eq (bucket_sweep (0, true).count, 0);
  ck_assert_int_eq (complete (&writer, &digest, parts, 3, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  err_clear (&err);
  ck_assert_int_eq (blob_part_list (&there, &count, bucket_store, &id, name, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  free (bytes);
}
END_TEST

START_TEST (names_wrong_parts)
{
  char *bytes = bucket_bytes (PART_BYTES, 2);
  struct blob_part parts[3];
  struct blob_writer *writer = NULL;
  struct digest digest;
  struct err err;

  send_part (&parts[0], 1, (struct slice){ bytes, PART_BYTES });
  send_part (&parts[1], 2, SLICE ("end"));
  parts[2] = parts[1];
  parts[2].number = 3;
  ck_assert_int_eq (complete (&writer, &digest, parts, 3, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "part 3 was not uploaded");
  parts[2] = parts[0];
  memcpy (parts[0].etag, parts[1].etag, sizeof (parts[0].etag));
  ck_assert_int_eq (complete (&writer, &digest, parts, 2, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_msg (NULL != strstr (err.message, "part 1 has the ETag"), "%s", err.message);
  /* In the wrong order. */
  parts[0] = parts[1];
  parts[1] = parts[2];
  ck_assert_int_eq (complete (&writer, &digest, parts, 2, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "part 1 stands behind part 2");
  /* Too short for one that others follow. */
  send_part (&parts[1], 3, SLICE ("more"));
  ck_assert_int_eq (complete (&writer, &digest, parts, 2, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_msg (NULL != strstr (err.message, "EntityTooSmall"), "%s", err.message);
  /* And after all that it can still be completed. */
  parts[0] = parts[2];
  send_part (&parts[1], 2, SLICE ("end"));
  ck_assert_int_eq (complete (&writer, &digest, parts, 2, &err), ERR_OK);
  blob_writer_free (writer);
  free (bytes);
}
END_TEST

/* More than a page of S3, which has 1,000. */
START_TEST (lists_many_parts)
{
  struct blob_part part;
  struct blob_part *there;
  size_t count;
  struct err err = { 0 };

  for (int i = 1; i <= 1005; i++)
    send_part (&part, i, SLICE ("x"));
  ck_assert_msg (ERR_OK == blob_part_list (&there, &count, bucket_store, &id, name, &err), "%s (%s)", err.message,
                 err.cause);
  ck_assert_uint_eq (count, 1005);
  ck_assert_int_eq (there[1004].number, 1005);
  free (there);
}
END_TEST

START_TEST (drops_uploads)
{
  struct blob_part part;
  struct blob_part *there;
  struct blob_writer *writer = NULL;
  struct digest digest;
  size_t count;
  struct err err = { 0 };

  send_part (&part, 1, SLICE ("x"));
  ck_assert_uint_eq (bucket_sweep (0, true).count, 1);
  ck_assert_int_eq (blob_upload_drop (bucket_store, &id, name, &err), ERR_OK);
  ck_assert_uint_eq (bucket_sweep (0, true).count, 0);
  ck_assert_int_eq (blob_upload_drop (bucket_store, &id, name, &err), ERR_OK);
  ck_assert_int_eq (blob_part_list (&there, &count, bucket_store, &id, name, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  err_clear (&err);
  /* One that was completed goes too. */
  ck_assert_int_eq (blob_upload_start (name, bucket_store, &id, &err), ERR_OK);
  send_part (&part, 1, SLICE ("x"));
  ck_assert_int_eq (complete (&writer, &digest, &part, 1, &err), ERR_OK);
  blob_writer_free (writer);
  ck_assert_uint_eq (bucket_sweep (0, true).count, 1);
  ck_assert_int_eq (blob_upload_drop (bucket_store, &id, name, &err), ERR_OK);
  ck_assert_uint_eq (bucket_sweep (0, true).count, 0);
  ck_assert_int_eq (blob_part_start (&writer, bucket_store, &id, 1, &err), ERR_NOT_IMPLEMENTED);
}
END_TEST

START_TEST (sweeps_uploads)
{
  struct blob_part part;
  struct bucket_findings found;

  send_part (&part, 1, SLICE ("1234567"));
  ck_assert_uint_eq (bucket_sweep (3600, false).count, 0);
  found = bucket_sweep (0, false);
  ck_assert_uint_eq (found.count, 1);
  ck_assert_int_eq (found.bytes, 7);
  ck_assert_uint_eq (bucket_sweep (0, false).count, 0);
}
END_TEST

Suite *parts_suite (void);

Suite *
parts_suite (void)
{
  Suite *suite = suite_create ("uploads in parts to S3");
  TCase *parts = tcase_create ("parts");

  tcase_add_checked_fixture (parts, open_upload, bucket_close);
  tcase_add_test (parts, joins_parts);
  tcase_add_test (parts, names_wrong_parts);
  tcase_add_test (parts, lists_many_parts);
  tcase_add_test (parts, drops_uploads);
  tcase_add_test (parts, sweeps_uploads);
  suite_add_tcase (suite, parts);
  return suite;
}
