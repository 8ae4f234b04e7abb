/* Tests of the pool: each file once, one callback at a time, and everybody stops at the first error. */
#include "artifact_pool.h"

#include "error.h"

#include <check.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define FILES 200
#define FILE_BYTES 1000

static atomic_uint done[FILES];
static atomic_uint begun;
static atomic_uint inside; /* callbacks that run now */
static unsigned calls;
static uint64_t last_done;
static size_t fails_at = FILES;
static bool is_stopped; /* a file that is begun goes on until the pool stops */

static void
setup (void)
{
  memset (done, 0, sizeof (done));
  atomic_store (&begun, 0);
  calls = 0;
  last_done = 0;
  fails_at = FILES;
  is_stopped = false;
}

static enum tally_code
work (void *payload, size_t index, struct pool_file *file, struct tally_error *err)
{
  (void)payload;
  atomic_fetch_add (&begun, 1);
  file->name = "name";
  for (uint64_t bytes = 0; bytes <= FILE_BYTES; bytes += is_stopped || index > fails_at ? 0 : FILE_BYTES / 10)
  {
    usleep (200);
    if (! pool_moved (file, bytes))
      return error_set (err, TALLY_ERROR_CANCELLED, "stopped");
  }
  /* A try that began anew. */
  pool_moved (file, 0);
  pool_moved (file, FILE_BYTES);
  if (index == fails_at)
    return error_set (err, TALLY_ERROR_DIGEST, "number %zu", index);
  atomic_fetch_add (&done[index], 1);
  return TALLY_OK;
}

static bool
progress (void *payload, const char *name, uint64_t done_bytes, uint64_t total_bytes)
{
  const unsigned *stop_at = payload;

  ck_assert_uint_eq (atomic_fetch_add (&inside, 1), 0);
  ck_assert_ptr_nonnull (name);
  ck_assert_uint_eq (total_bytes, FILES * FILE_BYTES);
  ck_assert_uint_le (done_bytes, total_bytes);
  last_done = done_bytes;
  calls++;
  usleep (2000);
  atomic_fetch_sub (&inside, 1);
  return NULL == stop_at || calls < *stop_at;
}

START_TEST (each_once)
{
  struct tally_transfer settings = { .progress = progress, .parallel = (unsigned)_i };
  struct tally_error err;

  ck_assert_int_eq (pool_run (&settings, FILES, FILES * FILE_BYTES, work, NULL, &err), TALLY_OK);
  for (size_t i = 0; i < FILES; i++)
    ck_assert_uint_eq (atomic_load (&done[i]), 1);
  ck_assert_uint_eq (last_done, FILES * FILE_BYTES);
  ck_assert_uint_ge (calls, 1);
}
END_TEST

START_TEST (first_error_stops_the_others)
{
  struct tally_error err;

  fails_at = 5;
  ck_assert_int_eq (pool_run (NULL, FILES, 0, work, NULL, &err), TALLY_ERROR_DIGEST);
  ck_assert_int_eq (err.code, TALLY_ERROR_DIGEST);
  ck_assert_str_eq (err.message, "number 5");
  /* The six first ones, and what the other threads were at: artifact_pool.c has four. */
  ck_assert_uint_le (atomic_load (&begun), 6 + 3);
}
END_TEST

START_TEST (callback_stops)
{
  unsigned stop_at = 1;
  struct tally_transfer settings = { .progress = progress, .payload = &stop_at };
  struct tally_error err;

  is_stopped = true;
  ck_assert_int_eq (pool_run (&settings, FILES, FILES * FILE_BYTES, work, NULL, &err), TALLY_ERROR_CANCELLED);
  ck_assert_uint_eq (calls, 1);
  ck_assert_uint_le (atomic_load (&begun), 4);
}
END_TEST

START_TEST (nothing_and_too_much)
{
  struct tally_transfer settings = { .parallel = 17 };
  struct tally_error err;

  ck_assert_int_eq (pool_run (NULL, 0, 0, work, NULL, &err), TALLY_OK);
  ck_assert_int_eq (pool_run (&settings, FILES, 0, work, NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_uint_eq (atomic_load (&begun), 0);
}
END_TEST

Suite *pool_suite (void);

Suite *
pool_suite (void)
{
  Suite *suite = suite_create ("pool");
  TCase *tests = tcase_create ("pool");

  tcase_add_checked_fixture (tests, setup, NULL);
  tcase_add_loop_test (tests, each_once, 0, 17);
  tcase_add_test (tests, first_error_stops_the_others);
  tcase_add_test (tests, callback_stops);
  tcase_add_test (tests, nothing_and_too_much);
  suite_add_tcase (suite, tests);
  return suite;
}
