/* Tests of accounts, groups and tokens over the database: what a change does, what it writes into the audit trail, and
   that an administrator is always left. */
#include "accounts.h"

#include "store/account.h"
#include "store/account_group.h"
#include "store/api_token.h"

#include <check.h>
#include <pthread.h>
#include <unistd.h>

#define YES                                                                                                            \
  {                                                                                                                    \
    true, 1                                                                                                            \
  }
#define NO                                                                                                             \
  {                                                                                                                    \
    true, 0                                                                                                            \
  }

static const struct store_account_change demote = { .is_admin = NO };
static const struct store_account_change disable = { .disabled = YES };

static enum err_code
update (const char *username, const struct store_account_change *change)
{
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  return store_account_update (database.connection, slice_of (username), change, 2000, &accounts_who, database.arena,
                               &err);
}

static enum err_code delete (const char *username) {
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  return store_account_delete (database.connection, slice_of (username), &accounts_who, database.arena, &err);
}

static void
open (void)
{
  database_open_migrated ();
  accounts_make ("root", true);
}

/* --- accounts ---------------------------------------------------------------------------------------------------- */

START_TEST (makes_and_reads)
{
  const struct store_new_account fresh = {
    .username = SLICE ("ann"), .password = SLICE ("scrypt$x"), .issuer = SLICE ("https://i"), .subject = SLICE ("7")
  };
  const struct store_new_account same_subject = { .username = SLICE ("other"),
                                                  .issuer = SLICE ("https://i"),
                                                  .subject = SLICE ("7") };
  int64_t version = accounts_version ();
  struct store_account account;
  struct result result = { NULL };
  struct err err = { 0 };
  int64_t account_id = 0;

  ck_assert_int_eq (
      store_account_create (&account_id, database.connection, &fresh, 1234, &accounts_who, database.arena, &err),
      ERR_OK);
  ck_assert_int_eq (store_account_get (&account, &result, database.connection, SLICE ("ann"), &err), ERR_OK);
  ck_assert_int_eq (account.account_id, account_id);
  ck_assert (! account.is_admin && ! account.is_service && ! account.disabled_at_ms.present);
  ck_assert (slice_is (account.login, "password") && ! account.last_login_at_ms.present);
  ck_assert_int_eq (account.created_at_ms, 1234);
  ck_assert (slice_is (account.groups, "[]"));
  result_free (&result);
  ck_assert_int_eq (
      store_account_create (&account_id, database.connection, &fresh, 1, &accounts_who, database.arena, &err),
      ERR_RESOURCE_ALREADY_EXISTS);
  ck_assert_int_eq (
      store_account_create (&account_id, database.connection, &same_subject, 1, &accounts_who, database.arena, &err),
      ERR_RESOURCE_ALREADY_EXISTS);
  ck_assert_str_eq (err.message, "");
  ck_assert_int_eq (store_account_get (&account, &result, database.connection, SLICE ("nobody"), &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  result_free (&result);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit WHERE action = 'user.create'"), 2);
  ck_assert_int_eq (accounts_entries ("user.create", "user:ann",
                                      "{\"after\": {\"is_admin\": false, \"is_service\": false,"
                                      " \"issuer\": \"https://i\"}}"),
                    1);
  ck_assert_int_eq (accounts_version (), version);
}
END_TEST

/* How an account logs in: what of it is there decides. */
START_TEST (says_how_one_logs_in)
{
  const struct
  {
    const char *issuer; /* NULL: none */
    const char *password;
    const char *login;
  } cases[] = { { "https://i", NULL, "oidc" },
                { STORE_ISSUER_PROXY, NULL, "proxy" },
                { NULL, "scrypt$x", "password" },
                { NULL, NULL, "none" },
                { "https://i", "scrypt$x", "password" } };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice username = slice_of (arena_printf (database.arena, "somebody-%zu", i));
    const struct store_new_account fresh = { .username = username,
                                             .password = slice_of (cases[i].password),
                                             .issuer = slice_of (cases[i].issuer),
                                             .subject = NULL == cases[i].issuer ? slice_of (NULL) : username };
    struct store_account account;
    struct result result = { NULL };
    struct err err = { 0 };
    int64_t account_id;

    ck_assert_int_eq (
        store_account_create (&account_id, database.connection, &fresh, 1, &accounts_who, database.arena, &err),
        ERR_OK);
    ck_assert_int_eq (store_account_get (&account, &result, database.connection, username, &err), ERR_OK);
    ck_assert_msg (slice_is (account.login, cases[i].login), "%zu: %.*s", i, SLICE_ARG (account.login));
    result_free (&result);
  }
}
END_TEST

START_TEST (changes_what_is_named)
{
  const struct store_account_change quotas = { .requests_per_s = { true, 5 }, .bytes_per_day = { true, 0 } };
  const struct store_account_change no_quota = { .requests_per_s = { true, -1 }, .is_admin = YES };
  const struct store_account_change nothing = { 0 };
  int64_t version = accounts_version ();

  accounts_make ("ann", false);
  ck_assert_int_eq (update ("ann", &quotas), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT requests_per_s * 10 + bytes_per_day FROM account WHERE username = 'ann'"),
                    50);
  ck_assert_int_eq (accounts_entries ("user.update", "user:ann",
                                      "{\"before\": {}, \"after\": {\"requests_per_s\": 5, \"bytes_per_day\": 0}}"),
                    1);
  ck_assert_int_eq (update ("ann", &no_quota), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE username = 'ann' AND is_admin"
                                     " AND requests_per_s IS NULL AND bytes_per_day = 0"),
                    1);
  ck_assert_int_eq (
      accounts_entries ("user.update", "user:ann",
                        "{\"before\": {\"is_admin\": false, \"requests_per_s\": 5}, \"after\": {\"is_admin\": true}}"),
      1);
  ck_assert_int_eq (accounts_version (), version + 2);
  ck_assert_int_eq (update ("ann", &nothing), ERR_OK);
  ck_assert_int_eq (accounts_version (), version + 2);
  ck_assert_int_eq (update ("nobody", &quotas), ERR_RESOURCE_DOES_NOT_EXIST);
}
END_TEST

/* Two sessions of ann's, with digests of 01 and 02 bytes. */
static void
open_sessions (int64_t account_id)
{
  database_run (
      "DELETE FROM login_session; INSERT INTO login_session (sha256, account_id, created_at_ms, expires_at_ms,"
      " address) SELECT decode(repeat(h, 32), 'hex'), %d, 1, 2, '' FROM (VALUES ('01'), ('02')) AS v (h)",
      (int)account_id);
}

START_TEST (ends_sessions)
{
  const struct digest kept = { { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } };
  const struct store_account_change password = { .password = SLICE ("scrypt$new") };
  const struct store_account_change keeping = { .password = SLICE ("scrypt$newer"), .kept_session = &kept };
  const struct store_account_change enable = { .disabled = NO };
  int64_t account_id = accounts_make ("ann", false);
  int64_t version = accounts_version ();
  struct err err = { 0 };
  bool changed;

  open_sessions (account_id);
  ck_assert_int_eq (update ("ann", &keeping), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session WHERE get_byte(sha256, 0) = 1"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session"), 1);
  open_sessions (account_id);
  ck_assert_int_eq (update ("ann", &password), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session"), 0);
  ck_assert_int_eq (accounts_entries ("user.password", "user:ann", "{}"), 2);
  /* Better parameters for the same password end nothing. */
  open_sessions (account_id);
  ck_assert_int_eq (store_account_rehash (&changed, database.connection, account_id, SLICE ("scrypt$new"),
                                          SLICE ("scrypt$better"), &err),
                    ERR_OK);
  ck_assert (changed);
  ck_assert_int_eq (store_account_rehash (&changed, database.connection, account_id, SLICE ("scrypt$new"),
                                          SLICE ("scrypt$best"), &err),
                    ERR_OK);
  ck_assert (! changed);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE password = 'scrypt$better'"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session"), 2);
  ck_assert_int_eq (accounts_version (), version + 2);
  /* Disabled is disabled since then, and sessions do not come back. */
  ck_assert_int_eq (update ("ann", &disable), ERR_OK);
  database_run ("UPDATE account SET disabled_at_ms = 7 WHERE username = 'ann'");
  ck_assert_int_eq (update ("ann", &disable), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT disabled_at_ms FROM account WHERE username = 'ann'"), 7);
  ck_assert_int_eq (update ("ann", &enable), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE disabled_at_ms IS NOT NULL"), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM login_session"), 0);
}
END_TEST

START_TEST (refuses_passwords_of_services)
{
  const struct store_new_account fresh = { .username = SLICE ("robot"), .is_service = true };
  const struct store_account_change password = { .password = SLICE ("scrypt$x"), .disabled = YES };
  struct err err = { 0 };
  int64_t account_id;

  ck_assert_int_eq (
      store_account_create (&account_id, database.connection, &fresh, 1, &accounts_who, database.arena, &err), ERR_OK);
  ck_assert_int_eq (update ("robot", &password), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE disabled_at_ms IS NOT NULL"), 0);
}
END_TEST

START_TEST (keeps_the_last_administrator)
{
  int64_t version = accounts_version ();
  int64_t entries = database_number ("SELECT count(*) FROM audit");

  ck_assert_int_eq (update ("root", &demote), ERR_RESOURCE_CONFLICT);
  ck_assert_int_eq (update ("root", &disable), ERR_RESOURCE_CONFLICT);
  ck_assert_int_eq (delete ("root"), ERR_RESOURCE_CONFLICT);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE is_admin AND disabled_at_ms IS NULL"), 1);
  ck_assert_int_eq (accounts_version (), version);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit"), entries);
  /* One who is disabled does not count. */
  accounts_make ("ann", true);
  ck_assert_int_eq (update ("ann", &disable), ERR_OK);
  ck_assert_int_eq (update ("root", &demote), ERR_RESOURCE_CONFLICT);
  ck_assert_int_eq (delete ("ann"), ERR_OK);
  accounts_make ("bob", true);
  ck_assert_int_eq (update ("root", &demote), ERR_OK);
  ck_assert_int_eq (delete ("bob"), ERR_RESOURCE_CONFLICT);
  ck_assert_int_eq (delete ("root"), ERR_OK);
  ck_assert_int_eq (
      accounts_entries ("user.delete", "user:root",
                        "{\"before\": {\"is_admin\": false, \"is_service\": false, \"disabled\": false}}"),
      1);
}
END_TEST

static void *
demote_bob (void *context)
{
  struct store_connection *connection = context;
  struct arena *arena = arena_new (1024 * 1024);
  static enum err_code code;
  struct err err = { 0 };

  store_start_request (connection, 0);
  code = store_account_update (connection, SLICE ("bob"), &demote, 2000, &accounts_who, arena, &err);
  arena_free (arena);
  return &code;
}

/* Of two who demote each other the second waits, and sees what the first did. */
START_TEST (keeps_one_of_two_who_go_at_once)
{
  struct store_connection *other = database_connect ();
  pthread_t thread;
  void *code;

  accounts_make ("bob", true);
  database_run ("BEGIN; UPDATE account SET is_admin = false WHERE username = 'root'");
  ck_assert_int_eq (pthread_create (&thread, NULL, demote_bob, other), 0);
  /* pg_stat_activity would show the same all through a transaction. */
  for (unsigned i = 0; i < 3000 && 0 == database_number ("SELECT count(*) FROM pg_locks WHERE NOT granted"); i++)
    usleep (10000);
  database_run ("COMMIT");
  ck_assert_int_eq (pthread_join (thread, &code), 0);
  ck_assert_int_eq (*(enum err_code *)code, ERR_RESOURCE_CONFLICT);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account WHERE is_admin"), 1);
  store_connection_free (other);
}
END_TEST

/* Names of a page, joined. */
static const char *
page (const char *search, const char *after, int64_t limit)
{
  struct store_account account;
  struct result result = { NULL };
  struct err err = { 0 };
  const char *names = "";

  ck_assert_int_eq (store_account_list (&result, database.connection, slice_of (search), slice_of (after), limit, &err),
                    ERR_OK);
  for (size_t i = 0; i < result_count (&result); i++)
  {
    ck_assert_int_eq (result_row (&account, &result, i, store_account_columns, STORE_ACCOUNT_COLUMNS, &err), ERR_OK);
    names =
        arena_printf (database.arena, "%s%.*s %.*s;", names, SLICE_ARG (account.username), SLICE_ARG (account.groups));
  }
  result_free (&result);
  return names;
}

START_TEST (lists_in_order)
{
  enum store_group_found found;
  struct err err = { 0 };

  accounts_make ("Zoe_1", false);
  accounts_make ("ann", false);
  accounts_make ("Änne", false);
  accounts_make_group ("ml");
  accounts_make_group ("a\"b");
  ck_assert_int_eq (store_account_group_add (&found, database.connection, SLICE ("ml"), SLICE ("ann"), &accounts_who,
                                             database.arena, &err),
                    ERR_OK);
  ck_assert_int_eq (store_account_group_add (&found, database.connection, SLICE ("a\"b"), SLICE ("ann"), &accounts_who,
                                             database.arena, &err),
                    ERR_OK);
  ck_assert_str_eq (page (NULL, NULL, 10), "Zoe_1 [];ann [\"a\\\"b\", \"ml\"];root [];Änne [];");
  ck_assert_str_eq (page (NULL, NULL, 2), "Zoe_1 [];ann [\"a\\\"b\", \"ml\"];");
  ck_assert_str_eq (page (NULL, "ann", 2), "root [];Änne [];");
  ck_assert_str_eq (page ("NN", NULL, 10), "ann [\"a\\\"b\", \"ml\"];Änne [];");
  ck_assert_str_eq (page ("_", NULL, 10), "Zoe_1 [];");
  ck_assert_str_eq (page ("%", NULL, 10), "");
}
END_TEST

/* --- groups ------------------------------------------------------------------------------------------------------ */

static enum store_group_found
add (const char *name, const char *username)
{
  enum store_group_found found;
  struct err err = { 0 };

  ck_assert_int_eq (store_account_group_add (&found, database.connection, slice_of (name), slice_of (username),
                                             &accounts_who, database.arena, &err),
                    ERR_OK);
  return found;
}

static enum store_group_found
take_out (const char *name, const char *username)
{
  enum store_group_found found;
  struct err err = { 0 };

  ck_assert_int_eq (store_account_group_remove (&found, database.connection, slice_of (name), slice_of (username),
                                                &accounts_who, database.arena, &err),
                    ERR_OK);
  return found;
}

START_TEST (keeps_groups)
{
  struct store_account_group group;
  struct store_group_member member;
  struct result result = { NULL };
  struct err err = { 0 };
  int64_t version;

  accounts_make ("ann", false);
  accounts_make_group ("ml");
  ck_assert_int_eq (
      store_account_group_create (database.connection, SLICE ("ml"), 1, &accounts_who, database.arena, &err),
      ERR_RESOURCE_ALREADY_EXISTS);
  version = accounts_version ();
  ck_assert_int_eq (add ("ml", "ann"), STORE_GROUP_CHANGED);
  ck_assert_int_eq (add ("ml", "ann"), STORE_GROUP_AS_BEFORE);
  ck_assert_int_eq (add ("ml", "nobody"), STORE_GROUP_ACCOUNT_MISSING);
  ck_assert_int_eq (add ("no group", "ann"), STORE_GROUP_MISSING);
  ck_assert_int_eq (accounts_version (), version + 1);
  ck_assert_int_eq (accounts_entries ("group.add", "group:ml", "{\"user\": \"ann\"}"), 1);
  ck_assert_int_eq (store_account_group_get (&group, &result, database.connection, SLICE ("ml"), &err), ERR_OK);
  ck_assert_int_eq (group.member_count, 1);
  ck_assert_int_eq (group.created_at_ms, 1000);
  ck_assert_int_eq (store_account_group_members (&result, database.connection, group.group_id, &err), ERR_OK);
  ck_assert_uint_eq (result_count (&result), 1);
  ck_assert_int_eq (result_row (&member, &result, 0, store_group_member_columns, STORE_GROUP_MEMBER_COLUMNS, &err),
                    ERR_OK);
  ck_assert (slice_is (member.username, "ann") && STORE_MEMBER_BY_ADMIN == member.source);
  result_free (&result);
  ck_assert_int_eq (take_out ("ml", "ann"), STORE_GROUP_CHANGED);
  ck_assert_int_eq (take_out ("ml", "ann"), STORE_GROUP_AS_BEFORE);
  ck_assert_int_eq (accounts_version (), version + 2);
  ck_assert_int_eq (add ("ml", "ann"), STORE_GROUP_CHANGED);
  ck_assert_int_eq (store_account_group_delete (database.connection, SLICE ("ml"), &accounts_who, database.arena, &err),
                    ERR_OK);
  ck_assert_int_eq (store_account_group_delete (database.connection, SLICE ("ml"), &accounts_who, database.arena, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (accounts_entries ("group.delete", "group:ml", "{\"before\": {\"member_count\": 1}}"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account_group_member"), 0);
  ck_assert_int_eq (accounts_version (), version + 4);
}
END_TEST

/* Who came in by a claim of the provider stays when an administrator says so. */
START_TEST (makes_members_stay)
{
  accounts_make ("ann", false);
  accounts_make_group ("ml");
  database_run ("INSERT INTO account_group_member (group_id, account_id, source) SELECT group_id, account_id, 1"
                " FROM account_group, account WHERE username = 'ann'");
  ck_assert_int_eq (add ("ml", "ann"), STORE_GROUP_CHANGED);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM account_group_member WHERE source = 0"), 1);
  ck_assert_int_eq (add ("ml", "ann"), STORE_GROUP_AS_BEFORE);
}
END_TEST

/* --- tokens ------------------------------------------------------------------------------------------------------ */

static int64_t
make_token (const char *username, unsigned char digest)
{
  const struct digest sha256 = { { digest } };
  const struct store_new_api_token fresh = { .username = slice_of (username),
                                             .name = SLICE ("ci"),
                                             .sha256 = &sha256,
                                             .hint = SLICE ("tly_abc"),
                                             .level = 3,
                                             .actions = 5,
                                             .expires_at_ms = { true, 5000 } };
  struct store_api_token token;
  struct err err = { 0 };
  enum err_code code =
      store_api_token_create (&token, database.connection, &fresh, 2000, &accounts_who, database.arena, &err);

  ck_assert_int_eq (code, ERR_RESOURCE_DOES_NOT_EXIST == code ? code : ERR_OK);
  ck_assert (ERR_OK != code || (slice_is (token.username, username) && 2000 == token.created_at_ms));
  return ERR_OK == code ? token.token_id : 0;
}

START_TEST (keeps_tokens)
{
  int64_t ann = accounts_make ("ann", false);
  int64_t bob = accounts_make ("bob", false);
  int64_t version = accounts_version ();
  int64_t token_id = make_token ("ann", 1);
  struct store_api_token token;
  struct result result = { NULL };
  struct err err = { 0 };

  ck_assert_int_ne (token_id, 0);
  ck_assert_int_ne (make_token ("ann", 2), 0);
  ck_assert_int_ne (make_token ("bob", 3), 0);
  ck_assert_int_eq (make_token ("nobody", 4), 0);
  ck_assert_int_eq (accounts_version (), version);
  ck_assert_int_eq (store_api_token_list (&result, database.connection, SLICE ("ann"), &err), ERR_OK);
  ck_assert_uint_eq (result_count (&result), 2);
  ck_assert_int_eq (result_row (&token, &result, 0, store_api_token_columns, STORE_API_TOKEN_COLUMNS, &err), ERR_OK);
  ck_assert_int_eq (token.token_id, token_id);
  ck_assert (slice_is (token.name, "ci") && slice_is (token.hint, "tly_abc") && 3 == token.level && 5 == token.actions);
  ck_assert (5000 == token.expires_at_ms.value && ! token.last_used_at_ms.present && ! token.is_admin);
  result_free (&result);
  ck_assert_int_eq (accounts_entries ("token.create", arena_printf (database.arena, "token:%d", (int)token_id),
                                      "{\"user\": \"ann\", \"after\": {\"name\": \"ci\", \"hint\": \"tly_abc\","
                                      " \"permission\": \"EDIT\", \"actions\": [\"promote\", \"delete\"],"
                                      " \"is_admin\": false, \"expires_at_ms\": 5000}}"),
                    1);
  /* Only of the account that is said. */
  ck_assert_int_eq (store_api_token_delete (database.connection, token_id, bob, &accounts_who, database.arena, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (store_api_token_delete (database.connection, token_id, ann, &accounts_who, database.arena, &err),
                    ERR_OK);
  ck_assert_int_eq (store_api_token_delete (database.connection, token_id, 0, &accounts_who, database.arena, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (store_api_token_delete (database.connection, token_id + 1, 0, &accounts_who, database.arena, &err),
                    ERR_OK);
  ck_assert_int_eq (accounts_version (), version + 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit WHERE action = 'token.delete'"
                                     " AND detail #>> '{before,permission}' = 'EDIT'"),
                    2);
  ck_assert_int_eq (delete ("bob"), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM api_token"), 0);
}
END_TEST

Suite *account_suite (void);

Suite *
account_suite (void)
{
  Suite *suite = suite_create ("account");
  TCase *accounts = tcase_create ("accounts");

  tcase_add_checked_fixture (accounts, open, database_close);
  tcase_set_timeout (accounts, 60);
  tcase_add_test (accounts, makes_and_reads);
  tcase_add_test (accounts, says_how_one_logs_in);
  tcase_add_test (accounts, changes_what_is_named);
  tcase_add_test (accounts, ends_sessions);
  tcase_add_test (accounts, refuses_passwords_of_services);
  tcase_add_test (accounts, keeps_the_last_administrator);
  tcase_add_test (accounts, keeps_one_of_two_who_go_at_once);
  tcase_add_test (accounts, lists_in_order);
  tcase_add_test (accounts, keeps_groups);
  tcase_add_test (accounts, makes_members_stay);
  tcase_add_test (accounts, keeps_tokens);
  suite_add_tcase (suite, accounts);
  return suite;
}
