/* Lines of points as `tally log` reads them: CSV, JSON lines, and what is wrong with others. */
#include "cli/cli.h"
#include "cli/log_input.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line
{
  const char *text;
  const char *points; /* "key value step timestamp;…"; NULL: wrong */
  const char *mistake; /* a part of what is said */
};

/* The points as text. */
static void
describe (char *out, size_t room, const struct input_point *points, size_t count)
{
  size_t used = 0;

  out[0] = '\0';
  for (size_t i = 0; i < count && used < room; i++)
    used += (size_t)snprintf (out + used, room - used, "%s %g %lld %lld;", points[i].key, points[i].value,
                              (long long)points[i].step, (long long)points[i].timestamp_ms);
}

static void
check_lines (enum input_format format, const struct line *lines)
{
  struct log_input *input = log_input_new (format);

  for (; NULL != lines->text; lines++)
  {
    char *copy = strdup (lines->text);
    char mistake[INPUT_MISTAKE_BYTES] = "";
    const struct input_point *points;
    char found[1024];
    size_t count;
    bool good = log_input_line (&points, &count, input, copy, strlen (copy), mistake);

    ck_assert_msg (good == (NULL != lines->points), "'%s': %s", lines->text, mistake);
    describe (found, sizeof (found), points, count);
    ck_assert_str_eq (found, NULL == lines->points ? "" : lines->points);
    if (! good)
      ck_assert_msg (NULL != strstr (mistake, lines->mistake), "'%s': said '%s'", lines->text, mistake);
    free (copy);
  }
  log_input_free (input);
}

START_TEST (byte_order_mark)
{
  static const struct line csv_lines[] = { { "\xef\xbb\xbfstep,loss\r\n", "", NULL },
                                           { "3,0.5", "loss 0.5 3 -1;", NULL },
                                           { NULL, NULL, NULL } };
  static const struct line json_lines[] = { { "\xef\xbb\xbf{\"loss\": 1}", "loss 1 0 -1;", NULL },
                                            { "\xef\xbb\xbf{\"loss\": 1}", NULL, "no JSON" },
                                            { NULL, NULL, NULL } };

  check_lines (INPUT_AUTO, csv_lines);
  check_lines (INPUT_AUTO, json_lines);
}
END_TEST

START_TEST (csv)
{
  static const struct line lines[] = {
    { "step,loss, \"a \"\"b\"\"\" ,timestamp\r\n", "", NULL },
    { "1,0.5,2,1700000000000\n", "loss 0.5 1 1700000000000;a \"b\" 2 1 1700000000000;", NULL },
    { "\n", "", NULL },
    { " 2 , 1e-3 ,,", "loss 0.001 2 -1;", NULL },
    { ",0.25,nan,", "loss 0.25 3 -1;a \"b\" nan 3 -1;", NULL },
    { "7,\"0.5\",-Infinity,5", "loss 0.5 7 5;a \"b\" -inf 7 5;", NULL },
    { "x,1,1,1", NULL, "step 'x' is no whole number" },
    { "1,abc,1,1", NULL, "'abc' in column 'loss' is no number" },
    { "1,0x10,1,1", NULL, "'0x10' in column 'loss'" },
    { "1,1,1,-5", NULL, "timestamp '-5'" },
    { "1,1", NULL, "fewer fields" },
    { "1,1,1,1,1", NULL, "more fields" },
    { "1,\"1,1,1", NULL, "a quote is not closed" },
    { "9,1,,", "loss 1 9 -1;", NULL },
    { NULL, NULL, NULL },
  };

  check_lines (INPUT_AUTO, lines);
  check_lines (INPUT_CSV, lines);
}
END_TEST

START_TEST (json_lines)
{
  static const struct line lines[] = {
    { "{\"step\": 3, \"loss\": 0.5, \"accuracy\": 1, \"timestamp\": 9}\n", "loss 0.5 3 9;accuracy 1 3 9;", NULL },
    { "{\"loss\": 0.4}", "loss 0.4 4 -1;", NULL },
    { "{\"key\": \"loss\", \"value\": \"NaN\", \"step\": 1e2}", "loss nan 100 -1;", NULL },
    { "{\"loss\": null, \"step\": null}", "", NULL },
    { "{\"loss\": \"-inf\"}", "loss -inf 101 -1;", NULL },
    { "{}", "", NULL },
    { "{\"loss\": \"low\"}", NULL, "'loss' is no number" },
    { "{\"loss\": [1]}", NULL, "'loss' is no number" },
    { "{\"key\": \"loss\"}", NULL, "'value' is no number" },
    { "{\"loss\": 1, \"step\": 1.5}", NULL, "'step' is no whole number" },
    { "{\"loss\": 1, \"step\": 1e300}", NULL, "'step' is no whole number" },
    { "{\"loss\": 1, \"timestamp\": -1}", NULL, "'timestamp' is no time" },
    { "{\"loss\": 1", NULL, "no JSON" },
    { "{\"loss\": 1, \"loss\": 2}", NULL, "no JSON" },
    { "[1]", NULL, "no JSON object" },
    { NULL, NULL, NULL },
  };

  check_lines (INPUT_AUTO, lines);
  check_lines (INPUT_JSON, lines);
}
END_TEST

START_TEST (a_head_must_have_names)
{
  static const struct line lines[] = { { "step,,loss", NULL, "no name" }, { NULL, NULL, NULL } };

  check_lines (INPUT_CSV, lines);
}
END_TEST

START_TEST (a_nul_is_wrong)
{
  struct log_input *input = log_input_new (INPUT_JSON);
  char line[] = "{\"loss\": 1\0}";
  char mistake[INPUT_MISTAKE_BYTES];
  const struct input_point *points;
  size_t count;

  ck_assert (! log_input_line (&points, &count, input, line, sizeof (line) - 1, mistake));
  log_input_free (input);
}
END_TEST

START_TEST (numbers)
{
  static const struct
  {
    const char *text;
    double value;
  } good[] = { { "1", 1 }, { "-0.5", -0.5 }, { "1e400", 0 }, { "INF", INFINITY }, { "-infinity", -INFINITY } };
  double value;

  for (size_t i = 0; i < sizeof (good) / sizeof (good[0]); i++)
    if (0 == strcmp (good[i].text, "1e400"))
      ck_assert (! cli_parse_double (good[i].text, &value));
    else
      ck_assert (cli_parse_double (good[i].text, &value) && value == good[i].value);
  ck_assert (cli_parse_double ("NaN", &value) && isnan (value));
  ck_assert (! cli_parse_double ("", &value));
  ck_assert (! cli_parse_double ("1 2", &value));
  ck_assert (! cli_parse_double ("0x1", &value));
}
END_TEST

START_TEST (guesses)
{
  static const char *const words[] = { "login", "runs", "run", "model", "chart", NULL };

  ck_assert_str_eq (cli_meant ("modle", words), "model");
  ck_assert_str_eq (cli_meant ("chrat", words), "chart");
  ck_assert_str_eq (cli_meant ("lo", words), "login");
  ck_assert_ptr_null (cli_meant ("bananas", words));
  ck_assert_ptr_null (cli_meant ("", words));
}
END_TEST

Suite *cli_input_suite (void);

Suite *
cli_input_suite (void)
{
  Suite *suite = suite_create ("cli_input");
  TCase *cases = tcase_create ("lines");

  tcase_add_test (cases, csv);
  tcase_add_test (cases, byte_order_mark);
  tcase_add_test (cases, json_lines);
  tcase_add_test (cases, a_head_must_have_names);
  tcase_add_test (cases, a_nul_is_wrong);
  tcase_add_test (cases, numbers);
  tcase_add_test (cases, guesses);
  suite_add_tcase (suite, cases);
  return suite;
}
