/* Tests of workspaces over the database: who sees which, changes and their entries in the audit trail, three ways to
   delete one, and experiments that are made in them, also meanwhile. */
#include "accounts.h"

#include "store/experiment.h"
#include "store/run.h"
#include "store/workspace.h"

#include <check.h>

#define READ 1
#define MANAGE 4
#define NOW_MS 1234

static const struct slice absent = { NULL, 0 };
static int64_t ann;

static void
open (void)
{
  database_open_migrated ();
  ann = accounts_make ("ann", false);
  accounts_make_group ("ml");
  database_run ("INSERT INTO account_group_member (group_id, account_id) SELECT 1, account_id FROM account");
}

static enum err_code
try_create (const char *name, const char *description, const char *root, struct err *err)
{
  const struct store_workspace workspace = { .name = slice_of (name),
                                             .description = slice_of (description),
                                             .default_artifact_root = slice_of (root) };

  store_start_request (database.connection, 0);
  return store_workspace_create (database.connection, &workspace, NOW_MS, &accounts_who, database.arena, err);
}

static void
create (const char *name)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == try_create (name, NULL, NULL, &err), "%s: %s", err.message, err.cause);
}

/* "default team " : the names that an account sees. */
static const char *
seen_by (int64_t account_id, int16_t fallback)
{
  struct store_workspace *workspaces = NULL;
  struct result result = { NULL };
  const char *text = "";
  size_t count = 0;
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_workspace_list (&workspaces, &count, &result, database.connection, account_id, fallback,
                                              database.arena, &err),
                 "%s: %s", err.message, err.cause);
  for (size_t i = 0; i < count; i++)
  {
    struct store_workspace one;
    struct result row = { NULL };

    text = arena_printf (database.arena, "%s%.*s ", text, SLICE_ARG (workspaces[i].name));
    ck_assert_int_eq (
        store_workspace_get (&one, &row, database.connection, workspaces[i].name, account_id, fallback, NULL), ERR_OK);
    ck_assert_int_eq (one.workspace_id, workspaces[i].workspace_id);
    result_free (&row);
  }
  result_free (&result);
  return text;
}

static bool
is_seen (const char *name, int64_t account_id, int16_t fallback)
{
  struct store_workspace workspace;
  struct result result = { NULL };
  enum err_code code;

  store_start_request (database.connection, 0);
  code = store_workspace_get (&workspace, &result, database.connection, slice_of (name), account_id, fallback, NULL);
  ck_assert (ERR_OK == code || ERR_RESOURCE_DOES_NOT_EXIST == code);
  result_free (&result);
  return ERR_OK == code;
}

static int64_t
number_of (const char *name)
{
  return database_number ("SELECT workspace_id FROM workspace WHERE name = '%s'", name);
}

/* An experiment of a workspace; -1 with `code` when there is none. */
static int64_t
make_in (const char *workspace, const char *name, int64_t account_id, enum err_code *code)
{
  const struct store_new_experiment fresh = { .workspace_id = number_of (workspace),
                                              .account_id = account_id,
                                              .name = slice_of (name),
                                              .root = SLICE ("mlflow-artifacts:/"),
                                              .tags = SLICE ("{}") };
  int64_t experiment_id = -1;

  store_start_request (database.connection, 0);
  *code = store_experiment_create (&experiment_id, database.connection, &fresh, NOW_MS, NULL);
  return ERR_OK == *code ? experiment_id : -1;
}

static int64_t
experiment_in (const char *workspace, const char *name)
{
  enum err_code code;
  int64_t experiment_id = make_in (workspace, name, 0, &code);

  ck_assert_int_eq (code, ERR_OK);
  return experiment_id;
}

struct deletion
{
  struct slice name;
  enum store_workspace_mode mode;
};

/* Both steps, of a workspace without registered models. */
static enum err_code
delete_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct deletion *wanted = context;
  int64_t workspace_id = 0;
  enum err_code code = store_workspace_hold (&workspace_id, connection, wanted->name, wanted->mode, err);

  return ERR_OK == code ? store_workspace_remove (connection, workspace_id, wanted->name, wanted->mode, NOW_MS,
                                                  &accounts_who, database.arena, err)
                        : code;
}

static enum err_code
try_delete (const char *name, enum store_workspace_mode mode, struct err *err)
{
  struct deletion wanted = { slice_of (name), mode };

  store_start_request (database.connection, 0);
  return store_transaction (database.connection, STORE_WRITE, delete_work, &wanted, err);
}

/* --- who sees which ------------------------------------------------------------------------------------------------
 */

static const struct
{
  const char *grant; /* values of experiment_id, model_name, account_id, group_id, level in the workspace team */
  int16_t fallback;
  bool seen;
} sights[] = {
  { NULL, MANAGE, false },
  { "NULL, NULL, 1, NULL, 1", 0, true },
  { "NULL, NULL, 1, NULL, 0", 0, false },
  { "NULL, NULL, NULL, 1, 4", 0, true },
  { "NULL, NULL, NULL, 1, 0", 0, false },
  /* The own grant goes before those of groups, of the workspace and of an object. */
  { "NULL, NULL, 1, NULL, 0), (2, NULL, NULL, NULL, 1, 4", 0, false },
  { "1, NULL, 1, NULL, 0), (2, 1, NULL, NULL, 1, 4", 0, false },
  { "NULL, 'churn', 1, NULL, 0), (2, NULL, 'churn', NULL, 1, 4", 0, false },
  { "1, NULL, 1, NULL, 1", 0, true },
  { "1, NULL, NULL, 1, 1", 0, true },
  { "1, NULL, NULL, 1, 0", 0, false },
  { "NULL, 'churn', 1, NULL, 2", 0, true },
  { "NULL, 'churn', NULL, 1, 2", 0, true },
  /* Nothing in all of it, but something in one object. */
  { "NULL, NULL, 1, NULL, 0), (2, 1, NULL, 1, NULL, 1", 0, true },
  /* Somebody else's. */
  { "NULL, NULL, 2, NULL, 4), (2, 1, NULL, 2, NULL, 4", 0, false },
};

#define SIGHTS (sizeof (sights) / sizeof (sights[0]))

START_TEST (is_seen_by_who_has_any_right)
{
  accounts_make ("bob", false);
  create ("team");
  ck_assert_int_eq (experiment_in ("team", "one"), 1);
  if (NULL != sights[_i].grant)
    database_run ("INSERT INTO access_grant (workspace_id, experiment_id, model_name, account_id, group_id, level)"
                  " VALUES (2, %s)",
                  sights[_i].grant);
  ck_assert_int_eq (is_seen ("team", ann, sights[_i].fallback), sights[_i].seen);
  ck_assert_str_eq (seen_by (ann, sights[_i].fallback), sights[_i].fallback >= READ ? "default "
                                                        : sights[_i].seen           ? "team "
                                                                                    : "");
  ck_assert_str_eq (seen_by (0, 0), "default team ");
}
END_TEST

/* --- changes -------------------------------------------------------------------------------------------------------
 */

START_TEST (is_made_and_changed)
{
  struct store_workspace_change change = { SLICE ("team"), SLICE (""), { NULL, 0 } };
  struct store_workspace workspace;
  struct result result = { NULL };
  struct err err = { 0 };

  ck_assert_int_eq (try_create ("team", "what it is for", "s3://bucket/team", &err), ERR_OK);
  ck_assert_int_eq (try_create ("team", NULL, NULL, &err), ERR_RESOURCE_ALREADY_EXISTS);
  ck_assert_int_eq (number_of ("team"), 2);
  ck_assert_int_eq (database_number ("SELECT created_at_ms FROM workspace WHERE name = 'team'"), NOW_MS);
  ck_assert_int_eq (accounts_entries ("workspace.create", "workspace:team",
                                      "{\"after\": {\"description\": \"what it is for\", \"default_artifact_root\":"
                                      " \"s3://bucket/team\"}}"),
                    1);

  /* Absent members stay, an empty root becomes none. */
  ck_assert_int_eq (
      store_workspace_update (&workspace, &result, database.connection, &change, &accounts_who, database.arena, NULL),
      ERR_OK);
  ck_assert (NULL != workspace.description.data && 0 == workspace.description.len);
  ck_assert (slice_is (workspace.default_artifact_root, "s3://bucket/team"));
  change.description = absent;
  change.default_artifact_root = SLICE ("");
  ck_assert_int_eq (
      store_workspace_update (&workspace, &result, database.connection, &change, &accounts_who, database.arena, NULL),
      ERR_OK);
  ck_assert (NULL == workspace.default_artifact_root.data && NULL != workspace.description.data);
  ck_assert_int_eq (accounts_entries ("workspace.update", "workspace:team",
                                      "{\"before\": {\"description\": \"\", \"default_artifact_root\":"
                                      " \"s3://bucket/team\"}, \"after\": {\"description\": \"\"}}"),
                    1);
  change.name = SLICE ("nope");
  ck_assert_int_eq (
      store_workspace_update (&workspace, &result, database.connection, &change, &accounts_who, database.arena, NULL),
      ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit WHERE action LIKE 'workspace.%%'"), 3);
  result_free (&result);
}
END_TEST

/* --- experiments in them -------------------------------------------------------------------------------------------
 */

START_TEST (holds_experiments)
{
  static const struct
  {
    const char *root; /* of the workspace; NULL: none */
    const char *location; /* with the number of the experiment */
  } cases[] = {
    { NULL, "mlflow-artifacts:/workspaces/team/1" },
    { "s3://bucket/a", "s3://bucket/a/1" },
    { "s3://bucket/a/", "s3://bucket/a/1" },
    { "mlflow-artifacts:/", "mlflow-artifacts:/1" },
    { "hdfs://host/a?user=b?c", "hdfs://host/a/1?user=b?c" },
    { "/data", "/data/1" },
  };
  enum err_code code;
  struct err err = { 0 };

  ck_assert_int_eq (try_create ("team", NULL, cases[_i].root, &err), ERR_OK);
  ck_assert_int_eq (make_in ("team", "one", ann, &code), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment WHERE experiment_id = 1 AND workspace_id = 2"
                                     " AND artifact_location = '%s'",
                                     cases[_i].location),
                    1);
  /* Who made it may do everything with it. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant WHERE experiment_id = 1 AND account_id = %lld"
                                     " AND workspace_id = 2 AND level = 4 AND actions = 0",
                                     (long long)ann),
                    1);
  /* A name is taken in its workspace only. */
  ck_assert_int_eq (make_in ("team", "one", ann, &code), -1);
  ck_assert_int_eq (code, ERR_RESOURCE_ALREADY_EXISTS);
  ck_assert_int_gt (make_in ("default", "one", 0, &code), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment WHERE workspace_id = 1"
                                     " AND artifact_location = 'mlflow-artifacts:/' || experiment_id"),
                    2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 1);
}
END_TEST

START_TEST (finds_names_in_their_workspace)
{
  struct store_experiment experiment;
  struct result result = { NULL };
  int64_t here;
  int64_t there;

  create ("team");
  here = experiment_in ("default", "one");
  there = experiment_in ("team", "one");
  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_experiment_get_by_name (&experiment, &result, database.connection, 1, SLICE ("one"), NULL),
                    ERR_OK);
  ck_assert_int_eq (experiment.experiment_id, here);
  result_free (&result);
  ck_assert_int_eq (store_experiment_get_by_name (&experiment, &result, database.connection, 2, SLICE ("one"), NULL),
                    ERR_OK);
  ck_assert_int_eq (experiment.experiment_id, there);
  result_free (&result);
  ck_assert_int_eq (
      store_experiment_get_by_name (&experiment, &result, database.connection, 2, SLICE ("Default"), NULL),
      ERR_RESOURCE_DOES_NOT_EXIST);
  result_free (&result);
}
END_TEST

/* --- deleting ------------------------------------------------------------------------------------------------------
 */

/* A name of a file, without content. */
static void
add_file (const char *path)
{
  database_run ("INSERT INTO blob (sha256, size_bytes, used_at_ms) VALUES (sha256('x'), 1, 1) ON CONFLICT DO NOTHING;"
                "INSERT INTO artifact (path, sha256, size_bytes, created_at_ms) VALUES ('%s', sha256('x'), 1, 1)",
                path);
}

START_TEST (is_kept_while_it_holds_anything)
{
  struct err err = { 0 };
  int64_t experiment_id;

  ck_assert_int_eq (try_delete ("nope", STORE_WORKSPACE_RESTRICT, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (try_delete ("default", STORE_WORKSPACE_CASCADE, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  create ("team");
  experiment_id = experiment_in ("team", "one");
  database_run ("UPDATE experiment SET deleted_at_ms = 5 WHERE experiment_id = %lld", (long long)experiment_id);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_RESTRICT, &err), ERR_RESOURCE_CONFLICT);
  ck_assert_ptr_nonnull (strstr (err.message, "it still holds 1 experiments"));
  database_run ("DELETE FROM experiment WHERE experiment_id = %lld", (long long)experiment_id);
  add_file ("workspaces/team/dvc/remote/00/aa");
  err_clear (&err);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_RESTRICT, &err), ERR_RESOURCE_CONFLICT);
  err_clear (&err);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_SET_DEFAULT, &err), ERR_RESOURCE_CONFLICT);
  ck_assert_ptr_nonnull (strstr (err.message, "below 'workspaces/team'"));
  ck_assert_int_eq (number_of ("team"), 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit WHERE action = 'workspace.delete'"), 0);

  /* What belongs to other workspaces, or to experiments, is none of its business. */
  database_run ("DELETE FROM artifact");
  add_file ("workspaces/team-b/dvc/remote/00/aa");
  add_file ("workspaces/tea/x");
  add_file ("workspaces/team/77/run/x");
  database_run ("INSERT INTO access_grant (workspace_id, account_id, level) VALUES (2, %lld, 4)", (long long)ann);
  err_clear (&err);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_RESTRICT, &err), ERR_OK);
  ck_assert_int_eq (accounts_entries ("workspace.delete", "workspace:team", "{\"mode\": \"RESTRICT\"}"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM workspace"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM artifact"), 3);
}
END_TEST

START_TEST (takes_all_with_it)
{
  int64_t version;
  int64_t experiment_id;
  int64_t kept;
  enum err_code code;
  struct err err = { 0 };

  create ("team");
  experiment_id = experiment_in ("team", "one");
  kept = experiment_in ("default", "one");
  (void)database_make_run (experiment_id);
  (void)database_make_run (kept);
  database_make_model (experiment_id, "m-1");
  database_make_model (kept, "m-2");
  database_run ("INSERT INTO access_grant (workspace_id, experiment_id, account_id, level) VALUES (2, NULL, 1, 4),"
                " (2, %lld, 1, 4), (1, %lld, 1, 4)",
                (long long)experiment_id, (long long)kept);
  add_file ("workspaces/team/dvc/remote/00/aa");
  add_file (arena_printf (database.arena, "workspaces/team/%lld/x", (long long)experiment_id));
  version = accounts_version ();
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_CASCADE, &err), ERR_OK);

  ck_assert_int_eq (accounts_version (), version + 1);
  ck_assert_int_eq (accounts_entries ("workspace.delete", "workspace:team", "{\"mode\": \"CASCADE\"}"), 1);
  /* Nobody can name it, and nothing of it is in another one. */
  ck_assert_str_eq (seen_by (0, 0), "default ");
  ck_assert_int_eq (
      database_number ("SELECT workspace_id FROM experiment WHERE experiment_id = %lld", (long long)experiment_id), 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment WHERE deleted_at_ms = %d", NOW_MS), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run WHERE deleted_at_ms = %d AND experiment_id = %lld",
                                     NOW_MS, (long long)experiment_id),
                    1);
  ck_assert_int_eq (
      database_number ("SELECT count(*) FROM logged_model WHERE deleted_at_ms = %d AND model_id = 'm-1'", NOW_MS), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run WHERE deleted_at_ms IS NULL"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM logged_model WHERE deleted_at_ms IS NULL"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 1);
  /* Those of its experiments are collected with the runs; the content of the other is used until now. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM artifact"), 1);
  ck_assert_int_eq (database_number ("SELECT used_at_ms FROM blob"), NOW_MS);

  /* The name is free, for a workspace that has nothing of the old one. */
  create ("team");
  ck_assert_int_ne (number_of ("team"), 2);
  ck_assert_int_ne (make_in ("team", "one", 0, &code), -1);
  /* Unless a file came behind, as by a URL that was signed before. */
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_CASCADE, &err), ERR_OK);
  add_file ("workspaces/team/late");
  ck_assert_int_eq (try_create ("team", NULL, NULL, &err), ERR_RESOURCE_CONFLICT);
}
END_TEST

START_TEST (gives_its_experiments_away)
{
  struct err err = { 0 };
  int64_t experiment_id;
  int64_t both;

  create ("team");
  experiment_id = experiment_in ("team", "one");
  both = experiment_in ("team", "Default");
  database_run ("INSERT INTO access_grant (workspace_id, experiment_id, model_name, account_id, level)"
                " VALUES (2, NULL, NULL, 1, 4), (2, NULL, 'churn', 1, 4), (2, %lld, NULL, 1, 3)",
                (long long)experiment_id);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_SET_DEFAULT, &err), ERR_RESOURCE_CONFLICT);
  ck_assert_ptr_nonnull (strstr (err.message, "'Default'. Rename them first."));
  database_run ("UPDATE experiment SET name = 'other' WHERE experiment_id = %lld", (long long)both);
  err_clear (&err);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_SET_DEFAULT, &err), ERR_OK);
  ck_assert_int_eq (
      database_number ("SELECT count(*) FROM experiment WHERE workspace_id = 1 AND deleted_at_ms IS NULL"), 3);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment WHERE experiment_id = %lld"
                                     " AND artifact_location = 'mlflow-artifacts:/workspaces/team/%lld'",
                                     (long long)experiment_id, (long long)experiment_id),
                    1);
  /* Grants of experiments move along; those of the workspace have lost their object. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 1);
  ck_assert_int_eq (database_number ("SELECT level::int8 FROM access_grant WHERE workspace_id = 1"
                                     " AND experiment_id = %lld",
                                     (long long)experiment_id),
                    3);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM workspace"), 1);
}
END_TEST

START_TEST (waits_for_who_is_making_experiments)
{
  struct store_connection *other = database_connect ();
  const struct store_new_experiment fresh = {
    .workspace_id = 2, .name = SLICE ("late"), .root = SLICE ("r:/"), .tags = SLICE ("{}")
  };
  int64_t experiment_id;
  enum err_code code;
  struct err err = { 0 };

  create ("team");
  store_start_request (other, 0);
  ck_assert_int_eq (store_script (other, "BEGIN", &err), ERR_OK);
  ck_assert_int_eq (store_experiment_create (&experiment_id, other, &fresh, NOW_MS, &err), ERR_OK);
  database.config.work_timeout_ms = 300;
  code = try_delete ("team", STORE_WORKSPACE_RESTRICT, &err);
  database.config.work_timeout_ms = 30000;
  ck_assert_int_eq (code, ERR_TEMPORARILY_UNAVAILABLE);
  err_clear (&err);
  ck_assert_int_eq (store_script (other, "COMMIT", &err), ERR_OK);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_RESTRICT, &err), ERR_RESOURCE_CONFLICT);
  err_clear (&err);
  ck_assert_int_eq (try_delete ("team", STORE_WORKSPACE_CASCADE, &err), ERR_OK);
  /* Who comes later finds none, though he knows its number. */
  ck_assert_int_eq (store_experiment_create (&experiment_id, other, &fresh, NOW_MS, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  store_connection_free (other);
}
END_TEST

/* --- grants --------------------------------------------------------------------------------------------------------
 */

static const char *
grants_of (struct slice workspace, struct slice username)
{
  struct store_workspace_grant *grants = NULL;
  struct result result = { NULL };
  const char *text = "";
  size_t count = 0;
  enum err_code code;

  store_start_request (database.connection, 0);
  code =
      store_workspace_grants (&grants, &count, &result, database.connection, workspace, username, database.arena, NULL);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    text = "none";
  else
    ck_assert_int_eq (code, ERR_OK);
  for (size_t i = 0; i < count; i++)
    text = arena_printf (database.arena, "%s%.*s %lld %d;", text, SLICE_ARG (grants[i].workspace),
                         (long long)grants[i].account_id, grants[i].level);
  result_free (&result);
  return text;
}

START_TEST (lists_grants)
{
  accounts_make ("Abe", false);
  create ("team");
  ck_assert_str_eq (grants_of (SLICE ("team"), absent), "");
  ck_assert_str_eq (grants_of (absent, SLICE ("ann")), "");
  ck_assert_str_eq (grants_of (SLICE ("nope"), absent), "none");
  ck_assert_str_eq (grants_of (absent, SLICE ("nope")), "none");
  (void)experiment_in ("team", "one");
  database_run ("INSERT INTO access_grant (workspace_id, experiment_id, model_name, account_id, group_id, level)"
                " VALUES (2, NULL, NULL, 1, NULL, 1), (2, NULL, NULL, 2, NULL, 4), (1, NULL, NULL, 1, NULL, 0),"
                " (2, NULL, NULL, NULL, 1, 4), (2, 1, NULL, 1, NULL, 4), (2, NULL, 'churn', 1, NULL, 4)");
  /* By username, bytes compared; groups and objects are left out. */
  ck_assert_str_eq (grants_of (SLICE ("team"), absent), "team 2 4;team 1 1;");
  ck_assert_str_eq (grants_of (absent, SLICE ("ann")), "default 1 0;team 1 1;");
  ck_assert_str_eq (grants_of (absent, SLICE ("Abe")), "team 2 4;");
}
END_TEST

Suite *workspace_suite (void);

Suite *
workspace_suite (void)
{
  Suite *suite = suite_create ("workspace");
  TCase *workspaces = tcase_create ("workspaces");

  tcase_add_checked_fixture (workspaces, open, database_close);
  tcase_set_timeout (workspaces, 60);
  tcase_add_loop_test (workspaces, is_seen_by_who_has_any_right, 0, SIGHTS);
  tcase_add_test (workspaces, is_made_and_changed);
  tcase_add_loop_test (workspaces, holds_experiments, 0, 6);
  tcase_add_test (workspaces, finds_names_in_their_workspace);
  tcase_add_test (workspaces, is_kept_while_it_holds_anything);
  tcase_add_test (workspaces, takes_all_with_it);
  tcase_add_test (workspaces, gives_its_experiments_away);
  tcase_add_test (workspaces, waits_for_who_is_making_experiments);
  tcase_add_test (workspaces, lists_grants);
  suite_add_tcase (suite, workspaces);
  return suite;
}
