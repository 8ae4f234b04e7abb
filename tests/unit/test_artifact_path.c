/* Tests of paths of artifacts: every trick is refused, every honest name stays as it is. */
#include "api/artifact_path.h"

#include "store/artifact.h"

#include <check.h>

/* Far above what one check needs. */
#define ARENA_BYTES ((size_t)1024 * 1024)

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

START_TEST (refuses_tricks)
{
  static const char *const paths[] = {
    /* Out of the folder. */
    "..",
    "../x",
    "a/..",
    "a/../b",
    "a/../../b",
    ".",
    "./a",
    "a/.",
    "a/./b",
    "%2e%2e",
    "%2e%2e/x",
    ".%2e/x",
    "%2E./x",
    "a/%2e%2e/b",
    "a%2f..%2fb",
    "a%2F%2e%2e%2fb",
    "%252e%252e/x",
    "%25252e%25252e%25252fx",
    "%252e%25%32%65/x",
    "a/%2e/b",
    "..%2fx",
    "..%5cx",
    "..\\x",
    "a\\..\\b",
    "a\\b",
    "%5c",
    "%255cx",
    /* Overlong forms, once more encoded. */
    "%c0%ae%c0%ae/x",
    "%C0%AFetc",
    "%c1%9cx",
    /* From the root. */
    "/",
    "/x",
    "//x",
    "///etc/passwd",
    "%2fx",
    "%252fx",
    "//host/share",
    /* Windows. */
    "C:\\",
    "C:\\x",
    "C:/x",
    "c:",
    "C%3a/x",
    "\\\\host\\share",
    "\\\\?\\C:\\x",
    /* URIs. */
    "file:",
    "file:x",
    "file:///etc/passwd",
    "FILE://x",
    "file%3A///etc/passwd",
    "%66ile:x",
    /* Characters that no terminal or file name should have. */
    "a\nb",
    "a\rb",
    "a\tb",
    "\x01",
    "a\x7f",
    "a%00b",
    "a%0ab",
    "a%250db",
    "%7f",
    "a\xc2\x85z",
    "a%c2%80z",
    /* Not UTF-8. */
    "a\xffz",
    "a\xc0\xaez",
    "a\xed\xa0\x80z",
    /* Encoded too often to be meant well. */
    "%25252525252525252525252525252541",
  };

  for (size_t i = 0; i < sizeof (paths) / sizeof (paths[0]); i++)
    for (int may_be_empty = 0; may_be_empty < 2; may_be_empty++)
    {
      struct slice path = { NULL, 0 };
      struct err err = { 0 };

      ck_assert_msg (ERR_INVALID_PARAMETER_VALUE
                         == artifact_path_check (&path, slice_of (paths[i]), "path", may_be_empty, arena, &err),
                     "'%s' passes as '%.*s'", paths[i], SLICE_ARG (path));
      ck_assert_msg (NULL != strstr (err.message, "Invalid path: ") && NULL != strstr (err.message, "'path'"), "%s",
                     err.message);
      ck_assert_ptr_null (path.data);
    }
}
END_TEST

START_TEST (refuses_zero_bytes)
{
  struct slice path = { NULL, 0 };
  struct err err = { 0 };

  ck_assert_int_eq (artifact_path_check (&path, SLICE ("a\0b"), "path", false, arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "control character"));
}
END_TEST

START_TEST (keeps_honest_names)
{
  static const struct
  {
    const char *given;
    const char *path; /* NULL: as given */
  } cases[] = {
    { "0/1/artifacts/model/MLmodel", NULL },
    { "a file with spaces.txt", NULL },
    { " a ", NULL },
    { "\xc3\xa4\xc3\xb6\xc3\xbc/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80.png", NULL },
    { "a#b", NULL },
    { "#", NULL },
    { "100%.txt", NULL },
    { "100%", NULL },
    { "%", NULL },
    { "%%", NULL },
    { "%zz", NULL },
    { "50%25", NULL },
    { "a%20b", NULL },
    { "a%2fb", NULL },
    { "a+b&c=d?e;f", NULL },
    { "a:b", NULL },
    { "step:100", NULL },
    { "profile:x", NULL },
    { "...", NULL },
    { "..a", NULL },
    { "a..", NULL },
    { "a/..b/c..", NULL },
    { ".hidden/.x", NULL },
    { "a'b\"c`d$e*f|g<h>i", NULL },
    { "~", NULL },
    { "-rf", NULL },
    { "a//b", "a/b" },
    { "a///b//c", "a/b/c" },
    { "a/", "a" },
    { "a//", "a" },
    { "a%2f/b", NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice path = { NULL, 0 };
    struct err err = { 0 };

    ck_assert_msg (ERR_OK == artifact_path_check (&path, slice_of (cases[i].given), "path", false, arena, &err),
                   "%s: %s", cases[i].given, err.message);
    ck_assert_msg (slice_is (path, NULL == cases[i].path ? cases[i].given : cases[i].path), "'%s' becomes '%.*s'",
                   cases[i].given, SLICE_ARG (path));
  }
}
END_TEST

START_TEST (keeps_long_ones_up_to_the_limit)
{
  static char text[STORE_ARTIFACT_PATH_MAX_BYTES + 2];
  struct slice path;
  struct err err = { 0 };

  for (size_t i = 0; i < sizeof (text) - 1; i++)
    text[i] = 49 == i % 50 ? '/' : 'x';
  ck_assert_int_eq (artifact_path_check (&path, (struct slice){ text, 1000 - 1 }, "path", false, arena, &err), ERR_OK);
  ck_assert_uint_eq (path.len, 999);
  ck_assert_int_eq (
      artifact_path_check (&path, (struct slice){ text, STORE_ARTIFACT_PATH_MAX_BYTES }, "path", false, arena, &err),
      ERR_OK);
  ck_assert_uint_eq (path.len, STORE_ARTIFACT_PATH_MAX_BYTES);
  ck_assert_int_eq (artifact_path_check (&path, (struct slice){ text, STORE_ARTIFACT_PATH_MAX_BYTES + 1 }, "path",
                                         false, arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "Invalid path: 'path' has 2049 bytes; the limit is 2048 bytes.");
}
END_TEST

START_TEST (takes_none_only_where_it_may)
{
  struct slice path = { NULL, 0 };
  struct err err = { 0 };

  ck_assert_int_eq (artifact_path_check (&path, SLICE (""), "path", true, arena, &err), ERR_OK);
  ck_assert (NULL != path.data && 0 == path.len);
  ck_assert_int_eq (artifact_path_check (&path, (struct slice){ NULL, 0 }, "path", true, arena, &err), ERR_OK);
  ck_assert (NULL != path.data && 0 == path.len);
  ck_assert_int_eq (artifact_path_check (&path, SLICE (""), "path", false, arena, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "Invalid path: 'path' is empty.");
}
END_TEST

START_TEST (joins)
{
  static char half[STORE_ARTIFACT_PATH_MAX_BYTES];
  struct slice path;
  struct err err = { 0 };

  ck_assert_int_eq (artifact_path_join (&path, SLICE ("a"), SLICE ("b/c"), arena, &err), ERR_OK);
  ck_assert (slice_is (path, "a/b/c"));
  ck_assert_int_eq (artifact_path_join (&path, SLICE (""), SLICE ("b"), arena, &err), ERR_OK);
  ck_assert (slice_is (path, "b"));
  ck_assert_int_eq (artifact_path_join (&path, SLICE ("a"), SLICE (""), arena, &err), ERR_OK);
  ck_assert (slice_is (path, "a"));
  memset (half, 'x', sizeof (half));
  ck_assert_int_eq (artifact_path_join (&path, (struct slice){ half, sizeof (half) - 2 }, SLICE ("y"), arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (path.len, sizeof (half));
  ck_assert_int_eq (artifact_path_join (&path, (struct slice){ half, sizeof (half) - 1 }, SLICE ("y"), arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
}
END_TEST

START_TEST (reads_artifact_uris)
{
  static const struct
  {
    const char *uri;
    const char *directory; /* NULL: not ours */
  } cases[] = {
    { "mlflow-artifacts:/0/1/artifacts", "0/1/artifacts" },
    { "mlflow-artifacts:///0/1/artifacts", "0/1/artifacts" },
    { "mlflow-artifacts:0/1/artifacts", "0/1/artifacts" },
    { "MLFLOW-ARTIFACTS:/0", "0" },
    { "mlflow-artifacts://host:5000/0/1", "0/1" },
    { "mlflow-artifacts://host", "" },
    { "mlflow-artifacts:/", "" },
    { "mlflow-artifacts:/a%20b/c", "a b/c" },
    { "mlflow-artifacts:/100%", "100%" },
    { "mlflow-artifacts:/a?b=c", "a" },
    { "http://host:5000/api/2.0/mlflow-artifacts/artifacts/a/b", "a/b" },
    { "https://host/mlflow/api/2.0/mlflow-artifacts/artifacts/a", "a" },
    { "http://host/api/2.0/mlflow-artifacts/artifacts", "" },
    { "http://host/api/2.0/mlflow-artifacts/artifactsx/a", NULL },
    { "http://host/elsewhere", NULL },
    { "s3://bucket/0", NULL },
    { "file:///data", NULL },
    { "/data", NULL },
    { "dbfs:/x", NULL },
    { "", NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice directory = { NULL, 0 };
    struct err err = { 0 };
    enum err_code code = artifact_path_of_uri (&directory, slice_of (cases[i].uri), arena, &err);

    ck_assert_msg ((NULL == cases[i].directory ? ERR_NOT_IMPLEMENTED : ERR_OK) == code, "%s: %s", cases[i].uri,
                   err.message);
    if (NULL != cases[i].directory)
      ck_assert_msg (slice_is (directory, cases[i].directory), "'%s' gives '%.*s'", cases[i].uri,
                     SLICE_ARG (directory));
    else
      ck_assert_ptr_nonnull (strstr (err.message, cases[i].uri));
  }
}
END_TEST

START_TEST (refuses_artifact_uris_that_lead_out)
{
  static const char *const uris[] = { "mlflow-artifacts:/../x", "mlflow-artifacts:/a/%2e%2e/x",
                                      "http://host/api/2.0/mlflow-artifacts/artifacts/a/..", "mlflow-artifacts:/a\\b" };

  for (size_t i = 0; i < sizeof (uris) / sizeof (uris[0]); i++)
  {
    struct slice directory;
    struct err err = { 0 };

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == artifact_path_of_uri (&directory, slice_of (uris[i]), arena, &err),
                   "%s", uris[i]);
    ck_assert_ptr_nonnull (strstr (err.message, "artifact_uri"));
  }
}
END_TEST

START_TEST (guesses_types)
{
  static const struct
  {
    const char *path;
    const char *type;
  } cases[] = {
    { "a/b.txt", "text/plain; charset=utf-8" },
    { "a/MLmodel", "text/plain; charset=utf-8" },
    { "MLproject", "text/plain; charset=utf-8" },
    { "a/x.MLmodel", "text/plain; charset=utf-8" },
    { "mlmodel", "application/octet-stream" },
    { "a.json", "text/plain; charset=utf-8" },
    { "a.csv", "text/plain; charset=utf-8" },
    { "a.yaml", "text/plain; charset=utf-8" },
    { "a.ipynb", "text/plain; charset=utf-8" },
    { "a.JSON", "application/json" },
    { "log", "text/plain; charset=utf-8" },
    { "a.html", "text/html; charset=utf-8" },
    { "a.svg", "image/svg+xml" },
    { "a.PNG", "image/png" },
    { "a.b.jpeg", "image/jpeg" },
    { "a.pdf", "application/pdf" },
    { "a.tar.gz", "application/gzip" },
    { "png", "application/octet-stream" },
    { ".png", "application/octet-stream" },
    { "a.pkl", "application/octet-stream" },
    { "a.safetensors", "application/octet-stream" },
    { "a.", "application/octet-stream" },
    { "a.png/b", "application/octet-stream" },
    { "", "application/octet-stream" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_msg (0 == strcmp (artifact_media_type (slice_of (cases[i].path)), cases[i].type), "'%s' is %s",
                   cases[i].path, artifact_media_type (slice_of (cases[i].path)));
}
END_TEST

Suite *artifact_path_suite (void);

Suite *
artifact_path_suite (void)
{
  Suite *suite = suite_create ("artifact_path");
  TCase *paths = tcase_create ("paths");

  tcase_add_checked_fixture (paths, set_up, tear_down);
  tcase_add_test (paths, refuses_tricks);
  tcase_add_test (paths, refuses_zero_bytes);
  tcase_add_test (paths, keeps_honest_names);
  tcase_add_test (paths, keeps_long_ones_up_to_the_limit);
  tcase_add_test (paths, takes_none_only_where_it_may);
  tcase_add_test (paths, joins);
  tcase_add_test (paths, reads_artifact_uris);
  tcase_add_test (paths, refuses_artifact_uris_that_lead_out);
  tcase_add_test (paths, guesses_types);
  suite_add_tcase (suite, paths);
  return suite;
}
