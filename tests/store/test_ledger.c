/* Tests of the ledger: the chain is whole whoever appends, nobody changes it, and what was changed all the same is
 * found.
 */
#include "database.h"

#include "registry/change.h"
#include "registry/state.h"
#include "registry/verify.h"
#include "store/ledger_list.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>

#define THREADS 4
#define CHANGES 30

static const struct registry_actor actor = {
  .name = SLICE ("anna"), .method = SLICE ("none"), .address = SLICE ("192.0.2.7"), .client = SLICE ("test")
};

/* --- changes ------------------------------------------------------------------------------------------------------ */

/* A change of the model "m": SQL that makes it, and its note. */
struct deed
{
  const char *sql; /* NULL: none */
  struct registry_note note;
};

static enum err_code
do_deed (struct registry_change *change, void *context, struct err *err)
{
  const struct deed *deed = context;
  enum err_code code = NULL == deed->sql ? ERR_OK
                                         : store_execute (NULL, change->connection,
                                                          &(const struct statement){ NULL, deed->sql, 0 }, NULL, err);

  if (ERR_OK == code)
    registry_note (change, &deed->note);
  return code;
}

static enum err_code
run_deed (struct store_connection *connection, struct arena *arena, struct deed *deed)
{
  struct registry_change change = { .connection = connection, .arena = arena, .actor = &actor, .workspace_id = 1 };
  struct err err = { 0 };

  store_start_request (connection, 0);
  return registry_change_run (&change, do_deed, deed, &err);
}

static void
change (const char *sql, const char *action, int64_t version, const char *alias, const char *before, const char *after)
{
  struct deed deed = { sql,
                       { .action = action,
                         .registered_model_id = 1,
                         .model = SLICE ("m"),
                         .version = version,
                         .alias = slice_of (alias),
                         .before = slice_of (before),
                         .after = slice_of (after) } };

  ck_assert_int_eq (run_deed (database.connection, database.arena, &deed), ERR_OK);
}

static void
make_version (int version)
{
  char sql[300];

  snprintf (sql, sizeof (sql),
            "INSERT INTO model_version (registered_model_id, version, created_at_ms, updated_at_ms, source)"
            " VALUES (1, %d, 1, 1, 's3://b/%d')",
            version, version);
  change (sql, "version.create", version, NULL, NULL, "{\"source\":\"s3://b\",\"tags\":{\"a\":\"1\"}}");
}

/* Seven entries: a model with two versions, an alias that moved, and a stage. */
static void
open (void)
{
  database_open_migrated ();
  change ("INSERT INTO registered_model (name, created_at_ms, updated_at_ms) VALUES ('m', 1, 1)", "model.create", 0,
          NULL, NULL, "{\"name\":\"m\",\"description\":null,\"tags\":{}}");
  make_version (1);
  make_version (2);
  change ("INSERT INTO model_alias VALUES (1, 'production', 1, 1)", "alias.set", 1, "production", NULL,
          "{\"version\":1}");
  change ("UPDATE model_alias SET version = 2", "alias.promote", 2, "production", "{\"version\":1}", "{\"version\":2}");
  change ("UPDATE model_version SET stage = 2 WHERE version = 2", "version.stage", 2, NULL, "{\"stage\":\"None\"}",
          "{\"stage\":\"Production\"}");
  change (NULL, "version.tag", 2, NULL, "{\"key\":\"a\",\"value\":\"1\"}", "{\"key\":\"a\",\"value\":\"ä\"}");
}

static struct registry_verdict
verify (const struct store_ledger_head *checkpoint)
{
  struct registry_verdict verdict;
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == registry_verify (&verdict, database.connection, checkpoint, NULL, NULL, &err), "%s: %s",
                 err.message, err.cause);
  return verdict;
}

static void
expect_break (enum registry_break what, int64_t entry)
{
  struct registry_verdict verdict = verify (NULL);

  ck_assert_msg (what == verdict.what, "found: %s %s", registry_break_text (verdict.what), verdict.difference);
  ck_assert_int_eq (verdict.entry, entry);
}

/* --- appending ---------------------------------------------------------------------------------------------------- */

static void *
append_some (void *context)
{
  struct store_connection *connection = store_connection_new (database.store);
  intptr_t failed = NULL == connection;

  for (int i = 0; 0 == failed && i < CHANGES; i++)
  {
    struct arena *arena = arena_new (1024 * 1024);
    struct deed deed = {
      NULL, { .action = "model.describe", .registered_model_id = (int64_t)(intptr_t)context, .model = SLICE ("other") }
    };

    failed = NULL == arena || ERR_OK != run_deed (connection, arena, &deed);
    arena_free (arena);
  }
  store_connection_free (connection);
  return (void *)failed;
}

START_TEST (is_whole_whoever_appends)
{
  pthread_t threads[THREADS];
  struct registry_verdict verdict;

  for (intptr_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, append_some, (void *)(100 + i)), 0);
  for (int i = 0; i < THREADS; i++)
  {
    void *failed = NULL;

    ck_assert_int_eq (pthread_join (threads[i], &failed), 0);
    ck_assert_ptr_null (failed);
  }
  verdict = verify (NULL);
  ck_assert_msg (BREAK_NONE == verdict.what, "%s %s", registry_break_text (verdict.what), verdict.difference);
  ck_assert_int_eq (verdict.count, 7 + THREADS * CHANGES);
  ck_assert_int_eq (database_number ("SELECT max(entry) - count(*) FROM ledger"), 0);
}
END_TEST

/* What fails leaves nothing behind, neither in the tables nor in the ledger. */
START_TEST (stands_or_falls_with_the_change)
{
  struct deed deed = { "UPDATE model_alias SET version = 77",
                       { .action = "alias.set", .registered_model_id = 1, .model = SLICE ("m"), .version = 77 } };

  ck_assert_int_ne (run_deed (database.connection, database.arena, &deed), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT version FROM model_alias"), 2);
  expect_break (BREAK_NONE, 0);
}
END_TEST

START_TEST (refuses_changes)
{
  static const char *const changes[] = { "UPDATE ledger SET content = '{}'",
                                         "UPDATE ledger SET at_ms = 1 WHERE entry = 1",
                                         "DELETE FROM ledger",
                                         "DELETE FROM ledger WHERE entry = 7",
                                         "TRUNCATE ledger",
                                         "SET session_replication_role = replica; DELETE FROM ledger" };
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_int_ne (store_script (database.connection, changes[_i], &err), ERR_OK);
  ck_assert_msg (NULL != strstr (err.cause, "only appended to"), "%s", err.cause);
  database_run ("RESET session_replication_role");
  expect_break (BREAK_NONE, 0);
}
END_TEST

/* --- tampering ---------------------------------------------------------------------------------------------------- */

struct tampering
{
  const char *sql;
  enum registry_break what;
  int64_t entry;
};

static const struct tampering tamperings[] = {
  { "UPDATE ledger SET content = replace(content, 'anna', 'otto') WHERE entry = 5", BREAK_HASH, 5 },
  { "UPDATE ledger SET at_ms = at_ms + 1 WHERE entry = 5", BREAK_HASH, 5 },
  { "UPDATE ledger SET sha256 = sha256(sha256) WHERE entry = 3", BREAK_HASH, 3 },
  { "UPDATE ledger SET previous_sha256 = sha256(sha256) WHERE entry = 3", BREAK_PREVIOUS, 3 },
  { "DELETE FROM ledger WHERE entry = 4", BREAK_GAP, 4 },
  { "DELETE FROM ledger WHERE entry = 1", BREAK_GAP, 1 },
  { "DELETE FROM ledger WHERE entry = 4; UPDATE ledger SET entry = entry - 1 WHERE entry > 4", BREAK_PREVIOUS, 4 },
  { "DELETE FROM ledger WHERE entry = 7", BREAK_HEAD, 7 },
  { "TRUNCATE ledger", BREAK_HEAD, 1 },
  { "DELETE FROM ledger_head", BREAK_HEAD, 7 },
  { "INSERT INTO ledger SELECT 8, at_ms, content, sha256, sha256 FROM ledger WHERE entry = 7", BREAK_HASH, 8 },
  { "ALTER TABLE ledger ALTER actor DROP EXPRESSION; UPDATE ledger SET actor = 'otto' WHERE entry = 6", BREAK_COLUMNS,
    6 },
  { "UPDATE model_alias SET version = 1", BREAK_STATE, 5 },
  { "DELETE FROM model_alias", BREAK_STATE, 5 },
  { "INSERT INTO model_alias VALUES (1, 'other', 1, 1)", BREAK_STATE, 0 },
  { "UPDATE model_version SET stage = 3 WHERE version = 2", BREAK_STATE, 6 },
  { "UPDATE model_version SET deleted_at_ms = 1 WHERE version = 1", BREAK_STATE, 2 },
  { "UPDATE registered_model SET name = 'n'", BREAK_STATE, 1 },
  { "DELETE FROM registered_model", BREAK_STATE, 1 },
};

START_TEST (finds_tampering)
{
  const struct tampering *tampering = &tamperings[_i];

  database_run ("ALTER TABLE ledger DISABLE TRIGGER ledger_is_append_only; %s;"
                "ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_is_append_only",
                tampering->sql);
  expect_break (tampering->what, tampering->entry);
}
END_TEST

/* Whoever takes the end off the chain and moves its head back leaves nothing that shows, but for a checkpoint. */
START_TEST (needs_a_checkpoint_for_a_lost_tail)
{
  struct store_ledger_head checkpoint;
  struct registry_verdict verdict = verify (NULL);
  struct err err = { 0 };

  ck_assert_int_eq (store_ledger_head (&checkpoint, database.connection, &err), ERR_OK);
  ck_assert_int_eq (checkpoint.entry, 7);
  ck_assert (digest_equal (&checkpoint.sha256, &verdict.head));
  ck_assert_int_eq (verify (&checkpoint).what, BREAK_NONE);
  database_run ("ALTER TABLE ledger DISABLE TRIGGER ledger_is_append_only; DELETE FROM ledger WHERE entry = 7;"
                "UPDATE ledger_head SET (entry, at_ms, sha256) ="
                " (SELECT entry, at_ms, sha256 FROM ledger WHERE entry = 6)");
  expect_break (BREAK_NONE, 0);
  verdict = verify (&checkpoint);
  ck_assert_int_eq (verdict.what, BREAK_CHECKPOINT_MISSING);
  ck_assert_int_eq (verdict.entry, 7);
  /* Another entry in its place. */
  change (NULL, "model.describe", 0, NULL, NULL, "{\"description\":\"x\"}");
  expect_break (BREAK_NONE, 0);
  ck_assert_int_eq (verify (&checkpoint).what, BREAK_CHECKPOINT);
}
END_TEST

/* --- reading ------------------------------------------------------------------------------------------------------ */

static json_t *
state_at (int64_t entry, int64_t before, int64_t most, int64_t *next)
{
  struct registry_state state;
  struct err err = { 0 };
  enum err_code code = registry_state_read (
      &state, database.connection,
      &(const struct registry_state_query){
          .workspace_id = 1, .registered_model_id = 1, .entry = entry, .before = before, .most = most },
      &err);
  json_t *all = NULL;

  ck_assert_msg (ERR_OK == err.code, "%s: %s", err.message, err.cause);
  if (ERR_OK == code)
    all = json_pack ("{s:O, s:O, s:O}", "model", state.model, "versions", state.versions, "gates", state.gates);
  if (NULL != next)
    *next = state.next_before;
  registry_state_free (&state);
  return all;
}

static void
expect_state (int64_t entry, const char *path_version_aliases)
{
  json_t *state = state_at (entry, INT64_MAX, 10, NULL);
  json_t *compact = json_array ();
  char *text;
  size_t i;
  json_t *version;

  json_array_foreach (json_object_get (state, "versions"), i, version) json_array_append_new (
      compact,
      json_pack ("[O, O, O, O]", json_object_get (version, "version"), json_object_get (version, "stage"),
                 json_object_get (version, "aliases"), json_object_get (json_object_get (version, "tags"), "a")));
  text = json_dumps (compact, JSON_COMPACT);
  ck_assert_str_eq (text, path_version_aliases);
  free (text);
  json_decref (compact);
  json_decref (state);
}

START_TEST (plays_what_was)
{
  int64_t next = 0;
  json_t *page;

  ck_assert_ptr_null (state_at (0, INT64_MAX, 10, NULL));
  expect_state (1, "[]");
  expect_state (2, "[[1,\"None\",[],\"1\"]]");
  expect_state (4, "[[2,\"None\",[],\"1\"],[1,\"None\",[\"production\"],\"1\"]]");
  expect_state (6, "[[2,\"Production\",[\"production\"],\"1\"],[1,\"None\",[],\"1\"]]");
  expect_state (7, "[[2,\"Production\",[\"production\"],\"\xC3\xA4\"],[1,\"None\",[],\"1\"]]");
  page = state_at (7, INT64_MAX, 1, &next);
  ck_assert_uint_eq (json_array_size (json_object_get (page, "versions")), 1);
  ck_assert_int_eq (next, 2);
  json_decref (page);
  page = state_at (7, next, 1, &next);
  ck_assert_uint_eq (json_array_size (json_object_get (page, "versions")), 1);
  ck_assert_int_eq (next, 0);
  json_decref (page);
  /* Deleted: the version with what it had, then the model. */
  change ("DELETE FROM model_alias", "alias.delete", 2, "production", "{\"version\":2}", NULL);
  change ("UPDATE model_version SET deleted_at_ms = 1, stage = 0 WHERE version = 2", "version.delete", 2, NULL,
          "{\"stage\":\"Production\"}", NULL);
  expect_state (9, "[[1,\"None\",[],\"1\"]]");
  expect_state (8, "[[2,\"Production\",[],\"\xC3\xA4\"],[1,\"None\",[],\"1\"]]");
  expect_break (BREAK_NONE, 0);
  change ("DELETE FROM registered_model", "model.delete", 0, NULL, "{\"name\":\"m\",\"versions\":1}", NULL);
  ck_assert_ptr_null (state_at (10, INT64_MAX, 10, NULL));
  expect_state (9, "[[1,\"None\",[],\"1\"]]");
  expect_break (BREAK_NONE, 0);
}
END_TEST

Suite *ledger_suite (void);

Suite *
ledger_suite (void)
{
  Suite *suite = suite_create ("ledger");
  TCase *test_case = tcase_create ("ledger");

  tcase_add_checked_fixture (test_case, open, database_close);
  tcase_set_timeout (test_case, 120);
  tcase_add_test (test_case, is_whole_whoever_appends);
  tcase_add_test (test_case, stands_or_falls_with_the_change);
  tcase_add_loop_test (test_case, refuses_changes, 0, 6);
  tcase_add_loop_test (test_case, finds_tampering, 0, sizeof (tamperings) / sizeof (tamperings[0]));
  tcase_add_test (test_case, needs_a_checkpoint_for_a_lost_tail);
  tcase_add_test (test_case, plays_what_was);
  suite_add_tcase (suite, test_case);
  return suite;
}
