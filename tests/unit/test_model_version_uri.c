/* Tests of URIs of sources of versions: the parts that Python's urllib.parse would see, and what is inside of what. */
#include "api/model_version_uri.h"

#include <check.h>
#include <stdint.h>

#define ARENA_BYTES ((size_t)64 * 1024)

static struct arena *arena;

static void
set_up (void)
{
  arena = arena_new (ARENA_BYTES);
  ck_assert_ptr_nonnull (arena);
}

static void
tear_down (void)
{
  arena_free (arena);
}

#define EXPECT_SLICE(got, wanted, of)                                                                                  \
  ck_assert_msg (slice_is ((got), (wanted)), "%s: '%.*s' and not '%s'", (of), SLICE_ARG (got), (wanted))

START_TEST (splits_as_python_does)
{
  static const struct
  {
    const char *text;
    const char *scheme;
    const char *authority;
    const char *path;
  } cases[] = {
    { "", "", "", "" },
    { "/a/b", "", "", "/a/b" },
    { "a/b", "", "", "a/b" },
    { "//h/a", "", "h", "/a" },
    { "s3://bucket/a?b#c", "s3", "bucket", "/a" },
    { "s3://bucket", "s3", "bucket", "" },
    { "s3://bucket?x", "s3", "bucket", "" },
    { "s3:a", "s3", "", "a" },
    { "runs:/r/model#x", "runs", "", "/r/model" },
    { "a+b-c.d:/x", "a+b-c.d", "", "/x" },
    { "1a:/x", "", "", "1a:/x" },
    { "a b:/x", "", "", "a b:/x" },
    { ":/x", "", "", ":/x" },
    { "file:///a", "file", "", "/a" },
    { "FILE:/a", "FILE", "", "/a" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct model_version_uri uri;

    model_version_uri_split (&uri, slice_of (cases[i].text));
    EXPECT_SLICE (uri.scheme, cases[i].scheme, cases[i].text);
    EXPECT_SLICE (uri.authority, cases[i].authority, cases[i].text);
    EXPECT_SLICE (uri.path, cases[i].path, cases[i].text);
  }
}
END_TEST

START_TEST (tells_what_is_canonical)
{
  static const char *const fine[] = { "s3://b/x",      "s3://b/x/",       "s3://b//x",        "s3://b/x..y",
                                      "s3://b/...",    "s3://b/%2e%2ex",  "models:/m/1",      "s3://b/a%zz",
                                      "s3://b/a%",     "s3://b/x?a=b/c",  "s3://b/100%25 up", "dbfs:/a/b",
                                      "s3://b/+/%2B+", "http://h:80/a;b", "s3://b/\xff" };
  static const char *const refused[] = { "s3://b",
                                         "s3://b/",
                                         "s3:b/x",
                                         "",
                                         "x",
                                         "s3://b/../x",
                                         "s3://b/x/..",
                                         "s3://../x",
                                         "s3://b/./x",
                                         "s3://b/x/.",
                                         "s3://b/%2e%2e/x",
                                         "s3://b/%2E./x",
                                         "s3://b/%252e%252e/x",
                                         "s3://b/%25252e%25252e/x",
                                         "s3://b/a%2f..%2fb",
                                         "s3://b/a%2f%2e%2e%2fb",
                                         "s3://b/x?/../y",
                                         "s3://b/%00",
                                         "s3://b/x%2500y",
                                         "s3:%2e%2e/x" };

  for (size_t i = 0; i < sizeof (fine) / sizeof (fine[0]); i++)
    ck_assert_msg (model_version_uri_is_canonical (slice_of (fine[i]), arena), "%s", fine[i]);
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
    ck_assert_msg (! model_version_uri_is_canonical (slice_of (refused[i]), arena), "%s", refused[i]);
}
END_TEST

START_TEST (reads_local_paths)
{
  static const struct
  {
    const char *text;
    const char *path; /* NULL: nothing is inside of it */
  } cases[] = {
    { "/a/b", "/a/b" },
    { "/a//b/", "/a/b" },
    { "/a/./b", "/a/b" },
    { "/", "" },
    { "/a%20b", "/a b" },
    { "/a?b#c", "/a?b#c" },
    { "/a%2fb", "/a/b" },
    { "file:/a/b", "/a/b" },
    { "file:///a/b?x", "/a/b" },
    { "file://localhost/a", "/a" },
    { "file://local/a", NULL },
    { "file://host/a", NULL },
    { "//host/a", NULL },
    { "file:a", NULL },
    { "a/b", NULL },
    { "", NULL },
    { "/a/../b", NULL },
    { "/a/%2e%2e/b", NULL },
    { "/..", NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice path;
    bool good = model_version_uri_local_path (&path, slice_of (cases[i].text), arena);

    ck_assert_msg (good == (NULL != cases[i].path), "%s", cases[i].text);
    if (good)
      EXPECT_SLICE (path, cases[i].path, cases[i].text);
  }
  ck_assert (model_version_uri_is_local (SLICE ("/a")));
  ck_assert (model_version_uri_is_local (SLICE ("File:/a")));
  ck_assert (model_version_uri_is_local (SLICE ("a b:/x")));
  ck_assert (! model_version_uri_is_local (SLICE ("s3://a")));
}
END_TEST

START_TEST (reads_targets)
{
  static const struct
  {
    const char *text;
    int kind; /* -1: none */
    const char *name;
    const char *suffix;
    int64_t version;
  } cases[] = {
    { "models:/m/3", TARGET_VERSION, "m", "3", 3 },
    { "models:/m/03", TARGET_VERSION, "m", "03", 3 },
    { "models:/m/99999999999999999999", TARGET_VERSION, "m", "99999999999999999999", INT64_MAX },
    { "models:/a@b/3", TARGET_VERSION, "a@b", "3", 3 },
    { "models:///m/3", TARGET_VERSION, "m", "3", 3 },
    { "models:/m/latest", TARGET_LATEST, "m", "latest", 0 },
    { "models:/m/LaTest", TARGET_LATEST, "m", "LaTest", 0 },
    { "models:/m/Production", TARGET_STAGE, "m", "Production", 0 },
    { "models:/m/-1", TARGET_STAGE, "m", "-1", 0 },
    { "models:/m@live", TARGET_ALIAS, "m", "live", 0 },
    { "models:/a@b@live", TARGET_ALIAS, "a@b", "live", 0 },
    { "models:/m-1", TARGET_LOGGED_MODEL, "m-1", "", 0 },
    { "models:/m-1?x", TARGET_LOGGED_MODEL, "m-1", "", 0 },
    { "models:", -1, "", "", 0 },
    { "models:/", -1, "", "", 0 },
    { "models:m/1", -1, "", "", 0 },
    { "models:/ /1", -1, "", "", 0 },
    { "models:/m/", -1, "", "", 0 },
    { "models:/m/ ", -1, "", "", 0 },
    { "models:/m/1/2", -1, "", "", 0 },
    { "models:/m@", -1, "", "", 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct model_version_target target;
    struct model_version_uri uri;
    bool good;

    model_version_uri_split (&uri, slice_of (cases[i].text));
    good = model_version_target_read (&target, &uri);
    ck_assert_msg (good == (cases[i].kind >= 0), "%s", cases[i].text);
    if (! good)
      continue;
    ck_assert_msg ((int)target.kind == cases[i].kind, "%s", cases[i].text);
    EXPECT_SLICE (target.name, cases[i].name, cases[i].text);
    EXPECT_SLICE (target.suffix, cases[i].suffix, cases[i].text);
    ck_assert_msg (target.version == cases[i].version, "%s", cases[i].text);
  }
}
END_TEST

Suite *model_version_uri_suite (void);

Suite *
model_version_uri_suite (void)
{
  Suite *suite = suite_create ("model version uri");
  TCase *uris = tcase_create ("uris");

  tcase_add_checked_fixture (uris, set_up, tear_down);
  tcase_add_test (uris, splits_as_python_does);
  tcase_add_test (uris, tells_what_is_canonical);
  tcase_add_test (uris, reads_local_paths);
  tcase_add_test (uris, reads_targets);
  suite_add_tcase (suite, uris);
  return suite;
}
