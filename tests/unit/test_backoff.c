/* Tests of the table that slows down guessing. */
#include "access/backoff.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US ((uint64_t)1000000)
/* As in access/backoff.c. */
#define PAIR_FREE 4
#define ADDRESS_FREE 50
#define PAIRS 16384

static struct backoff *backoff;
/* Some time; the clock may stand anywhere. */
static uint64_t now_us = 5 * SECOND_US;

static const struct slice anna = SLICE ("anna");
static const struct slice here = SLICE ("192.0.2.1");
static const struct slice there = SLICE ("192.0.2.2");

static void
set_up (void)
{
  backoff = backoff_new ();
  ck_assert_ptr_nonnull (backoff);
}

static void
tear_down (void)
{
  backoff_free (backoff);
}

/* A number as the digest of a wrong password. */
static struct digest
guess (unsigned number)
{
  struct digest digest = { { 0 } };

  memcpy (digest.bytes, &number, sizeof (number));
  return digest;
}

static const struct slice stored = SLICE ("scrypt$x");

static void
fail_at (struct slice username, struct slice address, uint64_t at_us)
{
  static unsigned number;
  struct digest credential = guess (number++);

  backoff_failed (backoff, username, address, &credential, stored, at_us);
}

static void
fail_times (struct slice username, struct slice address, unsigned times)
{
  for (unsigned i = 0; i < times; i++)
    fail_at (username, address, now_us);
}

static unsigned
wait_s (struct slice username, struct slice address)
{
  return backoff_wait_s (backoff, username, address, now_us);
}

START_TEST (lets_people_mistype)
{
  ck_assert_uint_eq (0, wait_s (anna, here));
  for (unsigned i = 0; i < PAIR_FREE; i++)
  {
    fail_at (anna, here, now_us);
    ck_assert_uint_eq (0, wait_s (anna, here));
  }
  fail_at (anna, here, now_us);
  ck_assert_uint_eq (1, wait_s (anna, here));
}
END_TEST

START_TEST (doubles_up_to_a_limit)
{
  static const unsigned waits_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600 };
  uint64_t at_us = now_us;

  fail_times (anna, here, PAIR_FREE);
  for (size_t i = 0; i < sizeof (waits_s) / sizeof (waits_s[0]); i++)
  {
    uint64_t shut_us = waits_s[i] * SECOND_US;

    fail_at (anna, here, at_us);
    ck_assert_uint_eq (waits_s[i], backoff_wait_s (backoff, anna, here, at_us));
    ck_assert_uint_eq (waits_s[i], backoff_wait_s (backoff, anna, here, at_us + 1));
    ck_assert_uint_eq (1, backoff_wait_s (backoff, anna, here, at_us + shut_us - 1));
    ck_assert_uint_eq (0, backoff_wait_s (backoff, anna, here, at_us + shut_us));
    at_us += shut_us;
  }
}
END_TEST

START_TEST (survives_any_number_of_failures)
{
  fail_times (anna, here, 70000);
  ck_assert_uint_eq (600, wait_s (anna, here));
  ck_assert_uint_eq (60, wait_s (SLICE ("berta"), here));
}
END_TEST

START_TEST (shuts_nobody_else_out)
{
  fail_times (anna, here, 20);
  ck_assert_uint_gt (wait_s (anna, here), 0);
  ck_assert_uint_eq (0, wait_s (anna, there));
  ck_assert_uint_eq (0, wait_s (SLICE ("berta"), here));
  ck_assert_uint_eq (0, wait_s (SLICE ("Anna"), here));
}
END_TEST

START_TEST (counts_an_address_over_names)
{
  char name[32];

  for (unsigned i = 0; i < ADDRESS_FREE; i++)
  {
    snprintf (name, sizeof (name), "user%u", i);
    ck_assert_uint_eq (0, wait_s (slice_of (name), here));
    fail_at (slice_of (name), here, now_us);
  }
  ck_assert_uint_eq (0, wait_s (anna, here));
  fail_at (SLICE ("one more"), here, now_us);
  ck_assert_uint_eq (1, wait_s (anna, here));
  ck_assert_uint_eq (0, wait_s (anna, there));
  /* An account of one's own does not help. */
  backoff_succeeded (backoff, SLICE ("user0"), here);
  ck_assert_uint_eq (1, wait_s (anna, here));
}
END_TEST

START_TEST (forgets_after_success)
{
  fail_times (anna, here, PAIR_FREE + 3);
  ck_assert_uint_eq (4, wait_s (anna, here));
  backoff_succeeded (backoff, anna, here);
  ck_assert_uint_eq (0, wait_s (anna, here));
  fail_times (anna, here, PAIR_FREE);
  ck_assert_uint_eq (0, wait_s (anna, here));
}
END_TEST

START_TEST (forgets_after_an_hour)
{
  const uint64_t hour_us = 3600 * SECOND_US;

  fail_times (anna, here, PAIR_FREE + 10);
  fail_at (anna, here, now_us + hour_us + 1);
  ck_assert_uint_eq (0, backoff_wait_s (backoff, anna, here, now_us + hour_us + 1));
  fail_times (SLICE ("berta"), there, PAIR_FREE + 10);
  fail_at (SLICE ("berta"), there, now_us + hour_us);
  ck_assert_uint_eq (600, backoff_wait_s (backoff, SLICE ("berta"), there, now_us + hour_us));
}
END_TEST

START_TEST (counts_networks_of_ipv6)
{
  fail_times (anna, SLICE ("2001:db8:1:2::1"), PAIR_FREE + 1);
  ck_assert_uint_eq (1, wait_s (anna, SLICE ("2001:db8:1:2::1")));
  ck_assert_uint_eq (1, wait_s (anna, SLICE ("2001:db8:1:2:ffff::9")));
  ck_assert_uint_eq (1, wait_s (anna, SLICE ("2001:0DB8:1:2::")));
  ck_assert_uint_eq (0, wait_s (anna, SLICE ("2001:db8:1:3::1")));
  fail_times (anna, SLICE ("::ffff:192.0.2.1"), PAIR_FREE + 1);
  ck_assert_uint_eq (1, wait_s (anna, here));
  ck_assert_uint_eq (0, wait_s (anna, SLICE ("::ffff:192.0.2.2")));
}
END_TEST

START_TEST (takes_any_text)
{
  const struct slice odd[] = { { NULL, 0 },
                               SLICE ("no address"),
                               SLICE ("no\0address"),
                               SLICE ("a very long text that is no address, longer than any address can be") };

  for (size_t i = 0; i < sizeof (odd) / sizeof (odd[0]); i++)
  {
    fail_times (odd[i], odd[i], PAIR_FREE + 1);
    ck_assert_uint_eq (1, wait_s (odd[i], odd[i]));
  }
}
END_TEST

START_TEST (keeps_the_latest_when_full)
{
  char name[32];
  char address[32];

  /* The first failed longest ago. */
  fail_times (anna, here, PAIR_FREE + 1);
  now_us++;
  fail_times (anna, there, PAIR_FREE + 1);
  now_us++;
  for (unsigned i = 0; i < PAIRS - 1; i++)
  {
    snprintf (name, sizeof (name), "user%u", i);
    snprintf (address, sizeof (address), "10.0.%u.%u", i / 256, i % 256);
    fail_at (slice_of (name), slice_of (address), now_us);
  }
  ck_assert_uint_eq (0, wait_s (anna, here));
  ck_assert_uint_eq (1, wait_s (anna, there));
  /* Who fails again is the latest again. */
  fail_at (anna, there, now_us);
  for (unsigned i = 0; i < PAIRS - 1; i++)
  {
    snprintf (name, sizeof (name), "other%u", i);
    fail_at (slice_of (name), here, now_us);
  }
  ck_assert_uint_eq (2, wait_s (anna, there));
  /* Made-up names did not push the address out. */
  ck_assert_uint_eq (60, wait_s (anna, here));
}
END_TEST

START_TEST (keeps_success_among_others)
{
  char name[32];

  for (unsigned i = 0; i < 3 * PAIRS; i++)
  {
    snprintf (name, sizeof (name), "user%u", i);
    fail_times (slice_of (name), here, 1);
    backoff_succeeded (backoff, slice_of (name), here);
  }
  ck_assert_uint_eq (0, wait_s (slice_of (name), here));
  ck_assert_uint_eq (60, wait_s (SLICE ("user0"), here));
  fail_times (anna, there, PAIR_FREE + 1);
  ck_assert_uint_eq (1, wait_s (anna, there));
}
END_TEST

START_TEST (holds_nobody_up_who_came_in_before)
{
  char name[32];

  backoff_succeeded (backoff, anna, here);
  for (unsigned i = 0; i < ADDRESS_FREE + 10; i++)
  {
    snprintf (name, sizeof (name), "user%u", i);
    fail_times (slice_of (name), here, 1);
  }
  ck_assert_uint_eq (60, wait_s (SLICE ("berta"), here));
  ck_assert_uint_eq (0, wait_s (anna, here));
  /* But for her own name. */
  fail_times (anna, here, PAIR_FREE + 1);
  ck_assert_uint_eq (1, wait_s (anna, here));
}
END_TEST

static bool
is_known (struct slice username, struct slice address, unsigned number, struct slice text)
{
  struct digest credential = guess (number);

  return backoff_is_known_wrong (backoff, username, address, &credential, text);
}

START_TEST (knows_the_wrong_ones)
{
  const struct slice absent = { NULL, 0 };

  ck_assert (! is_known (anna, here, 1, stored));
  for (unsigned i = 1; i <= 4; i++)
  {
    struct digest credential = guess (i);

    backoff_failed (backoff, anna, here, &credential, stored, now_us);
  }
  for (unsigned i = 1; i <= 4; i++)
  {
    ck_assert (is_known (anna, here, i, stored));
    ck_assert (! is_known (anna, there, i, stored));
    ck_assert (! is_known (SLICE ("berta"), here, i, stored));
    /* The account has another password by now, or none. */
    ck_assert (! is_known (anna, here, i, SLICE ("scrypt$y")));
    ck_assert (! is_known (anna, here, i, absent));
  }
  ck_assert (! is_known (anna, here, 5, stored));
  for (unsigned i = 5; i <= 6; i++)
  {
    struct digest credential = guess (i);

    backoff_failed (backoff, anna, here, &credential, absent, now_us);
    /* Twice the same takes one place. */
    backoff_failed (backoff, anna, here, &credential, absent, now_us);
    ck_assert (is_known (anna, here, i, absent));
  }
  ck_assert (! is_known (anna, here, 1, stored));
  ck_assert (! is_known (anna, here, 2, stored));
  ck_assert (is_known (anna, here, 3, stored));
  ck_assert (is_known (anna, here, 4, stored));
}
END_TEST

START_TEST (frees_nothing)
{
  backoff_free (NULL);
}
END_TEST

Suite *backoff_suite (void);

Suite *
backoff_suite (void)
{
  Suite *suite = suite_create ("backoff");
  TCase *test_case = tcase_create ("backoff");

  tcase_add_checked_fixture (test_case, set_up, tear_down);
  tcase_set_timeout (test_case, 60);
  tcase_add_test (test_case, lets_people_mistype);
  tcase_add_test (test_case, doubles_up_to_a_limit);
  tcase_add_test (test_case, survives_any_number_of_failures);
  tcase_add_test (test_case, shuts_nobody_else_out);
  tcase_add_test (test_case, counts_an_address_over_names);
  tcase_add_test (test_case, forgets_after_success);
  tcase_add_test (test_case, forgets_after_an_hour);
  tcase_add_test (test_case, counts_networks_of_ipv6);
  tcase_add_test (test_case, takes_any_text);
  tcase_add_test (test_case, keeps_the_latest_when_full);
  tcase_add_test (test_case, keeps_success_among_others);
  tcase_add_test (test_case, holds_nobody_up_who_came_in_before);
  tcase_add_test (test_case, knows_the_wrong_ones);
  tcase_add_test (test_case, frees_nothing);
  suite_add_tcase (suite, test_case);
  return suite;
}
