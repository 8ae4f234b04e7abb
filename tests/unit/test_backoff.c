/* Tests of the table that slows down guessing. */
#include "access/backoff.h"

#include <check.h>
#include <stdio.h>

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

static void
fail_times (struct slice username, struct slice address, unsigned times)
{
  for (unsigned i = 0; i < times; i++)
    backoff_failed (backoff, username, address, now_us);
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
    backoff_failed (backoff, anna, here, now_us);
    ck_assert_uint_eq (0, wait_s (anna, here));
  }
  backoff_failed (backoff, anna, here, now_us);
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

    backoff_failed (backoff, anna, here, at_us);
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
    backoff_failed (backoff, slice_of (name), here, now_us);
  }
  ck_assert_uint_eq (0, wait_s (anna, here));
  backoff_failed (backoff, SLICE ("one more"), here, now_us);
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
  /* Nothing is known of this one. */
  backoff_succeeded (backoff, SLICE ("berta"), here);
}
END_TEST

START_TEST (forgets_after_an_hour)
{
  const uint64_t hour_us = 3600 * SECOND_US;

  fail_times (anna, here, PAIR_FREE + 10);
  backoff_failed (backoff, anna, here, now_us + hour_us + 1);
  ck_assert_uint_eq (0, backoff_wait_s (backoff, anna, here, now_us + hour_us + 1));
  fail_times (SLICE ("berta"), there, PAIR_FREE + 10);
  backoff_failed (backoff, SLICE ("berta"), there, now_us + hour_us);
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
    backoff_failed (backoff, slice_of (name), slice_of (address), now_us);
  }
  ck_assert_uint_eq (0, wait_s (anna, here));
  ck_assert_uint_eq (1, wait_s (anna, there));
  /* Who fails again is the latest again. */
  backoff_failed (backoff, anna, there, now_us);
  for (unsigned i = 0; i < PAIRS - 1; i++)
  {
    snprintf (name, sizeof (name), "other%u", i);
    backoff_failed (backoff, slice_of (name), here, now_us);
  }
  ck_assert_uint_eq (2, wait_s (anna, there));
  /* Made-up names did not push the address out. */
  ck_assert_uint_eq (60, wait_s (anna, here));
}
END_TEST

START_TEST (reuses_what_is_free)
{
  char name[32];

  for (unsigned i = 0; i < 3 * PAIRS; i++)
  {
    snprintf (name, sizeof (name), "user%u", i);
    fail_times (slice_of (name), here, 1);
    backoff_succeeded (backoff, slice_of (name), here);
  }
  fail_times (anna, there, PAIR_FREE + 1);
  ck_assert_uint_eq (1, wait_s (anna, there));
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
  tcase_add_test (test_case, reuses_what_is_free);
  tcase_add_test (test_case, frees_nothing);
  suite_add_tcase (suite, test_case);
  return suite;
}
