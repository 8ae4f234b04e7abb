/* Tests of which experiment a path of the artifact store names, and of the words for what is not there. */
#include "api/object.h"

#include <check.h>

START_TEST (paths_name_experiments)
{
  static const struct
  {
    const char *path;
    int64_t experiment_id;
    const char *workspace; /* NULL: none is named */
  } cases[] = {
    { "", -1, NULL },
    { "12", 12, NULL },
    { "12/a", 12, NULL },
    { "0", 0, NULL },
    { "0/a/b", 0, NULL },
    { "00/a", -1, NULL },
    { "012/a", -1, NULL },
    { "12a/b", -1, NULL },
    { "+12/b", -1, NULL },
    { " 12/b", -1, NULL },
    { "-1/b", -1, NULL },
    { "dvc/12", -1, NULL },
    { "999999999999999999/x", 999999999999999999, NULL },
    { "9999999999999999999/x", -1, NULL },
    { "workspaces", -1, NULL },
    { "workspaces/", -1, NULL },
    { "workspaces/team", -1, "team" },
    { "workspaces/team/", -1, "team" },
    { "workspaces/team/7", 7, "team" },
    { "workspaces/team/7/run", 7, "team" },
    { "workspaces/12/7", 7, "12" },
    { "workspaces/team/dvc/7", -1, "team" },
    { "workspacesx/team/7", -1, NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice workspace;

    ck_assert_msg (object_experiment_of_path (&workspace, slice_of (cases[i].path)) == cases[i].experiment_id, "'%s'",
                   cases[i].path);
    ck_assert_msg (NULL == cases[i].workspace ? NULL == workspace.data : slice_is (workspace, cases[i].workspace),
                   "'%s'", cases[i].path);
  }
}
END_TEST

START_TEST (what_is_not_there_is_told_by_kind)
{
  static const struct
  {
    enum target_kind kind;
    const char *message;
  } cases[] = {
    { TARGET_EXPERIMENT, "No Experiment with id=x exists" },
    { TARGET_EXPERIMENT_NAME, "Could not find experiment with name 'x'" },
    { TARGET_RUN, "Run with id=x not found" },
    { TARGET_LOGGED_MODEL, "Logged model with ID 'x' not found." },
    { TARGET_PATH, "No such artifact: 'x'" },
    { TARGET_WORKSPACE, "Workspace 'x' not found" },
    { TARGET_WORKSPACE_NAME, "Workspace 'x' not found" },
    { TARGET_REGISTERED_MODEL, "Registered Model with name=x not found" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct target target = { .kind = cases[i].kind, .text = SLICE ("x") };
    struct err err = { 0 };

    ck_assert_int_eq (ERR_RESOURCE_DOES_NOT_EXIST, object_not_found (&target, &err));
    ck_assert_str_eq (cases[i].message, err.message);
  }
}
END_TEST

Suite *object_suite (void);

Suite *
object_suite (void)
{
  Suite *suite = suite_create ("object");
  TCase *tests = tcase_create ("all");

  tcase_add_test (tests, paths_name_experiments);
  tcase_add_test (tests, what_is_not_there_is_told_by_kind);
  suite_add_tcase (suite, tests);
  return suite;
}
