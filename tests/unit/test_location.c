/* Tests of artifact locations that clients name: what is refused, what stays, what becomes absolute. */
#include "api/location.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

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

START_TEST (keeps_what_is_fine)
{
  static const char *const locations[] = {
    "/data/x",
    "/",
    "s3://bucket/prefix",
    "mlflow-artifacts:/5",
    "file:///data",
    "dbfs:/x",
    "hdfs://host:8020/x?user=y",
    "abfss://c@a.dfs.core.windows.net/x",
    "a+b-c.1:x",
    "C:\\data",
    "s3://b/x?a=b.c",
    "s3://b/..",
    "/a/../b",
    "s3://b/x?a=%2e",
    "/\xC3\xA9",
    "/runs:",
  };

  for (size_t i = 0; i < sizeof (locations) / sizeof (locations[0]); i++)
  {
    struct slice location = slice_of (locations[i]);
    struct err err = { 0 };

    ck_assert_msg (ERR_OK == location_check (&location, arena, &err), "%s: %s", locations[i], err.message);
    ck_assert_msg (slice_is (location, locations[i]), "%s", locations[i]);
  }
}
END_TEST

START_TEST (takes_the_empty_one_for_none)
{
  struct slice locations[] = { { "", 0 }, { NULL, 0 } };

  for (size_t i = 0; i < 2; i++)
  {
    ck_assert_int_eq (location_check (&locations[i], arena, NULL), ERR_OK);
    ck_assert_ptr_null (locations[i].data);
  }
}
END_TEST

START_TEST (makes_relative_ones_absolute)
{
  static const char *const locations[] = {
    "mlruns", "./mlruns/5", "a b", "1/2", "-x:y", "+x:", ":x", "a/b:c", "a_b:c"
  };
  char *folder = getcwd (NULL, 0);

  ck_assert_ptr_nonnull (folder);
  for (size_t i = 0; i < sizeof (locations) / sizeof (locations[0]); i++)
  {
    struct slice location = slice_of (locations[i]);

    ck_assert_int_eq (location_check (&location, arena, NULL), ERR_OK);
    ck_assert_msg (slice_is (location, arena_printf (arena, "%s/%s", folder, locations[i])), "%.*s",
                   SLICE_ARG (location));
  }
  free (folder);
}
END_TEST

START_TEST (refuses_what_mlflow_refuses)
{
  static const struct
  {
    const char *location;
    const char *message;
  } cases[] = {
    { "runs:/abc/x", "Artifact location cannot be a runs:/ URI. Given: 'runs:/abc/x'" },
    { "runs:", "Artifact location cannot be a runs:/ URI. Given: 'runs:'" },
    { "s3://b/x#y", "'artifact_location' URL can't include fragments or params." },
    { "/x#", "'artifact_location' URL can't include fragments or params." },
    { "relative#x", "'artifact_location' URL can't include fragments or params." },
    { "s3://b/x?a=..", "Invalid query string" },
    { "s3://b/x?../y", "Invalid query string" },
    { "s3://b/x?a=%2e%2e", "Invalid query string" },
    { "s3://b/x?a=%2E.", "Invalid query string" },
    { "s3://b/x?a=%252e%252e", "Invalid query string" },
    { "s3://b/x?a=%25252525252e.", "Invalid query string" },
    { "s3://b/x?a=b?c=..", "Invalid query string" },
    { "s3://b/x?%25252525252525252525252525252525252525", "Invalid query string" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice location = slice_of (cases[i].location);
    struct err err = { 0 };

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == location_check (&location, arena, &err), "%s", cases[i].location);
    ck_assert_str_eq (err.message, cases[i].message);
  }
}
END_TEST

START_TEST (counts_characters)
{
  static const char *const pieces[] = { "x", "\xC3\xA9", "\xF0\x9F\x98\x80" };

  for (size_t i = 0; i < sizeof (pieces) / sizeof (pieces[0]); i++)
  {
    size_t length = strlen (pieces[i]);
    char *text = arena_alloc (arena, 1 + LOCATION_MAX * length);
    struct slice location;
    struct err err = { 0 };

    text[0] = '/';
    for (size_t k = 0; k < LOCATION_MAX; k++)
      memcpy (text + 1 + k * length, pieces[i], length);
    location = (struct slice){ text, 1 + (LOCATION_MAX - 1) * length };
    ck_assert_int_eq (location_check (&location, arena, &err), ERR_OK);
    location = (struct slice){ text, 1 + LOCATION_MAX * length };
    ck_assert_int_eq (location_check (&location, arena, &err), ERR_INVALID_PARAMETER_VALUE);
    ck_assert_str_eq (err.message, "Invalid artifact path length. The length of the artifact path cannot be greater "
                                   "than 2048 characters.");
  }
}
END_TEST

START_TEST (judges_roots_of_workspaces)
{
  static const struct
  {
    const char *given;
    const char *root; /* what becomes of it; NULL: it is refused */
  } cases[] = {
    { "", "" },
    { "  \t\r\n", "" },
    { "  s3://bucket/a b \n", "s3://bucket/a b" },
    { "mlflow-artifacts:/", "mlflow-artifacts:/" },
    { "/data", "/data" },
    { "hdfs://host/a?user=b", "hdfs://host/a?user=b" },
    { "data", NULL },
    { "./data", NULL },
    { "a/b:c", NULL },
    { "runs:/x", NULL },
    { " s3://b/x#y", NULL },
    { "s3://b/x?a=..", NULL },
  };
  struct slice none = { NULL, 0 };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice root = slice_of (cases[i].given);
    struct err err = { 0 };
    enum err_code code = location_check_root (&root, arena, &err);

    ck_assert_msg ((NULL == cases[i].root ? ERR_INVALID_PARAMETER_VALUE : ERR_OK) == code, "%s", cases[i].given);
    ck_assert (ERR_OK != code || (NULL != root.data && slice_is (root, cases[i].root)));
  }
  ck_assert_int_eq (location_check_root (&none, arena, NULL), ERR_OK);
  ck_assert_ptr_null (none.data);
}
END_TEST

Suite *location_suite (void);

Suite *
location_suite (void)
{
  Suite *suite = suite_create ("location");
  TCase *locations = tcase_create ("locations");

  tcase_add_checked_fixture (locations, set_up, tear_down);
  tcase_add_test (locations, keeps_what_is_fine);
  tcase_add_test (locations, takes_the_empty_one_for_none);
  tcase_add_test (locations, makes_relative_ones_absolute);
  tcase_add_test (locations, refuses_what_mlflow_refuses);
  tcase_add_test (locations, counts_characters);
  tcase_add_test (locations, judges_roots_of_workspaces);
  suite_add_tcase (suite, locations);
  return suite;
}
