/* Tests of versions of registered models: numbers are given out once whoever asks, and the ledger says exactly what was
 * changed.
 */
#include "database.h"

#include "registry/gate.h"
#include "registry/version.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>

#define THREADS 6
#define CREATES 25

static const struct registry_actor actor = {
  .name = SLICE ("anna"), .method = SLICE ("none"), .address = SLICE ("192.0.2.7"), .client = SLICE ("test")
};

static enum err_code
run (struct store_connection *connection, struct arena *arena, registry_work *work, struct registry_version *version,
     struct err *err)
{
  struct registry_change change = { .connection = connection, .arena = arena, .actor = &actor, .workspace_id = 1 };
  enum err_code code;

  version->name = SLICE ("m");
  store_start_request (connection, 0);
  code = registry_change_run (&change, work, version, err);
  result_free (&version->result);
  return code;
}

static enum err_code
attempt (registry_work *work, struct registry_version version)
{
  return run (database.connection, database.arena, work, &version, NULL);
}

static void
must (registry_work *work, struct registry_version version)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == run (database.connection, database.arena, work, &version, &err), "%s %s", err.message,
                 err.cause);
}

static struct registry_version
fresh (const char *tags)
{
  return (struct registry_version){ .fresh = { .user_id = SLICE ("anna"),
                                               .source = SLICE ("s3://bucket/model"),
                                               .run_id = SLICE (""),
                                               .model_id = SLICE (""),
                                               .run_link = SLICE (""),
                                               .tags = slice_of (tags) } };
}

static void
open (void)
{
  database_open_migrated ();
  database_run ("INSERT INTO registered_model (name, created_at_ms, updated_at_ms) VALUES ('m', 1, 1)");
}

/* The last entries of the ledger, oldest first: action, version, before and after. */
static void
expect_ledger (int count, const char *wanted)
{
  char query[2000];

  snprintf (query, sizeof (query),
            "SELECT (%s = (SELECT string_agg(concat_ws(' ', action, version, alias, content::jsonb ->> 'before',"
            " content::jsonb ->> 'after'), '; ' ORDER BY entry) FROM (SELECT * FROM ledger ORDER BY entry DESC"
            " LIMIT %d) AS l))::int::int8",
            wanted, count);
  ck_assert_msg (1 == database_number ("%s", query), "the ledger is not %s", wanted);
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static void *
create_some (void *context)
{
  struct store_connection *connection = store_connection_new (database.store);
  intptr_t failed = NULL == connection;

  (void)context;
  for (int i = 0; 0 == failed && i < CREATES; i++)
  {
    struct arena *arena = arena_new (1024 * 1024);
    struct registry_version version = fresh ("{}");

    failed = NULL == arena || ERR_OK != run (connection, arena, registry_version_create, &version, NULL);
    arena_free (arena);
  }
  store_connection_free (connection);
  return (void *)failed;
}

START_TEST (numbers_are_given_out_once)
{
  pthread_t threads[THREADS];

  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, create_some, NULL), 0);
  for (int i = 0; i < THREADS; i++)
  {
    void *failed;

    pthread_join (threads[i], &failed);
    ck_assert_ptr_null (failed);
  }
  ck_assert_int_eq (database_number ("SELECT count(*) FROM model_version"), THREADS * CREATES);
  ck_assert_int_eq (database_number ("SELECT max(version) FROM model_version"), THREADS * CREATES);
  ck_assert_int_eq (database_number ("SELECT last_version FROM registered_model"), THREADS * CREATES);
  /* The ledger has each of them once, in their order. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM ledger WHERE action = 'version.create' AND version = entry"),
                    THREADS * CREATES);
}
END_TEST

START_TEST (a_deleted_number_stays_taken)
{
  for (int i = 0; i < 3; i++)
    must (registry_version_create, fresh ("{}"));
  must (registry_version_delete, (struct registry_version){ .number = 3 });
  ck_assert_int_eq (attempt (registry_version_delete, (struct registry_version){ .number = 3 }),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  must (registry_version_create, fresh ("{}"));
  ck_assert_int_eq (database_number ("SELECT max(version) FROM model_version WHERE deleted_at_ms IS NULL"), 4);
}
END_TEST

/* --- what is noted ------------------------------------------------------------------------------------------------ */

START_TEST (notes_what_changes)
{
  const struct registry_version tag = { .number = 1, .key = SLICE ("a"), .value = SLICE ("2") };

  must (registry_version_create, fresh ("{\"a\":\"1\"}"));
  must (registry_version_describe, (struct registry_version){ .number = 1, .description = SLICE ("words") });
  must (registry_version_tag, tag);
  must (registry_version_tag, (struct registry_version){ .number = 1, .key = tag.key });
  expect_ledger (3, "'version.describe 1 {\"description\": null} {\"description\": \"words\"};"
                    " version.tag 1 {\"key\": \"a\", \"value\": \"1\"} {\"key\": \"a\", \"value\": \"2\"};"
                    " version.tag 1 {\"key\": \"a\", \"value\": \"2\"}'");
}
END_TEST

START_TEST (what_changes_nothing_is_not_noted)
{
  must (registry_version_create, fresh ("{\"a\":\"1\"}"));
  must (registry_version_describe, (struct registry_version){ .number = 1 });
  must (registry_version_tag, (struct registry_version){ .number = 1, .key = SLICE ("a"), .value = SLICE ("1") });
  must (registry_version_tag, (struct registry_version){ .number = 1, .key = SLICE ("b") });
  must (registry_version_move, (struct registry_version){ .number = 1, .stage = MODEL_STAGE_NONE });
  ck_assert_int_eq (database_number ("SELECT count(*) FROM ledger"), 1);
  ck_assert_int_eq (database_number ("SELECT (created_at_ms = updated_at_ms)::int::int8 FROM model_version"), 1);
}
END_TEST

START_TEST (archiving_is_noted_for_each)
{
  for (int i = 0; i < 3; i++)
    must (registry_version_create, fresh ("{}"));
  must (registry_version_move, (struct registry_version){ .number = 1, .stage = MODEL_STAGE_STAGING });
  must (registry_version_move, (struct registry_version){ .number = 2, .stage = MODEL_STAGE_STAGING });
  must (registry_version_move,
        (struct registry_version){ .number = 3, .stage = MODEL_STAGE_STAGING, .archives = true });
  expect_ledger (3, "'version.stage 1 {\"stage\": \"Staging\"} {\"stage\": \"Archived\"};"
                    " version.stage 2 {\"stage\": \"Staging\"} {\"stage\": \"Archived\"};"
                    " version.stage 3 {\"stage\": \"None\"} {\"stage\": \"Staging\"}'");
  ck_assert_int_eq (database_number ("SELECT sum(stage * version)::int8 FROM model_version"), 3 * 1 + 3 * 2 + 1 * 3);
  /* Also beside one that stays where it is, and then the model has changed too. */
  must (registry_version_move, (struct registry_version){ .number = 1, .stage = MODEL_STAGE_STAGING });
  database_run ("UPDATE registered_model SET updated_at_ms = 1");
  must (registry_version_move,
        (struct registry_version){ .number = 3, .stage = MODEL_STAGE_STAGING, .archives = true });
  expect_ledger (1, "'version.stage 1 {\"stage\": \"Staging\"} {\"stage\": \"Archived\"}'");
  ck_assert_int_eq (database_number ("SELECT (updated_at_ms > 1)::int::int8 FROM registered_model"), 1);
}
END_TEST

START_TEST (deletion_takes_all_that_it_said)
{
  must (registry_version_create, fresh ("{\"a\":\"1\"}"));
  must (registry_version_move, (struct registry_version){ .number = 1, .stage = MODEL_STAGE_ARCHIVED });
  database_run ("INSERT INTO model_alias VALUES (1, 'b', 1, 1), (1, 'a', 1, 1)");
  database_run ("INSERT INTO check_result (registered_model_id, version, name, status, actor, created_at_ms)"
                " VALUES (1, 1, 'tests', 1, 'ci', 1)");
  database_run ("INSERT INTO approval (registered_model_id, version, actor, created_at_ms) VALUES (1, 1, 'bob', 1)");
  must (registry_version_delete, (struct registry_version){ .number = 1 });
  expect_ledger (3, "'alias.delete 1 a {\"version\": 1}; alias.delete 1 b {\"version\": 1};"
                    " version.delete 1 {\"stage\": \"Archived\"}'");
  ck_assert_int_eq (database_number ("SELECT (SELECT count(*) FROM model_alias) + (SELECT count(*) FROM check_result)"
                                     " + (SELECT count(*) FROM approval)"),
                    0);
  ck_assert_int_eq (
      database_number ("SELECT count(*) FROM model_version WHERE deleted_at_ms IS NOT NULL AND source = ''"
                       " AND user_id = '' AND description IS NULL AND tags = '{}' AND stage = 0"),
      1);
}
END_TEST

/* --- gates -------------------------------------------------------------------------------------------------------- */

START_TEST (guarded_versions_stay)
{
  must (registry_version_create, fresh ("{}"));
  must (registry_version_create, fresh ("{}"));
  must (registry_version_move, (struct registry_version){ .number = 1, .stage = MODEL_STAGE_PRODUCTION });
  database_run ("INSERT INTO model_alias VALUES (1, 'live', 2, 1)");
  database_run ("INSERT INTO promotion_gate (model_pattern, alias, stage, rules, created_at_ms, updated_at_ms)"
                " VALUES ('m', 'live', NULL, '{}', 1, 1), ('m*', NULL, 2, '{}', 1, 1)");
  ck_assert_int_eq (attempt (registry_version_delete, (struct registry_version){ .number = 1 }), ERR_RESOURCE_CONFLICT);
  ck_assert_int_eq (attempt (registry_version_delete, (struct registry_version){ .number = 2 }), ERR_RESOURCE_CONFLICT);
  /* Out of the stage, and another into it: by nobody who may not promote. */
  ck_assert_int_ne (
      attempt (registry_version_move, (struct registry_version){ .number = 1, .stage = MODEL_STAGE_ARCHIVED }), ERR_OK);
  ck_assert_int_ne (
      attempt (registry_version_move,
               (struct registry_version){ .number = 2, .stage = MODEL_STAGE_PRODUCTION, .archives = true }),
      ERR_OK);
  ck_assert_int_eq (
      database_number ("SELECT sum(stage * version)::int8 FROM model_version WHERE deleted_at_ms IS NULL"), 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM ledger"), 3);
}
END_TEST

/* --- logged models ------------------------------------------------------------------------------------------------ */

START_TEST (a_logged_model_is_told)
{
  struct registry_version version = fresh ("{}");

  database_make_model (database_experiment ("e"), "m-1");
  version.fresh.model_id = SLICE ("m-1");
  version.links_model = true;
  must (registry_version_create, version);
  must (registry_version_create, version);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM logged_model WHERE tags ->> 'mlflow.modelVersions' ="
                                     " '[{\"name\": \"m\", \"version\": 1}, {\"name\": \"m\", \"version\": 2}]'"),
                    1);
  /* What a client wrote there and is no list gives way; a list that is full stays. */
  database_run ("UPDATE logged_model SET tags = '{\"mlflow.modelVersions\": \"x\"}'");
  must (registry_version_create, version);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM logged_model WHERE tags ->> 'mlflow.modelVersions' ="
                                     " '[{\"name\": \"m\", \"version\": 3}]'"),
                    1);
  database_run ("UPDATE logged_model SET tags = jsonb_build_object('mlflow.modelVersions',"
                " '[\"' || repeat('x', 99990) || '\"]')");
  must (registry_version_create, version);
  ck_assert_int_eq (database_number ("SELECT length(tags ->> 'mlflow.modelVersions')::int8 FROM logged_model"), 99994);
}
END_TEST

Suite *model_version_suite (void);

Suite *
model_version_suite (void)
{
  Suite *suite = suite_create ("model version");
  TCase *versions = tcase_create ("versions");

  tcase_add_checked_fixture (versions, open, database_close);
  tcase_set_timeout (versions, 60);
  tcase_add_test (versions, numbers_are_given_out_once);
  tcase_add_test (versions, a_deleted_number_stays_taken);
  tcase_add_test (versions, notes_what_changes);
  tcase_add_test (versions, what_changes_nothing_is_not_noted);
  tcase_add_test (versions, archiving_is_noted_for_each);
  tcase_add_test (versions, deletion_takes_all_that_it_said);
  tcase_add_test (versions, guarded_versions_stay);
  tcase_add_test (versions, a_logged_model_is_told);
  suite_add_tcase (suite, versions);
  return suite;
}
