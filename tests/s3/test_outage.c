/* Test of an S3 server that dies in the middle of the work: it kills the server, so it runs after the others. */
#include "bucket.h"

#include "base/clock.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Somebody waits: it must be told soon. Attempts with their pauses take one second, a timeout of the network minutes.
 */
#define SOON_US 30000000

START_TEST (a_server_dies)
{
  char *bytes = bucket_bytes ((size_t)20 * 1024 * 1024, 1);
  struct digest kept = bucket_put (SLICE ("kept"));
  const char *process = getenv ("TALLY_TEST_S3_PROCESS");
  struct blob_writer *writer = NULL;
  struct blob_writer *other = NULL;
  struct digest digest;
  struct buffer out;
  uint64_t begun_us;
  bool intact = true;
  struct err err = { 0 };

  ck_assert (NULL != process && atoi (process) > 1);
  buffer_init (&out, 1000);
  ck_assert_int_eq (blob_write_start (&writer, bucket_store, &err), ERR_OK);
  ck_assert_int_eq (blob_write (writer, (struct slice){ bytes, (size_t)10 * 1024 * 1024 }, &err), ERR_OK);
  other = bucket_write (&digest, SLICE ("not published"), 5);
  ck_assert_int_eq (kill (atoi (process), SIGKILL), 0);
  /* Its sockets close when it is gone. */
  usleep (100000);

  begun_us = clock_monotonic_us ();
  ck_assert_int_eq (blob_write (writer, (struct slice){ bytes, (size_t)10 * 1024 * 1024 }, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_gt (err.retry_after_s, 0);
  ck_assert_msg (NULL != strstr (err.cause, "S3 PUT"), "%s", err.cause);
  ck_assert_uint_lt (clock_monotonic_us () - begun_us, SOON_US);
  err_clear (&err);
  begun_us = clock_monotonic_us ();
  ck_assert_int_eq (blob_publish (other, &err), ERR_TEMPORARILY_UNAVAILABLE);
  err_clear (&err);
  ck_assert_int_eq (blob_read (&out, bucket_store, &kept, 0, 4, &err), ERR_TEMPORARILY_UNAVAILABLE);
  err_clear (&err);
  /* Which says nothing about the content. */
  ck_assert_int_eq (blob_verify (&intact, bucket_store, &kept, 4, &err), ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_lt (clock_monotonic_us () - begun_us, 3 * SOON_US);
  blob_writer_free (writer);
  blob_writer_free (other);
  buffer_free (&out);
  free (bytes);
}
END_TEST

Suite *outage_suite (void);

Suite *
outage_suite (void)
{
  Suite *suite = suite_create ("an S3 server that dies");
  TCase *outage = tcase_create ("outage");

  tcase_add_checked_fixture (outage, bucket_open, bucket_close);
  tcase_add_test (outage, a_server_dies);
  suite_add_tcase (suite, outage);
  return suite;
}
