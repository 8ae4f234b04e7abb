/* Tests of numbers: known hard cases, and random doubles against the C library. */
#include "base/number.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Random doubles of each kind; NUMBER_TEST_ROUNDS in the environment asks for more (3,000,000 take half a minute). */
#define ROUNDS_DEFAULT 100000

static size_t
rounds (void)
{
  const char *text = getenv ("NUMBER_TEST_ROUNDS");

  return NULL == text ? ROUNDS_DEFAULT : (size_t)strtoull (text, NULL, 10);
}

/* G. Marsaglia's xorshift: the same numbers on every machine. */
static uint64_t
random_bits (uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static bool
same_bits (double a, double b)
{
  return 0 == memcmp (&a, &b, sizeof (a));
}

static double
double_of_bits (uint64_t bits)
{
  double value;

  memcpy (&value, &bits, sizeof (value));
  return value;
}

/* Digits of the mantissa without zeros around. */
static int
significant_digits (const char *text)
{
  int count = 0;
  int zeros = 0;

  for (; '\0' != *text && 'e' != *text; text++)
  {
    if (*text < '0' || *text > '9')
      continue;
    zeros = '0' == *text ? zeros + 1 : 0;
    count += count > 0 || '0' != *text;
  }
  return count > zeros ? count - zeros : 1;
}

START_TEST (formats_as_python_does)
{
  /* Left: hexadecimal, so that no other conversion is trusted. Right: repr () of Python 3.11. */
  static const struct
  {
    double value;
    const char *text;
  } cases[] = {
    { 0x0p0, "0.0" },
    { -0x0p0, "-0.0" },
    { 0x1p0, "1.0" },
    { -0x1.4p3, "-10.0" },
    { 0x1.999999999999ap-4, "0.1" },
    { 0x1.3333333333334p-2, "0.30000000000000004" },
    { 0x1.5555555555555p-2, "0.3333333333333333" },
    { 0x1.a36e2eb1c432dp-14, "0.0001" },
    { 0x1.4f8b588e368f1p-17, "1e-05" },
    { 0x1.4f8b588e368f0p-17, "9.999999999999999e-06" },
    { 0x1.c6bf526340000p+49, "1000000000000000.0" },
    { 0x1.1c37937e08000p+53, "1e+16" },
    { 0x1.1c37937e07fffp+53, "9999999999999998.0" },
    { 0x1p53, "9007199254740992.0" },
    { 0x1.0000000000001p53, "9007199254740994.0" },
    { 0x1.fffffffffffffp52, "9007199254740991.0" },
    { 0x1.b69b4ba630f35p56, "1.2345678901234568e+17" },
    { 0x1.52d02c7e14af6p76, "1e+23" },
    { 0x1.52d02c7e14af7p76, "1.0000000000000001e+23" },
    { 0x1.fffffffffffffp1023, "1.7976931348623157e+308" },
    { 0x1p-1022, "2.2250738585072014e-308" },
    { 0x0.fffffffffffffp-1022, "2.225073858507201e-308" },
    { 0x0.0000000000001p-1022, "5e-324" },
    { 0x0.0000000000002p-1022, "1e-323" },
    { 0x0.0000000000013p-1022, "9.4e-323" },
    { 0x1p-44, "5.684341886080802e-14" },
    { 0x1p122, "5.316911983139664e+36" },
    { (double)NAN, "NaN" },
    { -(double)NAN, "NaN" },
    { (double)INFINITY, "Infinity" },
    { -(double)INFINITY, "-Infinity" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    char text[NUMBER_DOUBLE_BYTES];
    double back;

    ck_assert_uint_eq (number_format_double (text, cases[i].value), strlen (cases[i].text));
    ck_assert_str_eq (text, cases[i].text);
    if (isfinite (cases[i].value))
    {
      ck_assert (number_parse_double (slice_of (text), &back));
      ck_assert (same_bits (back, cases[i].value));
    }
  }
}
END_TEST

/* What holds for every finite double: it reads back, by us and by the C library, and no shorter text does.
   Check writes a record for each assertion, so only a failure makes one. */
static void
check_double (double value)
{
  char text[NUMBER_DOUBLE_BYTES];
  char other[64];
  size_t len = number_format_double (text, value);
  double back = 0;
  int digits = significant_digits (text);
  int exponent;

  if (! same_bits (strtod (text, NULL), value))
    ck_abort_msg ("%a became %s", value, text);
  if (! number_parse_double ((struct slice){ text, len }, &back) || ! same_bits (back, value))
    ck_abort_msg ("%s was read as %a", text, back);
  /* At a power of two the closest decimal of fewer digits proves nothing about the others. */
  if (digits > 1 && 0.5 != fabs (frexp (value, &exponent)))
  {
    snprintf (other, sizeof (other), "%.*e", digits - 2, value);
    if (same_bits (strtod (other, NULL), value))
      ck_abort_msg ("%s is longer than %s", text, other);
  }
  snprintf (other, sizeof (other), "%.16e", value);
  if (! number_parse_double (slice_of (other), &back) || ! same_bits (back, value))
    ck_abort_msg ("%s was read as %a", other, back);
}

START_TEST (random_doubles_go_round)
{
  uint64_t state = UINT64_C (0x9E3779B97F4A7C15);

  for (size_t i = rounds (); i > 0; i--)
  {
    uint64_t bits = random_bits (&state);
    double any = double_of_bits (bits);

    if (isfinite (any))
      check_double (any);
    /* What metrics look like: fractions below one, rounded decimals, small numbers, and powers of two. */
    check_double ((double)(bits >> 11) * 0x1p-53);
    check_double ((double)(bits % 100000000) / 10000);
    check_double (double_of_bits (bits >> 12));
    check_double (ldexp (1, (int)(bits % 2098) - 1074));
  }
}
END_TEST

START_TEST (random_decimals_equal_strtod)
{
  uint64_t state = UINT64_C (0xD1B54A32D192ED03);

  for (size_t i = rounds (); i > 0; i--)
  {
    uint64_t bits = random_bits (&state);
    char text[64];
    double expected;
    double got = 0;
    bool fits;
    int digits = 1 + (int)(bits % 28);
    int exponent = (int)(bits / 28 % 700) - 360;

    snprintf (text, sizeof (text), "%llu%llu", (unsigned long long)random_bits (&state),
              (unsigned long long)random_bits (&state) % 1000000000000);
    snprintf (text + digits, sizeof (text) - (size_t)digits, ".%llue%d", (unsigned long long)(bits % 1000), exponent);
    expected = strtod (text, NULL);
    fits = number_parse_double (slice_of (text), &got);
    if (fits != (bool)isfinite (expected) || (fits && ! same_bits (got, expected)))
      ck_abort_msg ("%s was read as %a instead of %a", text, got, expected);
  }
}
END_TEST

/* The middle between two doubles goes to the even one, unless a digit far behind says that it is not the middle. */
START_TEST (halfway_values_round_to_even)
{
  uint64_t state = 88172645463325252;

  for (int i = 0; i < 2000; i++)
  {
    /* An odd 54-bit integer lies in the middle between two doubles. */
    uint64_t middle = (random_bits (&state) >> 10) | (UINT64_C (1) << 53) | 1;
    uint64_t even = 0 == (middle >> 1 & 1) ? middle - 1 : middle + 1;
    char text[1100];
    int len = snprintf (text, sizeof (text), "%llu", (unsigned long long)middle);
    double got = 0;

    ck_assert (number_parse_double (slice_of (text), &got) && same_bits (got, (double)even));
    /* Behind 900 zeros, a last digit still decides. */
    text[len++] = '.';
    memset (text + len, '0', 900);
    len += 900;
    text[len] = '\0';
    ck_assert (number_parse_double (slice_of (text), &got) && same_bits (got, (double)even));
    text[len++] = '1';
    text[len] = '\0';
    ck_assert (number_parse_double (slice_of (text), &got) && same_bits (got, (double)(middle + 1)));
    len = snprintf (text, sizeof (text), "%llu.", (unsigned long long)(middle - 1));
    memset (text + len, '9', 900);
    text[len + 900] = '\0';
    ck_assert (number_parse_double (slice_of (text), &got) && same_bits (got, (double)(middle - 1)));
  }
}
END_TEST

START_TEST (parses_hard_decimals)
{
  static const struct
  {
    const char *text;
    double value;
  } cases[] = {
    { "0", 0x0p0 },
    { "-0", -0x0p0 },
    { "+1", 0x1p0 },
    { "5.", 0x1.4p2 },
    { ".5", 0x1p-1 },
    { "00012", 0x1.8p3 },
    { "1E+2", 0x1.9p6 },
    { "0e99999999999999999999", 0x0p0 },
    { "-0.0e-99999999999999999999", -0x0p0 },
    { "1e-99999999999999999999", 0x0p0 },
    { "9007199254740993", 0x1p53 },
    { "9007199254740993.0000000000000000000000000000000000001", 0x1.0000000000001p53 },
    { "1.00000000000000011102230246251565404236316680908203125", 0x1p0 },
    { "1.00000000000000011102230246251565404236316680908203126", 0x1.0000000000001p0 },
    { "2.2250738585072011e-308", 0x0.fffffffffffffp-1022 },
    { "2.2250738585072012e-308", 0x1p-1022 },
    { "4.9406564584124654e-324", 0x0.0000000000001p-1022 },
    { "2.4703282292062328e-324", 0x0.0000000000001p-1022 },
    { "2.4703282292062327e-324", 0x0p0 },
    { "9999999999999999999e-343", 0x0p0 },
    { "1.7976931348623158e308", 0x1.fffffffffffffp1023 },
    { "1.797693134862315807e308", 0x1.fffffffffffffp1023 },
    { "8.98846567431158e307", 0x1.0000000000000p1023 },
    { "6.02214076e23", 0x1.fe185ca57c517p78 },
  };
  static const char *const refused[] = { "",
                                         "-",
                                         "+",
                                         ".",
                                         "-.",
                                         "e5",
                                         "1e",
                                         "1e+",
                                         " 1",
                                         "1 ",
                                         "1,5",
                                         "0x10",
                                         "inf",
                                         "nan",
                                         "1e5.",
                                         "1.2.3",
                                         "--1",
                                         "+-1",
                                         "1_000",
                                         "Infinity",
                                         "1f",
                                         "1e1e1",
                                         "١",
                                         "1e309",
                                         "-1e309",
                                         "1.7976931348623159e308",
                                         "1e99999999999999999999" };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    double got = -1;

    ck_assert_msg (number_parse_double (slice_of (cases[i].text), &got), "%s", cases[i].text);
    ck_assert_msg (same_bits (got, cases[i].value), "%s gave %a", cases[i].text, got);
    ck_assert_msg (same_bits (got, strtod (cases[i].text, NULL)), "%s gave %a", cases[i].text, got);
  }
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
  {
    double got = 42;

    ck_assert_msg (! number_parse_double (slice_of (refused[i]), &got), "%s", refused[i]);
    ck_assert (same_bits (got, 42));
  }
  {
    double got;

    ck_assert (! number_parse_double ((struct slice){ NULL, 0 }, &got));
    ck_assert (! number_parse_double ((struct slice){ "1\0", 2 }, &got));
    /* Only the slice counts, not what stands behind it. */
    ck_assert (number_parse_double ((struct slice){ "12345", 2 }, &got) && same_bits (got, 12));
  }
}
END_TEST

START_TEST (integers)
{
  static const struct
  {
    const char *text;
    int64_t value;
  } cases[] = { { "0", 0 },
                { "-0", 0 },
                { "+7", 7 },
                { "007", 7 },
                { "-1", -1 },
                { "9223372036854775807", INT64_MAX },
                { "-9223372036854775808", INT64_MIN } };
  static const char *const refused[] = { "",
                                         "-",
                                         "+",
                                         "1.0",
                                         "1e3",
                                         " 1",
                                         "1 ",
                                         "0x1",
                                         "9223372036854775808",
                                         "-9223372036854775809",
                                         "18446744073709551616",
                                         "99999999999999999999999",
                                         "--1" };
  char text[NUMBER_INT64_BYTES];
  int64_t got;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_msg (number_parse_int64 (slice_of (cases[i].text), &got), "%s", cases[i].text);
    ck_assert_int_eq (got, cases[i].value);
    ck_assert_msg (number_parse_integral (slice_of (cases[i].text), &got), "%s", cases[i].text);
    ck_assert_int_eq (got, cases[i].value);
  }
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
  {
    got = 42;
    ck_assert_msg (! number_parse_int64 (slice_of (refused[i]), &got), "%s", refused[i]);
    ck_assert_int_eq (got, 42);
  }
  ck_assert_uint_eq (number_format_int64 (text, INT64_MIN), 20);
  ck_assert_str_eq (text, "-9223372036854775808");
  ck_assert_uint_eq (number_format_uint64 (text, UINT64_MAX), 20);
  ck_assert_str_eq (text, "18446744073709551615");
  for (int64_t power = 1; power < INT64_MAX / 10; power *= 10)
    for (int64_t value = power - 1; value <= power + 1; value++)
    {
      char expected[NUMBER_INT64_BYTES];

      snprintf (expected, sizeof (expected), "%lld", (long long)-value);
      ck_assert_uint_eq (number_format_int64 (text, -value), strlen (expected));
      ck_assert_str_eq (text, expected);
    }
}
END_TEST

START_TEST (integral_decimals)
{
  static const struct
  {
    const char *text;
    int64_t value;
  } cases[] = { { "1e3", 1000 },
                { "5.0", 5 },
                { "0.5e1", 5 },
                { "50e-1", 5 },
                { "-1.5e1", -15 },
                { "0e999999999999999999999", 0 },
                { "0.000", 0 },
                { "9.223372036854775807e18", INT64_MAX },
                { "-9.223372036854775808e18", INT64_MIN },
                { "9007199254740993.0", 9007199254740993 },
                { "5.0000000000000000000000000000000000", 5 },
                { "1000000000000000000000000e-20", 10000 } };
  static const char *const refused[] = { "1.5",
                                         "5e-1",
                                         "0.1",
                                         "1e19",
                                         "9.223372036854775808e18",
                                         "-9.223372036854775809e18",
                                         "1e99999999999999999999",
                                         "1e-99999999999999999999",
                                         "5.00000000000000000000000000000000001",
                                         "12345678901234567890.0",
                                         "",
                                         "x",
                                         "1e" };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    int64_t got;

    ck_assert_msg (number_parse_integral (slice_of (cases[i].text), &got), "%s", cases[i].text);
    ck_assert_int_eq (got, cases[i].value);
  }
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
  {
    int64_t got = 42;

    ck_assert_msg (! number_parse_integral (slice_of (refused[i]), &got), "%s", refused[i]);
    ck_assert_int_eq (got, 42);
  }
}
END_TEST

/* Set to true when a thread saw a wrong text. */
static bool threads_wrong[8];

static void *
format_in_thread (void *wrong)
{
  char text[NUMBER_DOUBLE_BYTES];
  double back = 0;

  number_format_double (text, 0x1.3333333333334p-2);
  *(bool *)wrong = 0 != strcmp (text, "0.30000000000000004")
                   || ! number_parse_double (SLICE ("2.2250738585072011e-308"), &back)
                   || ! same_bits (back, 0x0.fffffffffffffp-1022);
  return NULL;
}

/* Each test is a process of its own, so here the table is not there yet. */
START_TEST (first_use_in_many_threads)
{
  pthread_t threads[8];

  for (size_t i = 0; i < 8; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, format_in_thread, &threads_wrong[i]), 0);
  for (size_t i = 0; i < 8; i++)
  {
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
    ck_assert (! threads_wrong[i]);
  }
}
END_TEST

Suite *number_suite (void);

Suite *
number_suite (void)
{
  Suite *suite = suite_create ("number");
  TCase *tests = tcase_create ("number");

  /* More rounds, or a sanitizer, take longer than Check's four seconds. */
  tcase_set_timeout (tests, 600);
  tcase_add_test (tests, formats_as_python_does);
  tcase_add_test (tests, random_doubles_go_round);
  tcase_add_test (tests, random_decimals_equal_strtod);
  tcase_add_test (tests, halfway_values_round_to_even);
  tcase_add_test (tests, parses_hard_decimals);
  tcase_add_test (tests, integers);
  tcase_add_test (tests, integral_decimals);
  tcase_add_test (tests, first_use_in_many_threads);
  suite_add_tcase (suite, tests);
  return suite;
}
