/* Tests of times and durations in filters. */
#include "search/time.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

START_TEST (reads_times)
{
  static const struct
  {
    const char *text;
    int64_t ms;
  } cases[] = {
    { "1970-01-01", 0 },
    { "1970-01-01 00:00", 0 },
    { "1969-12-31", INT64_C (-86400000) },
    { "2000-02-29T23:59:59.999Z", INT64_C (951868799999) },
    { "0001-01-01", INT64_C (-62135596800000) },
    { "9999-12-31T23:59:59.9999999", INT64_C (253402300799999) },
    { "2026-01-31 12:30:15", INT64_C (1769862615000) },
    { "2026-01-31 12:30:15.5", INT64_C (1769862615500) },
    { "2026-01-31 12:30:15.05", INT64_C (1769862615050) },
    { "2026-01-31T12:30+02:00", INT64_C (1769855400000) },
    { "2026-01-31T12:30:15.25-05:30", INT64_C (1769882415250) },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    int64_t ms;

    ck_assert_msg (search_time_parse (&ms, slice_of (cases[i].text)), "%s", cases[i].text);
    ck_assert_msg (ms == cases[i].ms, "%s: %lld", cases[i].text, (long long)ms);
  }
}
END_TEST

START_TEST (refuses_what_is_no_time)
{
  static const char *const cases[] = {
    "",
    "2026",
    "2026-01",
    "2026-1-1",
    "0000-01-01",
    "2026-13-01",
    "2026-00-01",
    "2026-01-32",
    "2026-01-00",
    "2026-02-29",
    "1900-02-29",
    "2026-01-01 ",
    "2026-01-01x",
    "2026-01-01 1:00",
    "2026-01-01 24:00",
    "2026-01-01 12:60",
    "2026-01-01 12:00:60",
    "2026-01-01 12:00:00.",
    "2026-01-01 12:00 Z",
    "2026-01-01 12:00+2",
    "2026-01-01 12:00+24:00",
    "2026-01-01Z",
    "-026-01-01",
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    int64_t ms;

    ck_assert_msg (! search_time_parse (&ms, slice_of (cases[i])), "%s", cases[i]);
  }
}
END_TEST

/* The C library agrees about every day of four centuries, the period of the calendar. */
START_TEST (agrees_with_the_library)
{
  for (int64_t day = -146097 / 2; day < 146097 / 2; day++)
  {
    time_t seconds = (time_t)(day * 86400);
    struct tm tm;
    char text[32];
    int64_t ms;

    ck_assert_ptr_nonnull (gmtime_r (&seconds, &tm));
    ck_assert_uint_gt (strftime (text, sizeof (text), "%Y-%m-%d", &tm), 0);
    ck_assert (search_time_parse (&ms, slice_of (text)) && ms == day * 86400000);
  }
}
END_TEST

START_TEST (reads_durations)
{
  static const struct
  {
    const char *text;
    int64_t ms;
  } cases[] = {
    { "5ms", 5 },         { "7d", 604800000 }, { "1d12h", 129600000 },
    { "2w", 1209600000 }, { "90m", 5400000 },  { "1h30m15s500ms", 5415500 },
    { "0s", 0 },          { "1m1m", 120000 },
  };
  static const char *const refused[] = {
    "", "7", "d", "7x", "7D", "1.5h", "-7d", "7 d", "7d1", "1000000000000000000000d", "999999999d", "316224000000001s"
  };
  int64_t ms;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_msg (search_duration_parse (&ms, slice_of (cases[i].text)), "%s", cases[i].text);
    ck_assert_msg (ms == cases[i].ms, "%s: %lld", cases[i].text, (long long)ms);
  }
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
    ck_assert_msg (! search_duration_parse (&ms, slice_of (refused[i])), "%s", refused[i]);
}
END_TEST

Suite *search_time_suite (void);

Suite *
search_time_suite (void)
{
  Suite *suite = suite_create ("search_time");
  TCase *all = tcase_create ("times");

  tcase_add_test (all, reads_times);
  tcase_add_test (all, refuses_what_is_no_time);
  tcase_add_test (all, agrees_with_the_library);
  tcase_add_test (all, reads_durations);
  suite_add_tcase (suite, all);
  return suite;
}
