/* Tests of points in time as text. */
#include "base/instant.h"

#include <check.h>

struct reading
{
  const char *text;
  bool good;
  int64_t ms;
};

static const struct reading readings[] = {
  { "1970-01-01T00:00:00Z", true, 0 },
  { "1970-01-01T00:00:00.001Z", true, 1 },
  { "2000-02-29T12:00:00Z", true, 951825600000 },
  { "2000-03-01T00:00:00z", true, 951868800000 },
  { "2026-11-26T10:30:00Z", true, 1795689000000 },
  { "2026-11-26 11:30:00+01:00", true, 1795689000000 },
  { "2026-11-26t05:00:00.2509-05:30", true, 1795689000250 },
  { "2100-03-01T00:00:00Z", true, 4107542400000 },
  { "9999-12-31T23:59:59.999Z", true, 253402300799999 },
  { "2016-12-31T23:59:60Z", true, 1483228800000 },
  { "1700000000000", true, 1700000000000 },
  { "0", true, 0 },
  { "-1", false, 0 },
  { "", false, 0 },
  { "2026-11-26", false, 0 },
  { "2026-11-26T10:30:00", false, 0 },
  { "2026-02-29T00:00:00Z", false, 0 },
  { "2026-13-01T00:00:00Z", false, 0 },
  { "2026-00-01T00:00:00Z", false, 0 },
  { "2026-01-00T00:00:00Z", false, 0 },
  { "2026-01-01T24:00:00Z", false, 0 },
  { "2026-01-01T00:60:00Z", false, 0 },
  { "2026-01-01T00:00:61Z", false, 0 },
  { "2026-01-01T00:00:00.Z", false, 0 },
  { "2026-01-01T00:00:00+0100", false, 0 },
  { "2026-01-01T00:00:00Zx", false, 0 },
  { "1969-12-31T23:59:59Z", false, 0 },
  { "12.5", false, 0 },
};

START_TEST (reads)
{
  const struct reading *reading = &readings[_i];
  int64_t ms = -7;

  ck_assert_int_eq (instant_parse (slice_of (reading->text), &ms), reading->good);
  ck_assert_int_eq (ms, reading->good ? reading->ms : -7);
}
END_TEST

Suite *instant_suite (void);

Suite *
instant_suite (void)
{
  Suite *suite = suite_create ("instant");
  TCase *tests = tcase_create ("text");

  tcase_add_loop_test (tests, reads, 0, sizeof (readings) / sizeof (readings[0]));
  suite_add_tcase (suite, tests);
  return suite;
}
