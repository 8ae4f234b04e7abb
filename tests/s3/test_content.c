/* Tests of contents in an S3 server: what is written is read back, nothing half is seen, damage and refusals are told.
 */
#include "bucket.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Larger than two parts, and no multiple of one. */
#define LARGE_BYTES ((size_t)20 * 1024 * 1024 + 12345)
#define MIB ((size_t)1024 * 1024)

START_TEST (names_a_content_by_its_digest)
{
  struct digest digest;
  struct blob_writer *writer = bucket_write (&digest, SLICE ("hello world"), 4);
  int fd = 0;
  struct err err = { 0 };

  /* Not yet: nobody can see it. */
  ck_assert (! bucket_intact (&digest, 11));
  bucket_publish (writer);
  ck_assert (bucket_intact (&digest, 11));
  /* Again, as when a transaction is tried again. */
  bucket_publish (writer);
  blob_writer_free (writer);
  bucket_check_read (&digest, 0, SLICE ("hello world"));
  bucket_check_read (&digest, 6, SLICE ("wor"));
  bucket_check_read (&digest, 10, SLICE ("d"));
  bucket_check_read (&digest, 11, SLICE (""));
  ck_assert (! bucket_intact (&digest, 10));
  ck_assert (! bucket_intact (&digest, 12));
  ck_assert_int_eq (blob_open_file (&fd, bucket_store, &digest, 11, &err), ERR_OK);
  ck_assert_int_eq (fd, -1);
}
END_TEST

START_TEST (keeps_an_empty_content)
{
  struct digest digest = bucket_put (SLICE (""));

  ck_assert (bucket_intact (&digest, 0));
  ck_assert (! bucket_intact (&digest, 1));
}
END_TEST

/* Contents around the size of a part, whole and by ranges. */
START_TEST (keeps_contents_of_many_parts)
{
  static const size_t sizes[] = { 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, LARGE_BYTES };

  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
  {
    char *bytes = bucket_bytes (sizes[i], i);
    struct digest digest;
    struct blob_writer *writer = bucket_write (&digest, (struct slice){ bytes, sizes[i] }, 3 * MIB + 1);

    ck_assert (! bucket_intact (&digest, (int64_t)sizes[i]));
    bucket_publish (writer);
    bucket_publish (writer);
    blob_writer_free (writer);
    ck_assert (bucket_intact (&digest, (int64_t)sizes[i]));
    bucket_check_read (&digest, 0, (struct slice){ bytes, sizes[i] });
    bucket_check_read (&digest, 5000000, (struct slice){ bytes + 5000000, MIB });
    bucket_check_read (&digest, (int64_t)sizes[i] - 1, (struct slice){ bytes + sizes[i] - 1, 1 });
    /* The same once more: it is there, and nothing stays behind. */
    writer = bucket_write (&digest, (struct slice){ bytes, sizes[i] }, sizes[i]);
    bucket_publish (writer);
    blob_writer_free (writer);
    ck_assert_uint_eq (bucket_sweep (0, true).count, 0);
    free (bytes);
  }
}
END_TEST

/* Beyond 10,000 parts a content is in several objects, and beyond 5 GB it is copied in parts. */
START_TEST (joins_segments)
{
  static const size_t sizes[] = { 10 * MIB, 10 * MIB + 1, 20 * MIB, 27 * MIB + 5 };

  s3_store_of (bucket_store)->sizes = (struct s3_sizes){ 5 * MIB, 2, 8 * (int64_t)MIB, 10 * (int64_t)MIB };
  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
  {
    char *bytes = bucket_bytes (sizes[i], 100 + i);
    struct digest digest;
    struct blob_writer *writer = bucket_write (&digest, (struct slice){ bytes, sizes[i] }, MIB);

    bucket_publish (writer);
    bucket_publish (writer);
    blob_writer_free (writer);
    ck_assert (bucket_intact (&digest, (int64_t)sizes[i]));
    bucket_check_read (&digest, 0, (struct slice){ bytes, sizes[i] });
    ck_assert_uint_eq (bucket_sweep (0, true).count, 0);
    free (bytes);
  }
}
END_TEST

START_TEST (addresses_the_bucket_by_host)
{
  struct digest digest = bucket_put (SLICE ("by path"));
  struct blob_store *by_path = bucket_store;

  bucket_store = bucket_open_as (bucket_virtual_endpoint (), "virtual", NULL, NULL, NULL);
  bucket_check_read (&digest, 0, SLICE ("by path"));
  digest = bucket_put (SLICE ("by host"));
  bucket_close ();
  bucket_store = by_path;
  bucket_check_read (&digest, 0, SLICE ("by host"));
}
END_TEST

struct crowd
{
  struct slice bytes;
  pthread_barrier_t barrier;
};

static void *
write_the_same (void *context)
{
  struct crowd *crowd = context;
  struct digest digest;
  struct blob_writer *writer;

  pthread_barrier_wait (&crowd->barrier);
  writer = bucket_write (&digest, crowd->bytes, MIB);
  pthread_barrier_wait (&crowd->barrier);
  bucket_publish (writer);
  blob_writer_free (writer);
  ck_assert (bucket_intact (&digest, (int64_t)crowd->bytes.len));
  return NULL;
}

START_TEST (many_write_the_same)
{
  struct crowd crowd = { .bytes = { bucket_bytes (9 * MIB, 7), 9 * MIB } };
  pthread_t threads[6];
  size_t count = sizeof (threads) / sizeof (threads[0]);

  pthread_barrier_init (&crowd.barrier, NULL, (unsigned)count);
  for (size_t i = 0; i < count; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, write_the_same, &crowd), 0);
  for (size_t i = 0; i < count; i++)
    pthread_join (threads[i], NULL);
  pthread_barrier_destroy (&crowd.barrier);
  ck_assert_uint_eq (bucket_sweep (0, true).count, 0);
  free ((char *)crowd.bytes.data);
}
END_TEST

START_TEST (gives_urls)
{
  struct digest digest = bucket_put (SLICE ("for anybody"));
  struct buffer url;
  struct buffer answer;
  struct buffer headers;
  char value[200];
  struct err err = { 0 };

  buffer_init (&url, 8192);
  ck_assert_int_eq (blob_url (&url, bucket_store, &digest, 60, SLICE ("attachment; filename=\"a b.txt\""),
                              SLICE ("text/csv; charset=utf-8"), &err),
                    ERR_OK);
  ck_assert_int_eq (bucket_http (&answer, &headers, url.data, (struct slice){ NULL, 0 }), 200);
  ck_assert (slice_is (buffer_slice (&answer), "for anybody"));
  bucket_header (value, sizeof (value), &headers, "Content-Type");
  ck_assert_str_eq (value, "text/csv; charset=utf-8");
  bucket_header (value, sizeof (value), &headers, "Content-Disposition");
  ck_assert_str_eq (value, "attachment; filename=\"a b.txt");
  buffer_free (&answer);
  buffer_free (&headers);
  /* A signature holds for what was signed. */
  memcpy (strstr (url.data, "text"), "exec", 4);
  ck_assert_int_eq (bucket_http (&answer, &headers, url.data, (struct slice){ NULL, 0 }), 403);
  ck_assert (NULL != strstr (answer.data, "SignatureDoesNotMatch"));
  buffer_free (&answer);
  buffer_free (&headers);
  ck_assert_int_eq (
      blob_url (&url, bucket_store, &digest, 60, (struct slice){ NULL, 0 }, (struct slice){ NULL, 0 }, &err), ERR_OK);
  ck_assert_int_eq (bucket_http (&answer, &headers, url.data, (struct slice){ NULL, 0 }), 200);
  buffer_free (&answer);
  buffer_free (&headers);
  buffer_free (&url);
}
END_TEST

START_TEST (tells_damage)
{
  struct s3_store *store = s3_store_of (bucket_store);
  struct digest digest = bucket_put (SLICE ("as it was"));
  char key[S3_KEY_BYTES];
  struct buffer out;
  struct err err = { 0 };

  buffer_init (&out, 1000);
  s3_content_key (key, store, &digest);
  ck_assert_int_eq (s3_object_put (store, key, SLICE ("as it isn"), NULL, &err), ERR_OK);
  ck_assert (! bucket_intact (&digest, 9));
  ck_assert_int_eq (s3_object_put (store, key, SLICE ("as"), NULL, &err), ERR_OK);
  ck_assert (! bucket_intact (&digest, 9));
  /* Shorter than asked for, from within and from behind its end. */
  ck_assert_int_eq (blob_read (&out, bucket_store, &digest, 0, 9, &err), ERR_INTERNAL_ERROR);
  err_clear (&err);
  ck_assert_int_eq (blob_read (&out, bucket_store, &digest, 5, 2, &err), ERR_INTERNAL_ERROR);
  err_clear (&err);
  ck_assert_int_eq (blob_remove (bucket_store, &digest, &err), ERR_OK);
  ck_assert (! bucket_intact (&digest, 9));
  buffer_clear (&out);
  ck_assert_int_eq (blob_read (&out, bucket_store, &digest, 0, 2, &err), ERR_INTERNAL_ERROR);
  ck_assert_uint_eq (out.len, 0);
  err_clear (&err);
  ck_assert_int_eq (blob_remove (bucket_store, &digest, &err), ERR_OK);
  /* Writing it again mends it. */
  digest = bucket_put (SLICE ("as it was"));
  ck_assert (bucket_intact (&digest, 9));
  buffer_free (&out);
}
END_TEST

/* --- lists and sweeps ------------------------------------------------------------------------------------------------
 */

struct seen
{
  struct digest last;
  size_t count;
  size_t most; /* ends it; 0: never */
};

static bool
see (void *context, const struct digest *digest, int64_t size_bytes, int64_t age_s)
{
  struct seen *seen = context;

  ck_assert (0 == seen->count || memcmp (seen->last.bytes, digest->bytes, sizeof (digest->bytes)) < 0);
  ck_assert (size_bytes > 0 && size_bytes < 5);
  ck_assert_int_ge (age_s, 0);
  ck_assert_int_lt (age_s, 600);
  seen->last = *digest;
  seen->count++;
  return 0 == seen->most || seen->count < seen->most;
}

/* More than a page of S3, which has 1,000. */
START_TEST (lists_contents)
{
  struct seen all = { 0 };
  struct seen some = { .most = 300 };
  struct seen rest = { 0 };
  struct err err = { 0 };

  for (int i = 0; i < 1050; i++)
  {
    char text[16];

    snprintf (text, sizeof (text), "%d", i);
    bucket_put (slice_of (text));
  }
  ck_assert_int_eq (s3_object_put (s3_store_of (bucket_store), "elsewhere", SLICE ("x"), NULL, &err), ERR_OK);
  ck_assert_int_eq (blob_list (bucket_store, NULL, see, &all, &err), ERR_OK);
  ck_assert_uint_eq (all.count, 1050);
  ck_assert_int_eq (blob_list (bucket_store, NULL, see, &some, &err), ERR_OK);
  ck_assert_uint_eq (some.count, 300);
  ck_assert_int_eq (blob_list (bucket_store, &some.last, see, &rest, &err), ERR_OK);
  ck_assert_uint_eq (rest.count, 750);
}
END_TEST

START_TEST (sweeps_what_was_left)
{
  char *bytes = bucket_bytes (9 * MIB, 3);
  struct digest kept = bucket_put (SLICE ("kept"));
  struct digest digest;
  struct blob_writer *writer = NULL;
  struct bucket_findings found;
  struct err err = { 0 };

  /* One writer stops in the middle, one after the end. */
  ck_assert_int_eq (blob_write_start (&writer, bucket_store, &err), ERR_OK);
  ck_assert_int_eq (blob_write (writer, (struct slice){ bytes, 9 * MIB }, &err), ERR_OK);
  blob_writer_free (writer);
  writer = bucket_write (&digest, (struct slice){ bytes, 9 * MIB }, MIB);
  blob_writer_free (writer);
  ck_assert_uint_eq (bucket_sweep (3600, false).count, 0);
  for (int dry = 1; dry >= 0; dry--)
  {
    found = bucket_sweep (0, dry);
    ck_assert_uint_eq (found.count, 2);
    ck_assert_int_eq (found.bytes, 17 * (int64_t)MIB);
  }
  ck_assert_uint_eq (bucket_sweep (0, false).count, 0);
  ck_assert (! bucket_intact (&digest, 9 * (int64_t)MIB));
  ck_assert (bucket_intact (&kept, 4));
  free (bytes);
}
END_TEST

/* --- refusals --------------------------------------------------------------------------------------------------------
 */

START_TEST (tells_refusals)
{
  struct
  {
    const char *key_id;
    const char *secret;
    const char *bucket;
    const char *cause;
  } cases[] = {
    { NULL, "not-the-secret", NULL, "403 SignatureDoesNotMatch" },
    /* S3 itself says 403 InvalidAccessKeyId. */
    { "nobody", NULL, NULL, "404 XAdminUserNotFound" },
    { NULL, NULL, "no-such-bucket", "404 NoSuchBucket" },
  };
  struct digest digest;

  ck_assert (digest_of (&digest, SLICE ("x")));
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct blob_store *store = bucket_open_as (NULL, NULL, cases[i].key_id, cases[i].secret, cases[i].bucket);
    struct blob_writer *writer = NULL;
    struct digest written;
    int64_t size_bytes;
    struct err err = { 0 };
    bool intact = true;

    ck_assert_int_eq (blob_write_start (&writer, store, &err), ERR_OK);
    ck_assert_int_eq (blob_write (writer, SLICE ("x"), &err), ERR_OK);
    ck_assert_int_eq (blob_write_end (&written, &size_bytes, writer, &err), ERR_OK);
    ck_assert_int_eq (blob_publish (writer, &err), ERR_INTERNAL_ERROR);
    ck_assert_msg (NULL != strstr (err.cause, cases[i].cause), "%s", err.cause);
    ck_assert (NULL == strstr (err.cause, "not-the-secret"));
    blob_writer_free (writer);
    err_clear (&err);
    /* What cannot be asked is not damaged. */
    ck_assert_int_eq (blob_verify (&intact, store, &digest, 1, &err), ERR_INTERNAL_ERROR);
    ck_assert_msg (NULL != strstr (err.cause, cases[i].cause), "%s", err.cause);
    blob_store_close (store);
  }
}
END_TEST

Suite *content_suite (void);

Suite *
content_suite (void)
{
  Suite *suite = suite_create ("contents in S3");
  TCase *contents = tcase_create ("contents");

  tcase_add_checked_fixture (contents, bucket_open, bucket_close);
  tcase_add_test (contents, names_a_content_by_its_digest);
  tcase_add_test (contents, keeps_an_empty_content);
  tcase_add_test (contents, keeps_contents_of_many_parts);
  tcase_add_test (contents, joins_segments);
  tcase_add_test (contents, addresses_the_bucket_by_host);
  tcase_add_test (contents, many_write_the_same);
  tcase_add_test (contents, gives_urls);
  tcase_add_test (contents, tells_damage);
  tcase_add_test (contents, lists_contents);
  tcase_add_test (contents, sweeps_what_was_left);
  tcase_add_test (contents, tells_refusals);
  suite_add_tcase (suite, contents);
  return suite;
}
