/* Tests of logins over the database: what begins and ends one, and what it leaves in the audit trail. */
#include "accounts.h"

#include "store/access.h"
#include "store/session.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>

static int64_t anna;

static void
open (void)
{
  database_open_migrated ();
  anna = accounts_make ("anna", false);
}

static struct digest
digest_from (const char *cookie)
{
  struct digest digest;

  ck_assert (digest_of (&digest, slice_of (cookie)));
  return digest;
}

/* Log in with a cookie that lasts until 5000, at 1000; `replaced` may be NULL. */
static enum err_code
begin (const char *cookie, const char *replaced)
{
  struct store_audit entry = accounts_who;
  struct digest old = digest_from (NULL == replaced ? "" : replaced);
  const struct store_new_session fresh = { .sha256 = digest_from (cookie),
                                           .account_id = anna,
                                           .expires_at_ms = 5000,
                                           .address = SLICE ("192.0.2.7"),
                                           .replaced = NULL == replaced ? NULL : &old };
  struct err err = { 0 };

  entry.action = SLICE ("login");
  entry.object = SLICE ("user:anna");
  store_start_request (database.connection, 0);
  return store_session_create (database.connection, &fresh, 1000, &entry, &err);
}

static enum err_code
end (const char *cookie)
{
  struct store_audit entry = accounts_who;
  struct digest sha256 = digest_from (cookie);
  struct err err = { 0 };

  entry.action = SLICE ("logout");
  entry.object = SLICE ("user:anna");
  store_start_request (database.connection, 0);
  return store_session_delete (database.connection, &sha256, &entry, &err);
}

static enum err_code
find (struct store_account_found *found, const char *cookie)
{
  struct digest sha256 = digest_from (cookie);
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  return store_access_by_session (found, database.connection, &sha256, database.arena, &err);
}

START_TEST (begins_and_ends)
{
  int64_t version = accounts_version ();
  struct store_account_found found;

  ck_assert_int_eq (begin ("one", NULL), ERR_OK);
  ck_assert_int_eq (accounts_version (), version);
  ck_assert_int_eq (accounts_entries ("login", "user:anna", "{}"), 1);
  ck_assert_int_eq (database_number ("SELECT last_login_at_ms FROM account WHERE username = 'anna'"), 1000);
  ck_assert_int_eq (
      database_number ("SELECT count(*) FROM login_session WHERE created_at_ms = 1000 AND address = '192.0.2.7'"), 1);
  ck_assert_int_eq (find (&found, "one"), ERR_OK);
  ck_assert_int_eq (found.account_id, anna);
  ck_assert (found.expires_at_ms.present);
  ck_assert_int_eq (found.expires_at_ms.value, 5000);
  ck_assert_int_eq (find (&found, "two"), ERR_RESOURCE_DOES_NOT_EXIST);

  ck_assert_int_eq (end ("two"), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (accounts_version (), version);
  ck_assert_int_eq (accounts_entries ("logout", "user:anna", "{}"), 0);
  ck_assert_int_eq (end ("one"), ERR_OK);
  ck_assert_int_eq (accounts_version (), version + 1);
  ck_assert_int_eq (accounts_entries ("logout", "user:anna", "{}"), 1);
  ck_assert_int_eq (find (&found, "one"), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (end ("one"), ERR_RESOURCE_DOES_NOT_EXIST);
}
END_TEST

START_TEST (ends_the_one_before)
{
  struct store_account_found found;
  int64_t version;

  ck_assert_int_eq (begin ("one", NULL), ERR_OK);
  ck_assert_int_eq (begin ("other browser", NULL), ERR_OK);
  version = accounts_version ();
  ck_assert_int_eq (begin ("two", "one"), ERR_OK);
  ck_assert_int_eq (accounts_version (), version + 1);
  ck_assert_int_eq (find (&found, "one"), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (find (&found, "two"), ERR_OK);
  ck_assert_int_eq (find (&found, "other browser"), ERR_OK);
  /* A cookie that is none makes nobody forget anything. */
  ck_assert_int_eq (begin ("three", "one"), ERR_OK);
  ck_assert_int_eq (accounts_version (), version + 1);
}
END_TEST

START_TEST (lets_in_who_may_still)
{
  struct store_account_found found;

  database_run ("UPDATE account SET disabled_at_ms = 1 WHERE account_id = %lld", (long long)anna);
  ck_assert_int_eq (begin ("one", NULL), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (find (&found, "one"), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (accounts_entries ("login", "user:anna", "{}"), 0);
  ck_assert_int_eq (database_number ("SELECT count(last_login_at_ms) FROM account"), 0);
  database_run ("DELETE FROM account WHERE account_id = %lld", (long long)anna);
  ck_assert_int_eq (begin ("one", NULL), ERR_RESOURCE_DOES_NOT_EXIST);
}
END_TEST

START_TEST (removes_what_has_expired)
{
  struct store_account_found found;

  database_run ("INSERT INTO login_session SELECT sha256(i::text::bytea), %lld, 0, CASE WHEN i <= 2500 THEN i - 2000"
                " ELSE 1001 END, '' FROM generate_series(1, 2600) AS i",
                (long long)anna);
  ck_assert_int_eq (begin ("one", NULL), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session"), 1601);
  ck_assert_int_eq (database_number ("SELECT min(expires_at_ms) FROM login_session"), -999);
  ck_assert_int_eq (begin ("two", NULL), ERR_OK);
  ck_assert_int_eq (begin ("three", NULL), ERR_OK);
  /* Those that end after the time of the login stay. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session"), 103);
  ck_assert_int_eq (find (&found, "2600"), ERR_OK);
}
END_TEST

/* Whoever disables the account at the same moment ends the session, or comes first and there is none. */
static void *
disable (void *context)
{
  struct store_connection *connection = database_connect ();
  struct err err = { 0 };

  (void)context;
  store_start_request (connection, 0);
  ck_assert_int_eq (store_script (connection,
                                  "BEGIN; UPDATE account SET disabled_at_ms = 1; DELETE FROM login_session; COMMIT",
                                  &err),
                    ERR_OK);
  store_connection_free (connection);
  return NULL;
}

START_TEST (leaves_nobody_in_who_was_disabled)
{
  char cookie[32];

  for (int i = 0; i < 30; i++)
  {
    pthread_t thread;

    database_run ("UPDATE account SET disabled_at_ms = NULL");
    ck_assert_int_eq (pthread_create (&thread, NULL, disable, NULL), 0);
    snprintf (cookie, sizeof (cookie), "%d", i);
    (void)begin (cookie, NULL);
    ck_assert_int_eq (pthread_join (thread, NULL), 0);
    ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session"), 0);
  }
}
END_TEST

Suite *session_suite (void);

Suite *
session_suite (void)
{
  Suite *suite = suite_create ("session");
  TCase *test_case = tcase_create ("session");

  tcase_add_checked_fixture (test_case, open, database_close);
  tcase_set_timeout (test_case, 60);
  tcase_add_test (test_case, begins_and_ends);
  tcase_add_test (test_case, ends_the_one_before);
  tcase_add_test (test_case, lets_in_who_may_still);
  tcase_add_test (test_case, removes_what_has_expired);
  tcase_add_test (test_case, leaves_nobody_in_who_was_disabled);
  suite_add_tcase (suite, test_case);
  return suite;
}
