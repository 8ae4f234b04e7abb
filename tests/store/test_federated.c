/* Tests of accounts that somebody else vouches for, over the database, and of logins that are at the provider. */
#include "accounts.h"

#include "store/account.h"
#include "store/account_group.h"
#include "store/federated.h"
#include "store/login_attempt.h"

#include <check.h>
#include <pthread.h>

/* Threads in which the same person comes for the first time. */
#define THREADS 8

#define SUFFIX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct store_federated anna = { .issuer = { "https://login", 13 },
                                             .subject = { "s-1", 3 },
                                             .username = { "anna", 4 },
                                             .suffix = { SUFFIX, 64 },
                                             .now_ms = 5000,
                                             .method = 4,
                                             .address = { "192.0.2.7", 9 } };

static void
open (void)
{
  database_open_migrated ();
  accounts_make ("root", true);
}

/* As of now the account of `said` is as said; gives whether rights changed. */
static bool
write_said (struct store_account_found *found, const struct store_federated *said)
{
  struct err err = { 0 };
  bool changed = false;
  bool is_same = false;
  enum err_code code;

  store_start_request (database.connection, 0);
  code = store_federated_write (found, &changed, database.connection, said, database.arena, &err);
  ck_assert_msg (ERR_OK == code, "%s: %s", err.message, err.cause);
  code = store_federated_find (found, &is_same, database.connection, said, database.arena, &err);
  ck_assert_msg (ERR_OK == code, "%s: %s", err.message, err.cause);
  ck_assert (is_same || found->disabled);
  return changed;
}

static bool
is_as_said (const struct store_federated *said)
{
  struct store_account_found found;
  struct err err = { 0 };
  bool is_same = false;

  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_federated_find (&found, &is_same, database.connection, said, database.arena, &err), ERR_OK);
  return is_same;
}

/* With these groups, of which one may be that of administrators. */
static struct store_federated
with_groups (struct store_federated said, struct slice *groups, size_t count)
{
  said.has_groups = true;
  said.groups = groups;
  said.group_count = count;
  return said;
}

/* Entries that anna caused herself, by what is said of her. */
static int64_t
entries_of (const char *action, const char *object, const char *detail)
{
  return database_number ("SELECT count(*) FROM audit JOIN account USING (account_id) WHERE action = '%s'"
                          " AND object = '%s' AND detail = '%s' AND actor = 'anna' AND username = 'anna'"
                          " AND method = 4 AND address = '192.0.2.7' AND at_ms = 5000 AND NOT refused AND times = 1",
                          action, object, detail);
}

static int64_t
memberships (int source)
{
  return database_number ("SELECT count(*) FROM account_group_member AS m JOIN account AS a USING (account_id)"
                          " WHERE a.username = 'anna' AND m.source = %d",
                          source);
}

/* --- the account -------------------------------------------------------------------------------------------------- */

START_TEST (makes_an_account_once)
{
  struct store_account_found first;
  struct store_account_found again;
  struct err err = { 0 };
  bool is_same;
  int64_t version = accounts_version ();

  ck_assert_int_eq (store_federated_find (&first, &is_same, database.connection, &anna, database.arena, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert (! write_said (&first, &anna));
  ck_assert (slice_is (first.username, "anna") && NULL == first.password.data);
  ck_assert (! first.is_admin && ! first.is_service && ! first.disabled);
  ck_assert (! write_said (&again, &anna));
  ck_assert_int_eq (again.account_id, first.account_id);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE issuer = 'https://login' AND subject = 's-1'"
                                     " AND password IS NULL AND created_at_ms = 5000"),
                    1);
  ck_assert_int_eq (entries_of ("user.create", "user:anna",
                                "{\"after\": {\"is_admin\": false, \"is_service\": false,"
                                " \"issuer\": \"https://login\", \"subject\": \"s-1\"}}"),
                    1);
  /* Nobody remembers anything of a new account. */
  ck_assert_int_eq (accounts_version (), version);
}
END_TEST

START_TEST (never_takes_an_account_of_another)
{
  static const char *const others[] = { "anna", "anna-012345", "anna-0123456789abcdef" };
  static const char *const expected[] = { "anna-012345", "anna-0123456789abcdef", ("anna-" SUFFIX) };
  struct store_account_found found;
  int64_t others_id;

  others_id = accounts_make (others[0], true);
  (void)write_said (&found, &anna);
  ck_assert_msg (slice_is (found.username, expected[0]), "%.*s", SLICE_ARG (found.username));
  ck_assert (found.account_id != others_id && ! found.is_admin);
  for (size_t i = 1; i < 3; i++)
  {
    struct store_federated next = anna;

    next.subject = slice_of (1 == i ? "s-2" : "s-3");
    (void)write_said (&found, &next);
    ck_assert_msg (slice_is (found.username, expected[i]), "%.*s", SLICE_ARG (found.username));
  }
  /* The account keeps its name when the other one has gone. */
  database_run ("DELETE FROM account WHERE username = 'anna'");
  (void)write_said (&found, &anna);
  ck_assert (slice_is (found.username, expected[0]));
  /* The same subject elsewhere is somebody else; the name is free now. */
  {
    struct store_federated elsewhere = anna;

    elsewhere.issuer = SLICE ("proxy");
    (void)write_said (&found, &elsewhere);
    ck_assert (slice_is (found.username, "anna"));
  }
}
END_TEST

START_TEST (fits_long_names)
{
  struct store_federated said = anna;
  struct store_account_found found;
  char name[255 * 2];

  for (size_t i = 0; i < 255; i++)
    memcpy (name + 2 * i, "\xC3\xA4", 2);
  said.username = (struct slice){ name, sizeof (name) };
  (void)write_said (&found, &said);
  ck_assert (slice_equal (found.username, said.username));
  said.subject = SLICE ("s-2");
  (void)write_said (&found, &said);
  ck_assert_int_eq (database_number ("SELECT char_length(username)::int8 FROM account WHERE subject = 's-2'"), 255);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE username LIKE '%%ä-012345'"), 1);
}
END_TEST

START_TEST (leaves_disabled_accounts_alone)
{
  struct slice groups[] = { SLICE ("ml"), SLICE ("ops") };
  struct store_federated said = with_groups (anna, groups, 2);
  struct store_account_found found;
  int64_t version;

  (void)write_said (&found, &anna);
  database_run ("UPDATE account SET disabled_at_ms = 1 WHERE username = 'anna'");
  version = accounts_version ();
  said.has_admin = true;
  said.is_admin = true;
  ck_assert (! write_said (&found, &said));
  ck_assert (found.disabled && ! found.is_admin);
  ck_assert_int_eq (memberships (1), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account_group"), 0);
  ck_assert_int_eq (accounts_version (), version);
}
END_TEST

/* --- groups and administrators ------------------------------------------------------------------------------------ */

START_TEST (follows_groups)
{
  struct slice both[] = { SLICE ("ml"), SLICE ("ops") };
  struct slice other[] = { SLICE ("a \"b\""), SLICE ("ops") };
  struct store_federated said = with_groups (anna, both, 2);
  struct store_account_found found;
  int64_t version = accounts_version ();

  accounts_make_group ("ml");
  ck_assert (! write_said (&found, &said));
  ck_assert_int_eq (memberships (1), 2);
  ck_assert_int_eq (accounts_version (), version);
  ck_assert_int_eq (entries_of ("group.add", "group:ml", "{\"user\": \"anna\", \"source\": \"claim\"}"), 1);
  ck_assert_int_eq (entries_of ("group.add", "group:ops", "{\"user\": \"anna\", \"source\": \"claim\"}"), 1);
  ck_assert_int_eq (entries_of ("group.create", "group:ops", "{}"), 1);

  /* What is so already is not written again. */
  ck_assert (! write_said (&found, &said));
  ck_assert_int_eq (accounts_version (), version);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit WHERE action = 'group.add'"), 2);

  /* One comes, one goes. */
  said = with_groups (anna, other, 2);
  ck_assert (! is_as_said (&said));
  ck_assert (write_said (&found, &said));
  ck_assert_int_eq (accounts_version (), version + 1);
  ck_assert_int_eq (entries_of ("group.remove", "group:ml", "{\"user\": \"anna\", \"source\": \"claim\"}"), 1);
  ck_assert_int_eq (entries_of ("group.create", "group:a \"b\"", "{}"), 1);
  ck_assert_int_eq (memberships (1), 2);

  /* Nothing said: they stay. None said: they go. The groups themselves remain. */
  ck_assert (is_as_said (&anna));
  ck_assert (! write_said (&found, &anna));
  ck_assert_int_eq (memberships (1), 2);
  said = with_groups (anna, NULL, 0);
  ck_assert (! is_as_said (&said));
  ck_assert (write_said (&found, &said));
  ck_assert_int_eq (memberships (1), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account_group"), 3);
  ck_assert_int_eq (accounts_version (), version + 2);
}
END_TEST

START_TEST (keeps_what_an_administrator_did)
{
  struct slice groups[] = { SLICE ("ml"), SLICE ("ops") };
  struct store_federated said = with_groups (anna, groups, 2);
  struct store_account_found found;
  enum store_group_found result;
  struct err err = { 0 };

  (void)write_said (&found, &anna);
  accounts_make_group ("ml");
  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_account_group_add (&result, database.connection, SLICE ("ml"), SLICE ("anna"), &accounts_who,
                                             database.arena, &err),
                    ERR_OK);
  (void)write_said (&found, &said);
  ck_assert_int_eq (memberships (0), 1);
  ck_assert_int_eq (memberships (1), 1);
  said = with_groups (anna, NULL, 0);
  (void)write_said (&found, &said);
  ck_assert_int_eq (memberships (0), 1);
  ck_assert_int_eq (memberships (1), 0);
}
END_TEST

START_TEST (makes_and_unmakes_administrators)
{
  struct slice groups[] = { SLICE ("admins") };
  struct store_federated said = with_groups (anna, groups, 1);
  struct store_account_found found;
  int64_t version;

  said.has_admin = true;
  said.is_admin = true;
  (void)write_said (&found, &said);
  ck_assert (found.is_admin);
  version = accounts_version ();

  /* Nothing is said of it. */
  (void)write_said (&found, &anna);
  ck_assert (found.is_admin);
  ck_assert_int_eq (accounts_version (), version);

  said = with_groups (anna, NULL, 0);
  said.has_admin = true;
  ck_assert (! is_as_said (&said));
  ck_assert (write_said (&found, &said));
  ck_assert (! found.is_admin);
  ck_assert_int_eq (accounts_version (), version + 1);
  ck_assert_int_eq (
      entries_of ("user.update", "user:anna", "{\"before\": {\"is_admin\": true}, \"after\": {\"is_admin\": false}}"),
      1);
  said.is_admin = true;
  ck_assert (write_said (&found, &said));
  ck_assert (found.is_admin);
}
END_TEST

/* --- at the same time --------------------------------------------------------------------------------------------- */

static void *
come (void *context)
{
  struct slice groups[] = { SLICE ("a"), SLICE ("b"), SLICE ("c"), SLICE ("d") };
  struct store_federated said = with_groups (anna, groups, 4);
  struct store_connection *connection = database_connect ();
  struct arena *arena = arena_new ((size_t)1024 * 1024);
  struct err err = { 0 };
  bool changed;
  enum err_code code;

  store_start_request (connection, 0);
  code = store_federated_write (context, &changed, connection, &said, arena, &err);
  ck_assert_msg (ERR_OK == code, "%s: %s", err.message, err.cause);
  store_connection_free (connection);
  return arena;
}

START_TEST (comes_in_many_at_once)
{
  struct store_account_found found[THREADS];
  pthread_t threads[THREADS];

  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, come, &found[i]), 0);
  for (size_t i = 0; i < THREADS; i++)
  {
    void *arena = NULL;

    ck_assert_int_eq (pthread_join (threads[i], &arena), 0);
    arena_free (arena);
  }
  for (size_t i = 1; i < THREADS; i++)
    ck_assert_int_eq (found[i].account_id, found[0].account_id);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE subject = 's-1'"), 1);
  ck_assert_int_eq (memberships (1), 4);
  ck_assert_int_eq (
      database_number ("SELECT count(*) FROM audit WHERE action = 'user.create' AND object = 'user:anna'"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit WHERE action = 'group.add'"), 4);
}
END_TEST

/* --- logins at the provider --------------------------------------------------------------------------------------- */

static struct store_login_attempt
attempt_of (unsigned char state, int64_t expires_at_ms)
{
  return (struct store_login_attempt){ .state = { { state } },
                                       .browser = { { 9 } },
                                       .nonce = SLICE ("nonce"),
                                       .verifier = SLICE ("verifier"),
                                       .next_path = SLICE ("/#/runs"),
                                       .expires_at_ms = expires_at_ms };
}

static enum err_code
take (struct store_login_attempt *attempt, unsigned char state, unsigned char browser, int64_t now_ms)
{
  struct digest state_digest = { { state } };
  struct digest browser_digest = { { browser } };

  store_start_request (database.connection, 0);
  return store_login_attempt_take (attempt, database.connection, &state_digest, &browser_digest, now_ms, database.arena,
                                   NULL);
}

START_TEST (takes_attempts_once)
{
  struct store_login_attempt attempt = attempt_of (1, 1000);
  struct err err = { 0 };

  ck_assert_int_eq (store_login_attempt_add (database.connection, &attempt, 0, &err), ERR_OK);
  ck_assert_int_eq (take (&attempt, 2, 9, 0), ERR_RESOURCE_DOES_NOT_EXIST);
  /* Another browser does not even use it up. */
  ck_assert_int_eq (take (&attempt, 1, 8, 0), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (take (&attempt, 1, 9, 999), ERR_OK);
  ck_assert (slice_is (attempt.nonce, "nonce") && slice_is (attempt.verifier, "verifier"));
  ck_assert (slice_is (attempt.next_path, "/#/runs"));
  ck_assert_int_eq (take (&attempt, 1, 9, 0), ERR_RESOURCE_DOES_NOT_EXIST);
  attempt = attempt_of (1, 1000);
  ck_assert_int_eq (store_login_attempt_add (database.connection, &attempt, 0, &err), ERR_OK);
  ck_assert_int_eq (take (&attempt, 1, 9, 1000), ERR_RESOURCE_DOES_NOT_EXIST);
}
END_TEST

START_TEST (sweeps_attempts)
{
  struct err err = { 0 };

  for (unsigned char i = 0; i < 10; i++)
  {
    struct store_login_attempt attempt = attempt_of (i, i < 5 ? 1000 : 2000);

    ck_assert_int_eq (store_login_attempt_add (database.connection, &attempt, 0, &err), ERR_OK);
  }
  {
    struct store_login_attempt attempt = attempt_of (10, 3000);

    ck_assert_int_eq (store_login_attempt_add (database.connection, &attempt, 1000, &err), ERR_OK);
  }
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_attempt"), 6);
}
END_TEST

Suite *federated_suite (void);

Suite *
federated_suite (void)
{
  Suite *suite = suite_create ("federated");
  TCase *accounts = tcase_create ("accounts");

  tcase_add_checked_fixture (accounts, open, database_close);
  tcase_set_timeout (accounts, 60);
  tcase_add_test (accounts, makes_an_account_once);
  tcase_add_test (accounts, never_takes_an_account_of_another);
  tcase_add_test (accounts, fits_long_names);
  tcase_add_test (accounts, leaves_disabled_accounts_alone);
  tcase_add_test (accounts, follows_groups);
  tcase_add_test (accounts, keeps_what_an_administrator_did);
  tcase_add_test (accounts, makes_and_unmakes_administrators);
  tcase_add_test (accounts, comes_in_many_at_once);
  tcase_add_test (accounts, takes_attempts_once);
  tcase_add_test (accounts, sweeps_attempts);
  suite_add_tcase (suite, accounts);
  return suite;
}
