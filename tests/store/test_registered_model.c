/* Tests of registered models over the database: what changes note in the ledger and what leaves no trace, whose grants
   go where, deletion with the workspace, and searches narrowed by who may read what. */
#include "accounts.h"

#include "registry/alias.h"
#include "registry/model.h"
#include "registry/workspace.h"
#include "search/model_version_search.h"
#include "search/registered_model_search.h"
#include "store/access.h"

#include <check.h>

#define MODELS 30
#define ACCOUNTS 4
#define GROUPS 3
/* Random worlds; each is asked by every account, in both workspaces, with every default permission that differs. */
#define WORLDS 8

static const struct slice absent = { NULL, 0 };
static int64_t ann;

static void
open (void)
{
  database_open_migrated ();
  ann = accounts_make ("user1", false);
  for (int i = 2; i <= ACCOUNTS; i++)
    accounts_make (arena_printf (database.arena, "user%d", i), false);
  for (int i = 1; i <= GROUPS; i++)
    accounts_make_group (arena_printf (database.arena, "group%d", i));
  database_run ("INSERT INTO workspace (name) VALUES ('team')");
}

/* Run one change by the first account. */
static enum err_code
try_in (int64_t workspace_id, registry_work *work, void *context, struct err *err)
{
  const struct registry_actor actor = { .name = SLICE ("user1"),
                                        .account_id = ann,
                                        .method = SLICE ("token"),
                                        .address = SLICE ("::1"),
                                        .client = SLICE ("") };
  struct registry_change change = {
    .connection = database.connection, .arena = database.arena, .actor = &actor, .workspace_id = workspace_id
  };

  store_start_request (database.connection, 0);
  return registry_change_run (&change, work, context, err);
}

static void
must_in (int64_t workspace_id, registry_work *work, void *context)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == try_in (workspace_id, work, context, &err), "%s: %s", err.message, err.cause);
}

static void
create_in (int64_t workspace_id, const char *name)
{
  struct registry_new_model fresh = { .name = slice_of (name), .description = absent, .tags = SLICE ("{}") };

  must_in (workspace_id, registry_model_create, &fresh);
}

static void
add_versions (const char *name, int count)
{
  database_run ("INSERT INTO model_version (registered_model_id, version, created_at_ms, updated_at_ms, source)"
                " SELECT registered_model_id, v, v, v, 's' FROM registered_model, generate_series(1, %d) AS v"
                " WHERE name = '%s'",
                count, name);
}

static int64_t
entries (const char *condition)
{
  return database_number ("SELECT count(*) FROM ledger WHERE %s", condition);
}

/* --- the ledger ----------------------------------------------------------------------------------------------------
 */

START_TEST (notes_what_changes)
{
  struct registry_model_describe describe = { SLICE ("m"), SLICE ("why") };
  struct registry_model_tag tag = { SLICE ("m"), SLICE ("k"), SLICE ("v") };
  struct registry_alias_change alias = { SLICE ("m"), SLICE ("prod"), 1 };
  struct slice name = SLICE ("m");

  create_in (1, "m");
  add_versions ("m", 2);
  must_in (1, registry_model_describe, &describe);
  must_in (1, registry_model_tag, &tag);
  must_in (1, registry_alias_set, &alias);
  alias.version = 2;
  must_in (1, registry_alias_set, &alias);
  ck_assert_int_eq (entries ("true"), 5);
  ck_assert_int_eq (entries ("action = 'alias.set' AND version = 2 AND alias = 'prod' AND content::jsonb -> 'before' ="
                             " '{\"version\": 1}' AND content::jsonb -> 'after' = '{\"version\": 2}'"),
                    1);
  ck_assert_int_eq (
      entries ("action = 'model.tag' AND content::jsonb -> 'before' = 'null' AND content::jsonb -> 'after'"
               " = '{\"key\": \"k\", \"value\": \"v\"}'"),
      1);
  ck_assert_int_eq (entries ("actor = 'user1' AND registered_model_id = 1 AND model_name = 'm'"), 5);

  /* What is so already is no change. */
  must_in (1, registry_model_describe, &describe);
  must_in (1, registry_model_tag, &tag);
  must_in (1, registry_alias_set, &alias);
  tag.value = absent;
  must_in (1, registry_model_tag, &tag);
  must_in (1, registry_model_tag, &tag);
  ck_assert_int_eq (entries ("true"), 6);

  must_in (1, registry_model_delete, &name);
  ck_assert_int_eq (entries ("action = 'alias.delete' AND version = 2 AND entry = 7"), 1);
  ck_assert_int_eq (entries ("action = 'model.delete' AND entry = 8 AND content::jsonb -> 'before' ="
                             " '{\"name\": \"m\", \"versions\": 2}'"),
                    1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM model_version"), 0);
}
END_TEST

START_TEST (refusals_leave_nothing)
{
  struct registry_new_model taken = { .name = SLICE ("m"), .description = absent, .tags = SLICE ("{}") };
  struct registry_model_rename rename = { SLICE ("m"), SLICE ("other") };
  struct registry_alias_change alias = { SLICE ("m"), SLICE ("prod"), 3 };
  struct err err = { 0 };

  create_in (1, "m");
  create_in (1, "other");
  add_versions ("m", 3);
  database_run ("UPDATE model_version SET deleted_at_ms = 9 WHERE version = 3");
  ck_assert_int_eq (try_in (1, registry_model_create, &taken, &err), ERR_RESOURCE_ALREADY_EXISTS);
  err_clear (&err);
  ck_assert_int_eq (try_in (1, registry_model_rename, &rename, &err), ERR_RESOURCE_ALREADY_EXISTS);
  err_clear (&err);
  ck_assert_int_eq (try_in (1, registry_alias_set, &alias, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  /* Models of other workspaces are others. */
  err_clear (&err);
  ck_assert_int_eq (try_in (2, registry_alias_delete, &alias, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (entries ("true"), 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM model_alias"), 0);
}
END_TEST

/* --- grants --------------------------------------------------------------------------------------------------------
 */

static int64_t
level_of (int64_t workspace_id, const char *name, int64_t account_id)
{
  return database_number ("SELECT coalesce(max(level), -1)::int8 FROM access_grant WHERE workspace_id = %lld"
                          " AND model_name = '%s' AND account_id = %lld",
                          (long long)workspace_id, name, (long long)account_id);
}

static void
grant (int64_t workspace_id, const char *name, int64_t account_id, int level)
{
  database_run ("INSERT INTO access_grant (workspace_id, model_name, account_id, level) VALUES (%lld, '%s', %lld, %d)",
                (long long)workspace_id, name, (long long)account_id, level);
}

/* SQL that the database must refuse with a condition by that name. */
static void
refuse (const char *condition, const char *sql)
{
  database_run (
      "DO $$ BEGIN BEGIN %s; EXCEPTION WHEN %s THEN RETURN; END; RAISE 'it was done: %%', $sql$%s$sql$; END $$", sql,
      condition, sql);
}

/* What is said of versions goes with their model, in as many steps however many there are, and never without it. */
START_TEST (nothing_is_said_of_what_is_not_there)
{
  static const char *const tables[] = { "model_alias", "check_result", "approval" };
  struct slice name = SLICE ("gone");

  create_in (1, "gone");
  create_in (1, "stays");
  add_versions ("gone", 3);
  add_versions ("stays", 2);
  database_run ("INSERT INTO model_alias SELECT registered_model_id, 'a' || version, version, 1 FROM model_version");
  database_run ("INSERT INTO approval SELECT registered_model_id, version, 'anna', NULL, '', 1 FROM model_version");
  database_run ("INSERT INTO check_result (registered_model_id, version, name, status, actor, created_at_ms)"
                " SELECT registered_model_id, version, 'tests', 1, 'anna', 1 FROM model_version");
  refuse ("foreign_key_violation", "UPDATE model_alias SET version = 4 WHERE version = 3");
  refuse ("foreign_key_violation", "UPDATE approval SET registered_model_id = 0 WHERE version = 3");
  refuse ("foreign_key_violation",
          "INSERT INTO model_alias SELECT registered_model_id, 'b', 3, 1 FROM registered_model");
  refuse ("foreign_key_violation", "INSERT INTO approval SELECT registered_model_id, 0, 'b', NULL, '', 1"
                                   " FROM registered_model");
  refuse ("foreign_key_violation", "INSERT INTO check_result (registered_model_id, version, name, status, actor,"
                                   " created_at_ms) VALUES (0, 1, 'tests', 1, 'b', 1)");
  refuse ("restrict_violation", "DELETE FROM model_version WHERE version = 3");
  must_in (1, registry_model_delete, &name);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM model_version"), 2);
  for (size_t i = 0; i < sizeof (tables) / sizeof (tables[0]); i++)
    ck_assert_int_eq (database_number ("SELECT count(*) FROM %s", tables[i]), 2);
  ck_assert_int_eq (
      database_number (
          "SELECT count(*) FROM pg_constraint WHERE confrelid = 'model_version'::regclass AND contype = 'f'"),
      0);
}
END_TEST

START_TEST (grants_follow_the_name)
{
  struct registry_model_rename rename = { SLICE ("m"), SLICE ("n") };
  struct slice name = SLICE ("n");
  int64_t version;

  create_in (1, "m");
  ck_assert_int_eq (level_of (1, "m", ann), 4);
  grant (1, "m", 2, 3);
  grant (1, "n", 2, 0);
  grant (2, "m", 3, 1);
  version = accounts_version ();
  must_in (1, registry_model_rename, &rename);
  ck_assert_int_gt (accounts_version (), version);
  ck_assert_int_eq (level_of (1, "n", ann), 4);
  /* What was granted about the new name on purpose stays. */
  ck_assert_int_eq (level_of (1, "n", 2), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant WHERE workspace_id = 1 AND model_name = 'm'"),
                    0);
  ck_assert_int_eq (level_of (2, "m", 3), 1);
  version = accounts_version ();
  must_in (1, registry_model_delete, &name);
  ck_assert_int_gt (accounts_version (), version);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 1);
}
END_TEST

START_TEST (maker_keeps_an_earlier_grant)
{
  grant (1, "m", ann, 1);
  create_in (1, "m");
  ck_assert_int_eq (level_of (1, "m", ann), 1);
}
END_TEST

/* --- with the workspace --------------------------------------------------------------------------------------------
 */

static enum err_code
delete_team (enum store_workspace_mode mode, struct err *err)
{
  struct registry_workspace wanted = { SLICE ("team"), mode, &accounts_who };

  err_clear (err);
  return try_in (1, registry_workspace_delete, &wanted, err);
}

START_TEST (workspace_gives_its_models_away)
{
  struct err err = { 0 };

  create_in (2, "m");
  create_in (2, "n");
  create_in (1, "n");
  grant (2, "m", 2, 3);
  grant (2, "gone", 2, 3);
  ck_assert_int_eq (delete_team (STORE_WORKSPACE_RESTRICT, &err), ERR_RESOURCE_CONFLICT);
  ck_assert_ptr_nonnull (strstr (err.message, "it still holds 2 registered models"));
  ck_assert_int_eq (delete_team (STORE_WORKSPACE_SET_DEFAULT, &err), ERR_RESOURCE_CONFLICT);
  ck_assert_ptr_nonnull (strstr (err.message, "'n'. Rename them first."));
  ck_assert_int_eq (entries ("action LIKE 'model.move'"), 0);
  database_run ("UPDATE registered_model SET name = 'o' WHERE workspace_id = 2 AND name = 'n'");
  ck_assert_int_eq (delete_team (STORE_WORKSPACE_SET_DEFAULT, &err), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM registered_model WHERE workspace_id = 1"), 3);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM workspace"), 1);
  ck_assert_int_eq (level_of (1, "m", ann), 4);
  ck_assert_int_eq (level_of (1, "m", 2), 3);
  ck_assert_int_eq (level_of (1, "gone", 2), -1);
  ck_assert_int_eq (entries ("action = 'model.move' AND workspace_id = 1 AND content::jsonb -> 'before' ="
                             " '{\"workspace\": \"team\"}'"),
                    2);
}
END_TEST

START_TEST (workspace_takes_its_models_along)
{
  struct registry_alias_change alias = { SLICE ("m"), SLICE ("prod"), 1 };
  struct err err = { 0 };

  create_in (2, "m");
  create_in (1, "m");
  add_versions ("m", 2);
  must_in (2, registry_alias_set, &alias);
  database_run ("INSERT INTO promotion_gate (workspace_id, model_pattern, alias, rules, created_at_ms, updated_at_ms)"
                " VALUES (2, '*', 'prod', '{}', 1, 1)");
  ck_assert_int_eq (delete_team (STORE_WORKSPACE_CASCADE, &err), ERR_RESOURCE_CONFLICT);
  ck_assert_ptr_nonnull (strstr (err.message, "1 gates"));
  database_run ("DELETE FROM promotion_gate");
  ck_assert_int_eq (delete_team (STORE_WORKSPACE_CASCADE, &err), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM registered_model"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM model_version"), 2);
  ck_assert_int_eq (entries ("action = 'alias.delete' AND workspace_id = 2"), 1);
  ck_assert_int_eq (entries ("action = 'model.delete' AND workspace_id = 2"), 1);
  ck_assert_int_eq (accounts_entries ("workspace.delete", "workspace:team", "{\"mode\": \"CASCADE\"}"), 1);
}
END_TEST

/* --- who finds what ------------------------------------------------------------------------------------------------
 */

/* Models of both workspaces; every fifth is a prompt. */
static void
make_models (void)
{
  database_run ("INSERT INTO registered_model (workspace_id, name, created_at_ms, updated_at_ms, tags)"
                " SELECT 1 + i %% 2, chr(64 + i %% 5) || i, i, i / 3, CASE WHEN i %% 5 = 0 THEN"
                "  '{\"mlflow.prompt.is_prompt\": \"true\"}' ELSE '{}' END::jsonb FROM generate_series(1, %d) AS i",
                MODELS);
  database_run ("INSERT INTO model_version (registered_model_id, version, created_at_ms, updated_at_ms, source)"
                " SELECT registered_model_id, v, v, v / 2, 's' FROM registered_model, generate_series(1, 3) AS v");
}

/* Members and grants of all kinds, several of which concern the same model. */
static void
make_world (void)
{
  database_run ("DELETE FROM access_grant; DELETE FROM account_group_member");
  for (int i = 0; i < 4; i++)
    database_run ("INSERT INTO account_group_member (group_id, account_id) VALUES (%d, %d) ON CONFLICT DO NOTHING",
                  1 + (int)(database_random () % GROUPS), 1 + (int)(database_random () % ACCOUNTS));
  for (int i = 0; i < 50; i++)
  {
    int model = 1 + (int)(database_random () % MODELS);
    bool is_group = 0 == database_random () % 2;
    int holder = 1 + (int)(database_random () % (is_group ? GROUPS : ACCOUNTS));
    int level = (int)(database_random () % 3);
    const char *kind = is_group ? "group_id" : "account_id";

    if (0 == database_random () % 10)
      database_run ("INSERT INTO access_grant (workspace_id, %s, level) VALUES (%d, %d, %d) ON CONFLICT DO NOTHING",
                    kind, 1 + model % 2, holder, level);
    else
      database_run ("INSERT INTO access_grant (workspace_id, model_name, %s, level) SELECT workspace_id, name, %d, %d"
                    " FROM registered_model WHERE registered_model_id = %d ON CONFLICT DO NOTHING",
                    kind, holder, level, model);
  }
}

/* Judge a name by the rule that judges single requests. */
static bool
may_read (struct slice name, const struct registry_scope *scope)
{
  struct store_access_rights rights;
  struct err err = { 0 };

  if (0 == scope->account_id)
    return true;
  ck_assert_int_eq (store_access_of_model_name (&rights, database.connection, scope->account_id, scope->fallback,
                                                scope->workspace_id, name, &err),
                    ERR_OK);
  return rights.level >= 1;
}

/* "A1 B2 " of a workspace that may be read and are no prompts, or all versions of those; in the default order. */
static const char *
expected (const struct registry_scope *scope, bool versions)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 }, { COLUMN_INT64, sizeof (struct slice) } };
  static const struct statement models = { "test_models",
                                           "SELECT name, 0::int8 FROM registered_model"
                                           " WHERE workspace_id = $1::int8 AND NOT is_prompt"
                                           " ORDER BY name",
                                           1 };
  static const struct statement both = { "test_versions",
                                         "SELECT name, version FROM registered_model AS m"
                                         " JOIN model_version AS v USING (registered_model_id)"
                                         " WHERE workspace_id = $1::int8 AND NOT is_prompt"
                                         " ORDER BY v.updated_at_ms DESC, name, version DESC",
                                         1 };
  struct parameters parameters;
  struct result result = { NULL };
  const char *text = "";

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, scope->workspace_id);
  ck_assert_int_eq (store_query (&result, database.connection, versions ? &both : &models, &parameters, NULL), ERR_OK);
  for (size_t i = 0; i < result_count (&result); i++)
  {
    struct
    {
      struct slice name;
      int64_t version;
    } row;

    ck_assert_int_eq (result_row (&row, &result, i, columns, COLUMN_COUNT (columns), NULL), ERR_OK);
    if (may_read (row.name, scope))
      text = arena_printf (database.arena, "%s%.*s/%d ", text, SLICE_ARG (row.name), (int)row.version);
  }
  result_free (&result);
  return text;
}

static const char *
found_models (const struct registry_scope *scope)
{
  struct registered_model_search search = { .scope = *scope, .max_results = 4 };
  const char *text = "";
  struct err err = { 0 };

  do
  {
    struct registered_model_page page;

    ck_assert_msg (ERR_OK == registered_model_search (&page, database.connection, &search, database.arena, &err),
                   "%s: %s", err.message, err.cause);
    /* Pages are full, whatever may not be read. */
    ck_assert_int_eq (page.count == 4 || NULL == page.next_token.data, true);
    for (size_t i = 0; i < page.count; i++)
      text = arena_printf (database.arena, "%s%.*s/0 ", text, SLICE_ARG (page.models[i].model.name));
    search.page_token = page.next_token;
    result_free (&page.result);
  } while (NULL != search.page_token.data);
  return text;
}

static const char *
found_versions (const struct registry_scope *scope)
{
  struct model_version_search search = { .scope = *scope, .max_results = 7 };
  const char *text = "";
  struct err err = { 0 };

  do
  {
    struct model_version_page page;

    ck_assert_msg (ERR_OK == model_version_search (&page, database.connection, &search, database.arena, &err), "%s: %s",
                   err.message, err.cause);
    ck_assert_int_eq (page.count == 7 || ! page.more, true);
    for (size_t i = 0; i < page.count; i++)
      text = arena_printf (database.arena, "%s%.*s/%d ", text, SLICE_ARG (page.versions[i].version.name),
                           (int)page.versions[i].version.version);
    search.page_token = model_version_page_token (&page, page.count, database.arena);
    result_free (&page.result);
  } while (NULL != search.page_token.data);
  return text;
}

START_TEST (searches_find_what_may_be_read)
{
  make_models ();
  make_world ();
  for (int64_t account = 0; account <= ACCOUNTS; account++)
    for (int64_t workspace = 1; workspace <= 2; workspace++)
      for (int16_t fallback = 0; fallback <= 1; fallback++)
      {
        const struct registry_scope scope = { workspace, account, fallback };

        store_start_request (database.connection, 0);
        ck_assert_str_eq (found_models (&scope), expected (&scope, false));
        ck_assert_str_eq (found_versions (&scope), expected (&scope, true));
      }
}
END_TEST

/* A filter that names one model takes another way through the index. */
START_TEST (one_model_is_searched_within_its_rights)
{
  struct model_version_search search = { .scope = { 1, 2, 1 }, .max_results = 2, .filter = SLICE ("name = 'm'") };
  struct model_version_page page;
  const char *text = "";

  create_in (1, "m");
  add_versions ("m", 5);
  database_run ("UPDATE model_version SET updated_at_ms = 1");
  store_start_request (database.connection, 0);
  do
  {
    ck_assert_int_eq (model_version_search (&page, database.connection, &search, database.arena, NULL), ERR_OK);
    for (size_t i = 0; i < page.count; i++)
      text = arena_printf (database.arena, "%s%d ", text, (int)page.versions[i].version.version);
    search.page_token = model_version_page_token (&page, page.count, database.arena);
    result_free (&page.result);
  } while (NULL != search.page_token.data);
  ck_assert_str_eq (text, "5 4 3 2 1 ");
  grant (1, "m", 2, 0);
  ck_assert_int_eq (model_version_search (&page, database.connection, &search, database.arena, NULL), ERR_OK);
  ck_assert_uint_eq (page.count, 0);
  result_free (&page.result);
  search.scope.workspace_id = 2;
  search.scope.account_id = 0;
  ck_assert_int_eq (model_version_search (&page, database.connection, &search, database.arena, NULL), ERR_OK);
  ck_assert_uint_eq (page.count, 0);
  result_free (&page.result);
}
END_TEST

/* However many are asked for, memory is bounded; the token leads on. */
START_TEST (a_page_has_an_end)
{
  struct model_version_search search = { .scope = { 1, 0, 0 }, .max_results = 200000, .filter = SLICE ("name = 'm'") };
  struct model_version_page page;

  create_in (1, "m");
  add_versions ("m", MODEL_VERSION_PAGE_MAX + 1);
  store_start_request (database.connection, 0);
  ck_assert_int_eq (model_version_search (&page, database.connection, &search, database.arena, NULL), ERR_OK);
  ck_assert_uint_eq (page.count, MODEL_VERSION_PAGE_MAX);
  ck_assert_int_eq (page.versions[0].version.version, MODEL_VERSION_PAGE_MAX + 1);
  search.page_token = model_version_page_token (&page, page.count, database.arena);
  ck_assert_ptr_nonnull (search.page_token.data);
  result_free (&page.result);
  ck_assert_int_eq (model_version_search (&page, database.connection, &search, database.arena, NULL), ERR_OK);
  ck_assert_uint_eq (page.count, 1);
  ck_assert_int_eq (page.versions[0].version.version, 1);
  ck_assert_ptr_null (model_version_page_token (&page, page.count, database.arena).data);
  result_free (&page.result);
}
END_TEST

Suite *registered_model_suite (void);

Suite *
registered_model_suite (void)
{
  Suite *suite = suite_create ("registered model");
  TCase *models = tcase_create ("models");

  tcase_add_checked_fixture (models, open, database_close);
  tcase_set_timeout (models, 120);
  tcase_add_test (models, notes_what_changes);
  tcase_add_test (models, refusals_leave_nothing);
  tcase_add_test (models, nothing_is_said_of_what_is_not_there);
  tcase_add_test (models, grants_follow_the_name);
  tcase_add_test (models, maker_keeps_an_earlier_grant);
  tcase_add_test (models, workspace_gives_its_models_away);
  tcase_add_test (models, workspace_takes_its_models_along);
  tcase_add_loop_test (models, searches_find_what_may_be_read, 0, WORLDS);
  tcase_add_test (models, one_model_is_searched_within_its_rights);
  tcase_add_test (models, a_page_has_an_end);
  suite_add_tcase (suite, models);
  return suite;
}
