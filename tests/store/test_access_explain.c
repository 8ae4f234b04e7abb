/* Tests of explanations over the database: with random grants, the grants that concern somebody say what the gate's
   statements say, for every account and object, and the list of who may read is the same again. */
#include "accounts.h"

#include "store/access.h"
#include "store/access_explain.h"

#include <check.h>
#include <stdio.h>

#define ACCOUNTS 6
#define GROUPS 3
#define OBJECTS 5
#define ROUNDS 60
/* A workspace beside the default one. */
#define OTHER 2
#define READ 1

static int64_t account_ids[ACCOUNTS];
static int64_t experiment_ids[2];

static void
name_of (char name[16], const char *kind, size_t number)
{
  snprintf (name, 16, "%s%zu", kind, number);
}

static void
open (void)
{
  char name[16];

  database_open_migrated ();
  for (size_t i = 0; i < ACCOUNTS; i++)
  {
    name_of (name, "user", i);
    account_ids[i] = accounts_make (name, false);
  }
  for (size_t i = 0; i < GROUPS; i++)
  {
    name_of (name, "group", i);
    accounts_make_group (name);
  }
  experiment_ids[0] = database_experiment ("first");
  experiment_ids[1] = database_experiment ("second");
  database_run ("INSERT INTO workspace (name) VALUES ('other');"
                " UPDATE experiment SET workspace_id = %d WHERE experiment_id = %d",
                OTHER, (int)experiment_ids[1]);
}

/* Two experiments, of which the second is in the other workspace, a model of each, and a workspace. */
static struct store_grant_object
object_of (size_t number)
{
  struct store_grant_object object = { .experiment_id = -1, .workspace_id = number % 2 + 1 };

  if (number < 2)
    object.experiment_id = experiment_ids[number];
  else if (number < 4)
    object.model_name = SLICE ("churn");
  return object;
}

static const char *
condition_of (size_t number)
{
  if (number < 2)
    return arena_printf (database.arena, "%d, NULL", (int)experiment_ids[number]);
  return number < 4 ? "NULL, 'churn'" : "NULL, NULL";
}

static uint64_t
below (uint64_t limit)
{
  return database_random () % limit;
}

/* Other memberships and grants. */
static void
shuffle (void)
{
  database_run ("DELETE FROM access_grant; DELETE FROM account_group_member");
  for (size_t i = 0; i < 8; i++)
    database_run ("INSERT INTO account_group_member (group_id, account_id) SELECT g.group_id, a.account_id"
                  " FROM account_group AS g, account AS a WHERE g.name = 'group%d' AND a.username = 'user%d'"
                  " ON CONFLICT DO NOTHING",
                  (int)below (GROUPS), (int)below (ACCOUNTS));
  for (size_t i = 0; i < 20; i++)
  {
    size_t number = below (OBJECTS);
    bool to_group = 0 == below (2);

    database_run ("INSERT INTO access_grant (workspace_id, experiment_id, model_name, account_id, group_id, level,"
                  " actions) SELECT %d, %s, %s %d, %d FROM %s ON CONFLICT DO NOTHING",
                  (int)(number % 2 + 1), condition_of (number), to_group ? "NULL, g.group_id," : "a.account_id, NULL,",
                  (int)below (5), (int)below (16),
                  to_group
                      ? arena_printf (database.arena, "account_group AS g WHERE name = 'group%d'", (int)below (GROUPS))
                      : arena_printf (database.arena, "account AS a WHERE username = 'user%d'", (int)below (ACCOUNTS)));
  }
}

/* What the gate would find. */
static struct store_access_rights
rights_of (int64_t account_id, size_t number, int16_t fallback)
{
  struct store_grant_object object = object_of (number);
  struct store_access_rights rights;
  struct err err = { 0 };
  enum err_code code;

  store_start_request (database.connection, 0);
  if (object.experiment_id >= 0)
    code = store_access_of_experiments (&rights, database.connection, account_id, fallback, &object.experiment_id, 1,
                                        database.arena, &err);
  else if (NULL != object.model_name.data)
    code = store_access_of_model_name (&rights, database.connection, account_id, fallback, object.workspace_id,
                                       object.model_name, &err);
  else
    code = store_access_of_workspace (&rights, database.connection, account_id, fallback, object.workspace_id, &err);
  ck_assert_msg (ERR_OK == code, "%s: %s", err.message, err.cause);
  return rights;
}

/* The same by the rows that explain it: the first rule that there is a grant of. */
static struct store_access_rights
rights_by_rows (int64_t account_id, size_t number, int16_t fallback)
{
  struct store_grant_object object = object_of (number);
  struct store_access_rights rights = { .rule = STORE_RULE_DEFAULT, .level = 1 == object.workspace_id ? fallback : 0 };
  struct store_concerning_grant grant;
  struct result result = { NULL };
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_access_concerning (&result, database.connection, account_id, &object, &err), ERR_OK);
  for (size_t i = 0; i < result_count (&result); i++)
  {
    ck_assert_int_eq (result_row (&grant, &result, i, store_concerning_columns, STORE_CONCERNING_COLUMNS, &err),
                      ERR_OK);
    ck_assert_int_eq (NULL != grant.group.data, grant.rule % 2);
    if (0 == i)
    {
      rights.rule = grant.rule;
      rights.level = grant.level;
    }
    rights.actions = (int16_t)(rights.actions | grant.actions);
  }
  result_free (&result);
  return rights;
}

/* Who may read, as "user1 4 0;", by the gate's statements. */
static const char *
readers_of (size_t number, int16_t least)
{
  const char *readers = "";

  for (size_t i = 0; i < ACCOUNTS; i++)
  {
    struct store_access_rights rights = rights_of (account_ids[i], number, READ);

    if (STORE_RULE_DEFAULT != rights.rule && rights.level >= least)
      readers = arena_printf (database.arena, "%suser%zu %d %d;", readers, i, rights.level, rights.rule);
  }
  return readers;
}

static const char *
holders_of (size_t number, int16_t least, const char *after, int64_t limit)
{
  struct store_grant_object object = object_of (number);
  struct store_access_holder holder;
  struct result result = { NULL };
  struct err err = { 0 };
  const char *holders = "";

  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_access_holders (&result, database.connection, &object, least, slice_of (after), limit, &err),
                    ERR_OK);
  for (size_t i = 0; i < result_count (&result); i++)
  {
    ck_assert_int_eq (result_row (&holder, &result, i, store_holder_columns, STORE_HOLDER_COLUMNS, &err), ERR_OK);
    holders =
        arena_printf (database.arena, "%s%.*s %d %d;", holders, SLICE_ARG (holder.username), holder.level, holder.rule);
  }
  result_free (&result);
  return holders;
}

START_TEST (explains_what_the_gate_does)
{
  unsigned decided[STORE_RULE_DEFAULT + 1] = { 0 };

  for (size_t round = 0; round < ROUNDS; round++)
  {
    shuffle ();
    for (size_t number = 0; number < OBJECTS; number++)
    {
      for (size_t i = 0; i < ACCOUNTS; i++)
      {
        struct store_access_rights gate = rights_of (account_ids[i], number, READ);
        struct store_access_rights rows = rights_by_rows (account_ids[i], number, READ);

        ck_assert (gate.exists);
        ck_assert_msg (gate.rule == rows.rule && gate.level == rows.level && gate.actions == rows.actions,
                       "round %zu, object %zu, user %zu: rule %d level %d actions %d, but rows say %d %d %d", round,
                       number, i, gate.rule, gate.level, gate.actions, rows.rule, rows.level, rows.actions);
        decided[gate.rule]++;
      }
      ck_assert_str_eq (holders_of (number, READ, NULL, 100), readers_of (number, READ));
      ck_assert_str_eq (holders_of (number, 0, NULL, 100), readers_of (number, 0));
    }
  }
  /* All rules had their say. */
  for (size_t rule = 0; rule <= STORE_RULE_DEFAULT; rule++)
    ck_assert_msg (decided[rule] > 20, "rule %zu decided %u times", rule, decided[rule]);
}
END_TEST

START_TEST (lists_holders_in_pages)
{
  for (int i = 0; i < ACCOUNTS; i++)
    database_run (
        "INSERT INTO access_grant (workspace_id, experiment_id, account_id, level) SELECT 1, %d, account_id, 2"
        " FROM account WHERE username = 'user%d'",
        (int)experiment_ids[0], i);
  /* Administrators, and who is disabled, are no matter of grants. */
  database_run ("UPDATE account SET is_admin = true WHERE username = 'user1';"
                " UPDATE account SET disabled_at_ms = 1 WHERE username = 'user3'");
  ck_assert_str_eq (holders_of (0, READ, NULL, 2), "user0 2 0;user2 2 0;");
  ck_assert_str_eq (holders_of (0, READ, "user2", 2), "user4 2 0;user5 2 0;");
  ck_assert_str_eq (holders_of (0, READ, "user5", 2), "");
}
END_TEST

Suite *access_explain_suite (void);

Suite *
access_explain_suite (void)
{
  Suite *suite = suite_create ("access explain");
  TCase *explain = tcase_create ("explain");

  tcase_add_checked_fixture (explain, open, database_close);
  tcase_set_timeout (explain, 120);
  tcase_add_test (explain, explains_what_the_gate_does);
  tcase_add_test (explain, lists_holders_in_pages);
  suite_add_tcase (suite, explain);
  return suite;
}
