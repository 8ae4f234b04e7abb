/* Tests of passwords over the database: the first administrator, who a name and password stand for, and how guessing is
   slowed down. */
#include "accounts.h"

#include "../fuzz/defaults.h"
#include "access/backoff.h"
#include "access/password.h"
#include "base/clock.h"
#include "store/account.h"

#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#define RIGHT SLICE ("correct horse")
#define HERE SLICE ("192.0.2.1")
#define THERE SLICE ("192.0.2.2")
/* The first wait of who guesses. */
#define FIRST_WAIT_US 1000000
/* A password costs more processor time than this; a unit test sees to it. */
#define HASH_US 20000

static struct access *control;
static struct err err;

static struct config
settings (void)
{
  struct config config = default_config;

  config.auth = true;
  config.database_url = database.config.database_url;
  return config;
}

/* --- the first administrator -------------------------------------------------------------------------------------- */

static enum err_code
bootstrap (const struct config *config)
{
  err_clear (&err);
  store_start_request (database.connection, 0);
  return password_bootstrap (database.connection, config, &err);
}

static int64_t
count_bootstraps (void)
{
  return database_number (
      "SELECT count(*) FROM audit WHERE action = 'bootstrap' AND object = 'user:admin' AND method = 6"
      " AND actor = '' AND account_id IS NULL AND address = '' AND NOT refused"
      " AND detail = '{\"after\": {\"is_admin\": true, \"is_service\": false}}'");
}

START_TEST (tells_how_to_make_an_administrator)
{
  struct config config = settings ();

  accounts_make ("anna", false);
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "tallyd user add NAME --admin"));
  ck_assert_ptr_nonnull (strstr (err.message, "TALLY_BOOTSTRAP_PASSWORD"));
  /* One who is disabled cannot make another. */
  database_run ("UPDATE account SET is_admin = true, disabled_at_ms = 1");
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  database_run ("UPDATE account SET disabled_at_ms = NULL");
  ck_assert_int_eq (bootstrap (&config), ERR_OK);
}
END_TEST

START_TEST (makes_the_first_administrator_once)
{
  struct config config = settings ();

  config.bootstrap_password = (char *)"correct horse";
  ck_assert_int_eq (bootstrap (&config), ERR_OK);
  ck_assert_int_eq (count_bootstraps (), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE username = 'admin' AND is_admin"
                                     " AND NOT is_service AND disabled_at_ms IS NULL AND password LIKE 'scrypt$%%'"),
                    1);
  /* Later starts do not even look at the setting. */
  config.bootstrap_password = (char *)"short";
  ck_assert_int_eq (bootstrap (&config), ERR_OK);
  ck_assert_int_eq (count_bootstraps (), 1);
}
END_TEST

START_TEST (reads_the_password_from_a_file)
{
  char path[] = "/tmp/tally-bootstrap-XXXXXX";
  struct config config = settings ();
  int fd = mkstemp (path);

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq ((int)write (fd, "correct horse\n", 14), 14);
  close (fd);
  config.bootstrap_password_file = (char *)"/nowhere/at/all";
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  config.bootstrap_password_file = path;
  config.bootstrap_password = (char *)"correct horse";
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "not both"));
  config.bootstrap_password = (char *)"";
  ck_assert_int_eq (bootstrap (&config), ERR_OK);
  unlink (path);
  ck_assert_int_eq (count_bootstraps (), 1);
}
END_TEST

START_TEST (refuses_poor_settings)
{
  struct config config = settings ();

  config.bootstrap_password = (char *)"short";
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  config.bootstrap_password = (char *)"correct horse";
  config.bootstrap_admin = (char *)"";
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  config.bootstrap_admin = (char *)"a:b";
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account"), 0);
}
END_TEST

START_TEST (raises_nobody)
{
  struct config config = settings ();

  accounts_make ("admin", false);
  config.bootstrap_password = (char *)"correct horse";
  ck_assert_int_eq (bootstrap (&config), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "bootstrap-admin"));
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE is_admin OR password IS NOT NULL"), 0);
}
END_TEST

/* --- who a password stands for ------------------------------------------------------------------------------------ */

/* A text of the right password that is made fast, with parameters of another day. */
static const char *
old_text (void)
{
  struct digest salt = { { 7 } };
  struct digest hash;
  char salt_text[DIGEST_TEXT_BYTES];
  char hash_text[DIGEST_TEXT_BYTES];

  ck_assert_int_eq (EVP_PBE_scrypt ("correct horse", strlen ("correct horse"), salt.bytes, sizeof (salt.bytes), 16, 8,
                                    1, 0, hash.bytes, sizeof (hash.bytes)),
                    1);
  digest_format (salt_text, &salt);
  digest_format (hash_text, &hash);
  return arena_printf (database.arena, "scrypt$4$8$1$%s$%s", salt_text, hash_text);
}

static void
start (void)
{
  static struct config config;

  database_open_migrated ();
  config = settings ();
  accounts_make ("root", true);
  accounts_make ("anna", false);
  database_run ("UPDATE account SET password = '%s' WHERE username = 'anna'", old_text ());
  err_clear (&err);
  ck_assert_msg (ERR_OK == access_start (&control, database.store, &config, &err), "%s", err.message);
}

static void
stop (void)
{
  access_stop (control);
  database_close ();
}

static enum err_code
identify (struct access_identity *identity, struct slice username, struct slice password, struct slice address)
{
  struct credential credential;

  err_clear (&err);
  store_start_request (database.connection, 0);
  ck_assert_int_eq (credential_of_password (&credential, username, password, database.arena, &err), ERR_OK);
  return password_identify (identity, control, database.connection, &credential, address, database.arena, &err);
}

static const char *
stored (void)
{
  struct store_account_found found;
  struct err ignored = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_access_by_name (&found, database.connection, SLICE ("anna"), database.arena, &ignored),
                    ERR_OK);
  return arena_string (database.arena, found.password);
}

START_TEST (knows_who_it_is)
{
  struct access_identity identity;

  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  ck_assert_int_eq (identity.account_id, database_number ("SELECT account_id FROM account WHERE username = 'anna'"));
  ck_assert (slice_is (identity.username, "anna"));
  ck_assert (! identity.is_admin && ! identity.is_service);
  ck_assert_int_eq (identity.method, ACCESS_BY_PASSWORD);
  ck_assert_int_eq (identity.most.level, ACCESS_MANAGE);
  ck_assert_uint_eq (identity.most.actions, ACCESS_ALL_ACTIONS);
  ck_assert_int_eq (identity.token_id, 0);
}
END_TEST

START_TEST (renews_an_old_text)
{
  struct access_identity identity;
  const char *before = stored ();
  const char *after;
  int64_t version = accounts_version ();

  ck_assert (password_is_old (slice_of (before)));
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), SLICE ("wrong"), HERE), ERR_UNAUTHENTICATED);
  ck_assert_str_eq (stored (), before);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  after = stored ();
  ck_assert_str_ne (after, before);
  ck_assert (! password_is_old (slice_of (after)));
  /* It is no change of anybody's rights. */
  ck_assert_int_eq (accounts_version (), version);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  ck_assert_str_eq (stored (), after);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), SLICE ("wrong"), HERE), ERR_UNAUTHENTICATED);
}
END_TEST

START_TEST (says_the_same_to_all_who_are_wrong)
{
  const struct
  {
    struct slice username;
    struct slice password;
  } cases[] = {
    { SLICE ("anna"), SLICE ("wrong") }, { SLICE ("nobody"), RIGHT },
    { SLICE (""), SLICE ("") },          { SLICE ("root"), SLICE ("") }, /* has no password */
    { SLICE ("Anna"), RIGHT },           { SLICE ("gone"), RIGHT }, /* disabled */
  };
  struct access_identity identity;

  accounts_make ("gone", false);
  database_run ("UPDATE account SET disabled_at_ms = 1, password = '%s' WHERE username = 'gone'", old_text ());
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_int_eq (identify (&identity, cases[i].username, cases[i].password, HERE), ERR_UNAUTHENTICATED);
    ck_assert_str_eq (err.message, "The user name or the password is wrong.");
    ck_assert_str_eq (err.cause, "");
  }
}
END_TEST

/* A wrong password that was not tried before. */
static struct slice
wrong (void)
{
  static unsigned number;

  return slice_of (arena_printf (database.arena, "wrong %u", number++));
}

/* Processor time of this thread: what others do to the machine is not in it. */
static uint64_t
spent_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Guess until it is refused, and count what was not. After five failures only who has waited may go on. */
static int
guess (void)
{
  struct access_identity identity;
  uint64_t begin_us = 0;

  for (int tries = 0; tries < 20; tries++)
  {
    uint64_t before_us = begin_us;

    begin_us = clock_monotonic_us ();
    if (ERR_UNAUTHENTICATED != identify (&identity, SLICE ("anna"), wrong (), HERE))
      return tries;
    if (tries >= 5)
      ck_assert_uint_ge (clock_monotonic_us () - before_us, FIRST_WAIT_US);
  }
  return 20;
}

/* So many failures that the wait is longer than any test. */
static void
fail_often (void)
{
  for (unsigned char i = 0; i < 8; i++)
    backoff_failed (access_backoff (control), SLICE ("anna"), HERE, &(struct digest){ { i } }, SLICE ("stored"),
                    clock_monotonic_us ());
}

START_TEST (slows_guessing_down)
{
  struct access_identity identity;
  uint64_t begin_us;
  int tries;

  /* Another address knows the password by now; it is not concerned. */
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, THERE), ERR_OK);
  tries = guess ();
  ck_assert_int_ge (tries, 5);
  ck_assert_int_eq (err.code, ERR_REQUEST_LIMIT_EXCEEDED);
  if (5 == tries)
    ck_assert_uint_eq (err.retry_after_s, 1);
  fail_often ();
  begin_us = spent_us ();
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), wrong (), HERE), ERR_REQUEST_LIMIT_EXCEEDED);
  /* Nothing is hashed. */
  ck_assert_uint_lt (spent_us () - begin_us, HASH_US);
  /* The right one, known though it is, would otherwise stand out from the guesses. */
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_REQUEST_LIMIT_EXCEEDED);
  ck_assert_int_eq (identify (&identity, SLICE ("nobody"), RIGHT, HERE), ERR_UNAUTHENTICATED);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), wrong (), THERE), ERR_UNAUTHENTICATED);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, THERE), ERR_OK);
}
END_TEST

START_TEST (leaves_an_old_program_alone)
{
  struct access_identity identity;
  uint64_t begin_us;

  /* It sends the password of before for days; she logs in beside it. */
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), SLICE ("of before"), HERE), ERR_UNAUTHENTICATED);
  for (int i = 0; i < 100; i++)
    ck_assert_int_eq (identify (&identity, SLICE ("anna"), SLICE ("of before"), HERE), ERR_UNAUTHENTICATED);
  /* Which makes her password one that takes its time. */
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  begin_us = spent_us ();
  for (int i = 0; i < 100; i++)
    ck_assert_int_eq (identify (&identity, SLICE ("anna"), SLICE ("of before"), HERE), ERR_UNAUTHENTICATED);
  ck_assert_uint_lt (spent_us () - begin_us, 100 * HASH_US / 2);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  /* It is looked at again once it could be right. */
  database_run ("UPDATE account SET password = NULL WHERE username = 'anna'");
  for (int i = 0; i < 10; i++)
    ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_UNAUTHENTICATED);
  database_run ("UPDATE account SET password = '%s' WHERE username = 'anna'", old_text ());
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
}
END_TEST

START_TEST (opens_again)
{
  struct access_identity identity;
  uint64_t begin_us = 0;
  enum err_code code;

  for (int i = 0; i < 5; i++)
  {
    begin_us = clock_monotonic_us ();
    ck_assert_int_eq (identify (&identity, SLICE ("anna"), wrong (), HERE), ERR_UNAUTHENTICATED);
  }
  code = identify (&identity, SLICE ("anna"), RIGHT, HERE);
  ck_assert (ERR_REQUEST_LIMIT_EXCEEDED == code || clock_monotonic_us () - begin_us >= FIRST_WAIT_US);
  usleep (FIRST_WAIT_US);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
}
END_TEST

/* What is remembered of a right password holds for the text that it was checked with. */
START_TEST (forgets_a_password_that_was_changed)
{
  const struct store_account_change change = { .password = slice_of (old_text ()) };
  struct access_identity identity;

  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  database_run ("UPDATE account SET password = NULL WHERE username = 'anna'");
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_UNAUTHENTICATED);
  ck_assert_int_eq (
      store_account_update (database.connection, SLICE ("anna"), &change, 2000, &accounts_who, database.arena, &err),
      ERR_OK);
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_OK);
  database_run ("UPDATE account SET disabled_at_ms = 1 WHERE username = 'anna'");
  ck_assert_int_eq (identify (&identity, SLICE ("anna"), RIGHT, HERE), ERR_UNAUTHENTICATED);
}
END_TEST

Suite *login_suite (void);

Suite *
login_suite (void)
{
  Suite *suite = suite_create ("login");
  TCase *first = tcase_create ("first administrator");
  TCase *who = tcase_create ("who it is");

  tcase_add_checked_fixture (first, database_open_migrated, database_close);
  tcase_set_timeout (first, 60);
  tcase_add_test (first, tells_how_to_make_an_administrator);
  tcase_add_test (first, makes_the_first_administrator_once);
  tcase_add_test (first, reads_the_password_from_a_file);
  tcase_add_test (first, refuses_poor_settings);
  tcase_add_test (first, raises_nobody);
  suite_add_tcase (suite, first);

  tcase_add_checked_fixture (who, start, stop);
  /* A dozen hashes, each ten times slower under a sanitizer. */
  tcase_set_timeout (who, 120);
  tcase_add_test (who, knows_who_it_is);
  tcase_add_test (who, renews_an_old_text);
  tcase_add_test (who, says_the_same_to_all_who_are_wrong);
  tcase_add_test (who, slows_guessing_down);
  tcase_add_test (who, leaves_an_old_program_alone);
  tcase_add_test (who, opens_again);
  tcase_add_test (who, forgets_a_password_that_was_changed);
  suite_add_tcase (suite, who);
  return suite;
}
