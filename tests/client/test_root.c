/* Tests of roots and names of artifacts: which there are, and that nothing else passes. */
#include "error.h"
#include "root.h"

#include <check.h>
#include <string.h>

#define RUN "0123456789abcdef0123456789abcdef"
#define MODEL "m-0123456789abcdef0123456789abcdef"

struct good
{
  const char *uri;
  enum root_kind kind;
  const char *id;
  const char *path;
  const char *name;
  const char *alias;
  int64_t version;
};

static const struct good goods[] = {
  { "runs:/" RUN, ROOT_RUN, RUN, "", NULL, NULL, 0 },
  { "runs:/" RUN "/model/weights", ROOT_RUN, RUN, "model/weights", NULL, NULL, 0 },
  { "runs:/short_id-1", ROOT_RUN, "short_id-1", "", NULL, NULL, 0 },
  { "models:/" MODEL, ROOT_LOGGED_MODEL, MODEL, "", NULL, NULL, 0 },
  { "models:/" MODEL "/a", ROOT_LOGGED_MODEL, MODEL, "a", NULL, NULL, 0 },
  { "models:/fraud detection/3", ROOT_VERSION, NULL, NULL, "fraud detection", NULL, 3 },
  { "models:/a/9223372036854775807", ROOT_VERSION, NULL, NULL, "a", NULL, INT64_MAX },
  { "models:/a/latest", ROOT_LATEST, NULL, NULL, "a", NULL, 0 },
  { "models:/a@latest", ROOT_LATEST, NULL, NULL, "a", "latest", 0 },
  { "models:/a/Production", ROOT_STAGE, NULL, NULL, "a", NULL, 0 },
  { "models:/a/staging", ROOT_STAGE, NULL, NULL, "a", NULL, 0 },
  { "models:/a@b@prod", ROOT_ALIAS, NULL, NULL, "a@b", "prod", 0 },
  /* One digit less than a logged model has: a registered model of that name. */
  { "models:/m-0123456789abcdef0123456789abcde/1", ROOT_VERSION, NULL, NULL, "m-0123456789abcdef0123456789abcde", NULL,
    1 },
};

static void
same (const char *a, const char *b)
{
  ck_assert_int_eq (NULL == a, NULL == b);
  if (NULL != a)
    ck_assert_str_eq (a, b);
}

START_TEST (takes_apart)
{
  const struct good *good = &goods[_i];
  struct arena *arena = arena_new (1 << 20);
  struct tally_error err;
  struct root root;

  ck_assert_int_eq (root_parse (&root, arena, good->uri, &err), TALLY_OK);
  ck_assert_int_eq (root.kind, good->kind);
  same (root.id, good->id);
  same (root.path, good->path);
  same (root.name, good->name);
  same (root.alias, good->alias);
  ck_assert_int_eq (root.version, good->version);
  ck_assert_int_eq (NULL != root.stage, ROOT_STAGE == good->kind);
  arena_free (arena);
}
END_TEST

static const char *const bads[] = {
  "",
  "runs:",
  "runs:/",
  "runs://" RUN,
  "runs:/" RUN "/",
  "runs:/" RUN "/../x",
  "runs:/" RUN "/a//b",
  "runs:/a b",
  "runs:/a%2fb",
  "models:/",
  "models:/name",
  "models://3",
  "models:/name/",
  "models:/name/0",
  "models:/name/-1",
  "models:/name/x",
  "models:/name/1/",
  "models:/name/1/file",
  "models:/name/9223372036854775808",
  "models:/@a",
  "models:/a@",
  "models:/" MODEL "x",
  "models:/" MODEL "/..",
  "mlflow-artifacts:/0",
  "s3://bucket/x",
  "/etc/passwd",
  "models:/a\n/1",
  "models:/\xff/1",
};

START_TEST (refuses)
{
  struct arena *arena = arena_new (1 << 20);
  struct tally_error err = { 0 };
  struct root root;

  ck_assert_int_eq (root_parse (&root, arena, bads[_i], &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (err.code, TALLY_ERROR_ARGUMENT);
  ck_assert_str_ne (err.message, "");
  ck_assert_int_eq (root_parse (&root, arena, NULL, NULL), TALLY_ERROR_ARGUMENT);
  arena_free (arena);
}
END_TEST

START_TEST (memory_is_no_argument)
{
  struct arena *arena = arena_new (8);
  struct tally_error err;
  struct root root;

  ck_assert_int_eq (root_parse (&root, arena, "runs:/" RUN, &err), TALLY_ERROR_MEMORY);
  arena_free (arena);
}
END_TEST

struct name
{
  const char *name;
  bool valid;
};

static const struct name names[] = {
  { "a", true },
  { "a/b/c.txt", true },
  { "sub dir/b #1%.txt", true },
  { "...", true },
  { "a/..b", true },
  { ".hidden", true },
  { "\xc3\xa9", true },
  { "", false },
  { ".", false },
  { "..", false },
  { "/", false },
  { "/a", false },
  { "a/", false },
  { "a//b", false },
  { "a/./b", false },
  { "a/../b", false },
  { "../a", false },
  { "a/..", false },
  { "a\\b", false },
  { "..\\a", false },
  { "a\nb", false },
  { "a\x7f", false },
  { "a\x01", false },
  { "\xff", false },
  { "a/\xc0\xae\xc0\xae/b", false },
};

START_TEST (names_of_artifacts)
{
  ck_assert_msg (artifact_name_valid (names[_i].name) == names[_i].valid, "%s", names[_i].name);
}
END_TEST

START_TEST (names_have_bounds)
{
  char name[ARTIFACT_NAME_MAX_BYTES + 2];

  memset (name, 'a', sizeof (name) - 1);
  name[ARTIFACT_NAME_MAX_BYTES + 1] = '\0';
  ck_assert (! artifact_name_valid (name));
  name[ARTIFACT_NAME_MAX_BYTES] = '\0';
  ck_assert (artifact_name_valid (name));
  for (size_t i = 0; i < 64; i++)
    memcpy (name + 2 * i, "b/", 3);
  name[127] = '\0'; /* 64 parts */
  ck_assert (artifact_name_valid (name));
  memcpy (name + 127, "/c", 3);
  ck_assert (! artifact_name_valid (name));
}
END_TEST

START_TEST (ids)
{
  char id[300];

  ck_assert (root_run_id_valid (RUN));
  ck_assert (! root_run_id_valid (""));
  ck_assert (! root_run_id_valid (RUN "/"));
  ck_assert (! root_run_id_valid ("a&b"));
  memset (id, 'a', sizeof (id));
  id[256] = '\0';
  ck_assert (root_run_id_valid (id));
  id[256] = 'a';
  id[257] = '\0';
  ck_assert (! root_run_id_valid (id));
  ck_assert (root_model_id_valid (MODEL));
  ck_assert (! root_model_id_valid (MODEL "0"));
  ck_assert (! root_model_id_valid (MODEL "/"));
  ck_assert (! root_model_id_valid ("m-0123"));
}
END_TEST

Suite *root_suite (void);

Suite *
root_suite (void)
{
  Suite *suite = suite_create ("root");
  TCase *tests = tcase_create ("root");

  tcase_add_loop_test (tests, takes_apart, 0, sizeof (goods) / sizeof (goods[0]));
  tcase_add_loop_test (tests, refuses, 0, sizeof (bads) / sizeof (bads[0]));
  tcase_add_test (tests, memory_is_no_argument);
  tcase_add_loop_test (tests, names_of_artifacts, 0, sizeof (names) / sizeof (names[0]));
  tcase_add_test (tests, names_have_bounds);
  tcase_add_test (tests, ids);
  suite_add_tcase (suite, tests);
  return suite;
}
