/* Tests of checkpoints of the ledger: written in one form, read back, and refused when they are none. */
#include "registry/checkpoint.h"

#include <check.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define HASH "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

START_TEST (comes_back)
{
  struct store_ledger_head head = { .entry = 12, .at_ms = 1700000000000 };
  struct store_ledger_head back;
  struct buffer document;
  struct err err = { 0 };

  ck_assert (digest_parse (&head.sha256, SLICE (HASH)));
  buffer_init (&document, 4096);
  registry_checkpoint_write (&document, &head, 1700000000001);
  ck_assert_str_eq (document.data, "{\"at\":1700000000000,\"created_at\":1700000000001,\"entry\":12,\"format\":"
                                   "\"tally-checkpoint-1\",\"sha256\":\"" HASH "\"}");
  ck_assert_int_eq (registry_checkpoint_read (&back, buffer_slice (&document), &err), ERR_OK);
  ck_assert_int_eq (back.entry, 12);
  ck_assert_int_eq (back.at_ms, 1700000000000);
  ck_assert (digest_equal (&back.sha256, &head.sha256));
  buffer_free (&document);
}
END_TEST

struct refusal
{
  const char *document;
  const char *why;
};

static const struct refusal refusals[] = {
  { "", "it is no JSON" },
  { "{", "it is no JSON" },
  { "{\"entry\":1,\"entry\":2}", "it is no JSON" },
  { "[]", "'format' is not tally-checkpoint-1" },
  { "{\"at\":1,\"entry\":1,\"format\":\"tally-manifest-1\",\"sha256\":\"" ZEROS "\"}", "'format' is not" },
  { "{\"at\":1,\"entry\":\"1\",\"format\":\"tally-checkpoint-1\",\"sha256\":\"" ZEROS "\"}", "are not numbers" },
  { "{\"at\":1,\"entry\":-1,\"format\":\"tally-checkpoint-1\",\"sha256\":\"" ZEROS "\"}", "are not numbers" },
  { "{\"entry\":1,\"format\":\"tally-checkpoint-1\",\"sha256\":\"" ZEROS "\"}", "are not numbers" },
  { "{\"at\":1,\"entry\":1,\"format\":\"tally-checkpoint-1\"}", "'sha256' is no hash" },
  { "{\"at\":1,\"entry\":1,\"format\":\"tally-checkpoint-1\",\"sha256\":\"00\"}", "'sha256' is no hash" },
};

START_TEST (is_refused)
{
  const struct refusal *refusal = &refusals[_i];
  struct store_ledger_head head;
  struct err err = { 0 };

  ck_assert_int_eq (registry_checkpoint_read (&head, slice_of (refusal->document), &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_msg (NULL != strstr (err.message, refusal->why), "%s", err.message);
}
END_TEST

Suite *checkpoint_suite (void);

Suite *
checkpoint_suite (void)
{
  Suite *suite = suite_create ("checkpoint");
  TCase *test_case = tcase_create ("checkpoint");

  tcase_add_test (test_case, comes_back);
  tcase_add_loop_test (test_case, is_refused, 0, sizeof (refusals) / sizeof (refusals[0]));
  suite_add_tcase (suite, test_case);
  return suite;
}
