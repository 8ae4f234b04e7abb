/* Tests of which origins may read answers: only those that are spelled out. */
#include "http/headers.h"

#include <check.h>

static const struct
{
  const char *allowed;
  bool shares; /* anything at all */
  const char *origin;
  bool with; /* with this one */
} cases[] = {
  { "", false, "https://app.example", false },
  { " , ,", false, "https://app.example", false },
  { "https://app.example", true, "https://app.example", true },
  { "https://app.example", true, "HTTPS://App.Example", true },
  { "https://app.example", true, "https://app.example:443", false },
  { "https://app.example", true, "http://app.example", false },
  { "https://app.example", true, "https://app.example.evil", false },
  { "https://app.example", true, "https://app.exampl", false },
  { "https://app.example", true, "https://app.example/", false },
  { "https://app.example", true, "", false },
  { "https://app.example", true, "null", false },
  { "https://x.example , https://app.example:8443,", true, "https://app.example:8443", true },
  { "https://x.example , https://app.example:8443,", true, "https://x.example", true },
  { "https://x.example , https://app.example:8443,", true, "https://app.example", false },
  /* What lets a page change something does not let it read. */
  { "*", false, "https://app.example", false },
  { "*", false, "*", false },
  { "*,https://app.example", true, "https://app.example", true },
  { "*,https://app.example", true, "https://evil.example", false },
  { "*.example", false, "https://app.example", false },
  { "https://*.example", false, "https://*.example", false },
  { "null", false, "null", false },
  { "app.example", false, "https://app.example", false },
  { "app.example", false, "app.example", false },
};

START_TEST (shares_with_exact_origins)
{
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_msg (cases[i].shares == headers_share (cases[i].allowed), "'%s'", cases[i].allowed);
    ck_assert_msg (cases[i].with == headers_share_with (slice_of (cases[i].origin), cases[i].allowed), "'%s' with '%s'",
                   cases[i].allowed, cases[i].origin);
  }
  ck_assert (! headers_share_with ((struct slice){ NULL, 0 }, "https://app.example"));
}
END_TEST

Suite *headers_suite (void);

Suite *
headers_suite (void)
{
  Suite *suite = suite_create ("headers");
  TCase *tcase = tcase_create ("origins");

  tcase_add_test (tcase, shares_with_exact_origins);
  suite_add_tcase (suite, tcase);
  return suite;
}
