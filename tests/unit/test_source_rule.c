/* Tests of the rule that sources of model versions must keep: where it comes from, what it lets in, what stops a start.
 */
#include "api/source_rule.h"

#include <check.h>
#include <stdlib.h>

#define MLFLOWS "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX"

static struct config config;

static void
start (void)
{
  struct err err = { 0 };

  unsetenv (MLFLOWS);
  ck_assert_int_eq (config_load (&config, 0, NULL, &err), ERR_OK);
}

static void
stop (void)
{
  config_free (&config);
}

static void
set (const char *pattern)
{
  free (config.model_source_pattern);
  config.model_source_pattern = strdup (pattern);
}

static void
assert_refused (const char *message)
{
  struct source_rule *rule;
  struct err err = { 0 };

  ck_assert_int_eq (source_rule_new (&rule, &config, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_null (rule);
  ck_assert_str_eq (err.message, message);
}

static enum err_code
check (struct source_rule *rule, const char *source)
{
  struct err err = { 0 };

  return source_rule_check (rule, slice_of (source), &err);
}

START_TEST (places)
{
  struct source_rule *rule;
  struct err err = { 0 };

  ck_assert_int_eq (source_rule_new (&rule, &config, &err), ERR_OK);
  ck_assert_ptr_null (rule);
  ck_assert_int_eq (check (rule, "anything"), ERR_OK);

  ck_assert_int_eq (setenv (MLFLOWS, "^s3://", 1), 0);
  ck_assert_int_eq (source_rule_new (&rule, &config, &err), ERR_OK);
  ck_assert_int_eq (check (rule, "s3://a"), ERR_OK);
  ck_assert_int_eq (check (rule, "gs://a"), ERR_INVALID_PARAMETER_VALUE);
  source_rule_free (rule);

  set ("^gs://");
  ck_assert_int_eq (source_rule_new (&rule, &config, &err), ERR_OK);
  ck_assert_int_eq (check (rule, "s3://a"), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_int_eq (check (rule, "gs://a"), ERR_OK);
  source_rule_free (rule);
}
END_TEST

START_TEST (refusals)
{
  set ("^(s3://");
  assert_refused ("model-source-pattern: Invalid regular expression, at byte 8: missing closing parenthesis");
  set ("");
  ck_assert_int_eq (setenv (MLFLOWS, "*", 1), 0);
  assert_refused (MLFLOWS ": Invalid regular expression, at byte 1: quantifier does not follow a repeatable item");
}
END_TEST

/* What would take for ever is refused, not let in. */
START_TEST (cost)
{
  struct source_rule *rule;
  struct err err = { 0 };

  set ("^(a+)+$");
  ck_assert_int_eq (source_rule_new (&rule, &config, &err), ERR_OK);
  ck_assert_int_eq (check (rule, "aaaa"), ERR_OK);
  ck_assert_int_eq (source_rule_check (rule, SLICE ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "Invalid model version source: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'."
                                 " To match it with model-source-pattern costs too much.");
  source_rule_free (rule);
}
END_TEST

Suite *source_rule_suite (void);

Suite *
source_rule_suite (void)
{
  Suite *suite = suite_create ("source rule");
  TCase *all = tcase_create ("all");

  tcase_add_checked_fixture (all, start, stop);
  tcase_add_test (all, places);
  tcase_add_test (all, refusals);
  tcase_add_test (all, cost);
  suite_add_tcase (suite, all);
  return suite;
}
