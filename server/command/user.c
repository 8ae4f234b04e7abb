/* tallyd user and tallyd token: accounts and API tokens, for whoever may reach the database.

   DESIGN
   What is done stands first and names come right behind it; all else are flags, ours or those of the settings. Every
   change goes through the same functions as over HTTP, with its entry in the audit trail, and running daemons follow it
   within a second. No password is ever an argument, because everybody on a machine can read those. */
#include "command/user.h"

#include "access/credential.h"
#include "access/identity.h"
#include "access/password.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "command/command.h"
#include "command/prompt.h"
#include "store/account.h"
#include "store/api_token.h"
#include "store/migrate.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A password, its hash, and what the audit trail says. */
#define ARENA_BYTES ((size_t)1024 * 1024)
/* Time for the statements of a command. */
#define BUDGET_US ((uint64_t)60 * 1000000)
/* Rows of a list that are read at once. */
#define PAGE 500
#define DAY_MS ((int64_t)24 * 3600 * 1000)
/* A century; longer is never. */
#define MAX_DAYS 36500
/* First characters of a token that lists show: the prefix and as many as make a guess no easier. */
#define HINT_LEN 8
/* Names behind an action: a user, and a token. */
#define NAMES_MAX 2

/* What a command works with. */
struct work
{
  const struct config *config;
  struct store_connection *connection;
  struct arena *arena;
  struct store_audit who;
};

/* What the flags say; of the file, because commands get the settings only. */
static struct
{
  const struct action *action;
  struct slice names[NAMES_MAX]; /* absent when not given */
  bool is_admin;
  bool is_service;
  const char *password_file;
  const char *permission;
  const char *expires_days;
} flags;

/* --- printing ----------------------------------------------------------------------------------------------------- */

/* "2026-11-26 02:20", or what stands for no time. `text` holds 32 bytes. */
static const char *
time_text (char text[32], const struct optional_int64 *at_ms, const char *never)
{
  time_t seconds = (time_t)(at_ms->value / 1000);
  struct tm parts;

  if (! at_ms->present || NULL == gmtime_r (&seconds, &parts) || 0 == strftime (text, 32, "%Y-%m-%d %H:%M", &parts))
    return never;
  return text;
}

/* End a line with the names of a JSON array: "a, b", or "-" for none. */
static void
print_names (struct slice names)
{
  json_t *list = json_loadb (names.data, names.len, 0, NULL);
  size_t at;
  json_t *name;

  json_array_foreach (list, at, name) printf ("%s%s", 0 == at ? "" : ", ", json_string_value (name));
  printf ("%s\n", 0 == json_array_size (list) ? "-" : "");
  json_decref (list);
}

static void
print_account_heading (void)
{
  printf ("%-24s %-8s %-8s %-8s %-9s %-16s %s\n", "NAME", "ROLE", "KIND", "LOGIN", "STATE", "LAST LOGIN (UTC)",
          "GROUPS");
}

static void
print_account (const struct store_account *account)
{
  char text[32];

  printf ("%-24.*s %-8s %-8s %-8.*s %-9s %-16s ", SLICE_ARG (account->username), account->is_admin ? "admin" : "user",
          account->is_service ? "service" : "person", SLICE_ARG (account->login),
          account->disabled_at_ms.present ? "disabled" : "enabled",
          time_text (text, &account->last_login_at_ms, "never"));
  print_names (account->groups);
}

static void
print_token_heading (void)
{
  printf ("%-8s %-24s %-9s %-14s %-16s %-16s %s\n", "ID", "USER", "TOKEN", "PERMISSION", "EXPIRES (UTC)",
          "LAST USED (UTC)", "NAME");
}

static void
print_token (const struct store_api_token *token)
{
  char expires[32];
  char used[32];

  printf ("%-8" PRId64 " %-24.*s %.*s… %-14s %-16s %-16s %.*s\n", token->token_id, SLICE_ARG (token->username),
          SLICE_ARG (token->hint), access_level_name ((enum access_level)token->level),
          time_text (expires, &token->expires_at_ms, "never"), time_text (used, &token->last_used_at_ms, "never"),
          SLICE_ARG (token->name));
}

/* --- users -------------------------------------------------------------------------------------------------------- */

static enum err_code
no_such_user (struct err *err, struct slice username)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "there is no user '%.*s'", SLICE_ARG (username));
}

/* Ask for a new password, and hash it. */
static enum err_code
new_password (struct slice *text, struct work *work, struct slice username, struct err *err)
{
  struct slice password;
  enum err_code code = NULL == flags.password_file
                           ? prompt_password (&password, work->arena, err)
                           : password_read_file (&password, flags.password_file, work->arena, err);

  if (ERR_OK == code)
    code = password_check_strength (password, username, err);
  if (ERR_OK == code)
    code = password_hash (text, password, work->arena, err);
  /* A person may have taken his time. */
  store_renew_deadline (work->connection, clock_monotonic_us () + BUDGET_US);
  return code;
}

/* Whether a user is there: before anybody has to type a password. */
static enum err_code
find_user (bool *found, struct work *work, struct slice username, struct err *err)
{
  struct store_account account;
  struct result result = { NULL };
  enum err_code code = store_account_get (&account, &result, work->connection, username, err);

  *found = ERR_OK == code;
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

static enum err_code
user_exists (struct err *err, struct slice username)
{
  return err_set (err, ERR_RESOURCE_ALREADY_EXISTS, "the user '%.*s' is there already", SLICE_ARG (username));
}

static enum err_code
user_add (struct work *work, struct err *err)
{
  struct store_new_account fresh = { .username = flags.names[0],
                                     .is_admin = flags.is_admin,
                                     .is_service = flags.is_service };
  int64_t account_id;
  bool found = false;
  enum err_code code = access_check_username (fresh.username, err);

  if (ERR_OK == code && fresh.is_service && NULL != flags.password_file)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "a service account has tokens and no password");
  if (ERR_OK == code)
    code = find_user (&found, work, fresh.username, err);
  if (ERR_OK == code && found)
    return user_exists (err, fresh.username);
  if (ERR_OK == code && ! fresh.is_service)
    code = new_password (&fresh.password, work, fresh.username, err);
  if (ERR_OK == code)
    code = store_account_create (&account_id, work->connection, &fresh, clock_wall_ms (), &work->who, work->arena, err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
    return user_exists (err, fresh.username);
  if (ERR_OK == code)
    printf ("The %s '%.*s' was made.\n",
            fresh.is_admin     ? "administrator"
            : fresh.is_service ? "service account"
                               : "user",
            SLICE_ARG (fresh.username));
  return code;
}

static enum err_code
user_list (struct work *work, struct err *err)
{
  struct slice after = { NULL, 0 };
  size_t count = PAGE;
  enum err_code code = ERR_OK;

  print_account_heading ();
  while (ERR_OK == code && PAGE == count)
  {
    struct store_account account;
    struct result result = { NULL };

    code = store_account_list (&result, work->connection, (struct slice){ NULL, 0 }, after, PAGE, err);
    count = ERR_OK == code ? result_count (&result) : 0;
    for (size_t i = 0; ERR_OK == code && i < count; i++)
    {
      code = result_row (&account, &result, i, store_account_columns, STORE_ACCOUNT_COLUMNS, err);
      if (ERR_OK == code)
        print_account (&account);
      if (ERR_OK == code && i + 1 == count)
        after = slice_of (arena_string (work->arena, account.username));
    }
    result_free (&result);
    if (ERR_OK == code && count > 0 && NULL == after.data)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  return code;
}

/* Make a change of an account, and say so. */
static enum err_code
user_change (struct work *work, const struct store_account_change *change, const char *done, struct err *err)
{
  struct slice username = flags.names[0];
  enum err_code code =
      store_account_update (work->connection, username, change, clock_wall_ms (), &work->who, work->arena, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return no_such_user (err, username);
  if (ERR_OK == code)
    printf ("'%.*s' %s.\n", SLICE_ARG (username), done);
  return code;
}

static enum err_code
user_password (struct work *work, struct err *err)
{
  struct store_account_change change = { .kept_session = NULL };
  bool found = false;
  enum err_code code = find_user (&found, work, flags.names[0], err);

  if (ERR_OK == code && ! found)
    code = no_such_user (err, flags.names[0]);
  if (ERR_OK == code)
    code = new_password (&change.password, work, flags.names[0], err);
  return ERR_OK == code ? user_change (work, &change, "has a new password; its logins have ended", err) : code;
}

static enum err_code
user_disable (struct work *work, struct err *err)
{
  const struct store_account_change change = { .disabled = { true, 1 } };

  return user_change (work, &change, "is disabled", err);
}

static enum err_code
user_enable (struct work *work, struct err *err)
{
  const struct store_account_change change = { .disabled = { true, 0 } };

  return user_change (work, &change, "is enabled", err);
}

static enum err_code
user_delete (struct work *work, struct err *err)
{
  enum err_code code = store_account_delete (work->connection, flags.names[0], &work->who, work->arena, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return no_such_user (err, flags.names[0]);
  if (ERR_OK == code)
    printf ("'%.*s' is gone, with its tokens, logins and grants.\n", SLICE_ARG (flags.names[0]));
  return code;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static enum err_code
read_limits (struct store_new_api_token *fresh, int64_t now_ms, struct err *err)
{
  enum access_level level = ACCESS_MANAGE;
  int64_t days = 0;

  if (NULL != flags.permission
      && (! access_level_parse (&level, slice_of (flags.permission)) || ACCESS_NO_PERMISSIONS == level))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "--permission is READ, USE, EDIT or MANAGE, not '%s'",
                    flags.permission);
  if (NULL != flags.expires_days
      && (! number_parse_int64 (slice_of (flags.expires_days), &days) || days < 1 || days > MAX_DAYS))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "--expires-days is a number from 1 to %d, not '%s'", MAX_DAYS,
                    flags.expires_days);
  fresh->level = (int16_t)level;
  fresh->actions = ACCESS_ALL_ACTIONS;
  fresh->expires_at_ms = (struct optional_int64){ days > 0, now_ms + days * DAY_MS };
  return ERR_OK;
}

static enum err_code
token_add (struct work *work, struct err *err)
{
  struct store_new_api_token fresh = { .username = flags.names[0], .name = flags.names[1] };
  struct store_api_token token;
  struct digest digest;
  struct slice secret;
  int64_t now_ms = clock_wall_ms ();
  enum err_code code = read_limits (&fresh, now_ms, err);

  if (ERR_OK != code)
    return code;
  if (! credential_new (&secret, &digest, CREDENTIAL_TOKEN_PREFIX, work->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "the system gives no randomness");
  fresh.sha256 = &digest;
  fresh.hint = (struct slice){ secret.data, HINT_LEN };
  code = store_api_token_create (&token, work->connection, &fresh, now_ms, &work->who, work->arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return no_such_user (err, fresh.username);
  if (ERR_OK != code)
    return code;
  fprintf (stderr, "Token %" PRId64 " of '%.*s'. It is shown this once:\n", token.token_id, SLICE_ARG (fresh.username));
  printf ("%.*s\n", SLICE_ARG (secret));
  return ERR_OK;
}

static enum err_code
print_tokens (struct work *work, struct slice username, struct err *err)
{
  struct store_api_token token;
  struct result result = { NULL };
  enum err_code code = store_api_token_list (&result, work->connection, username, err);

  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    code = result_row (&token, &result, i, store_api_token_columns, STORE_API_TOKEN_COLUMNS, err);
    if (ERR_OK == code)
      print_token (&token);
  }
  result_free (&result);
  return code;
}

static enum err_code
token_list (struct work *work, struct err *err)
{
  print_token_heading ();
  return print_tokens (work, flags.names[0], err);
}

static enum err_code
token_revoke (struct work *work, struct err *err)
{
  int64_t token_id;
  enum err_code code;

  if (! number_parse_int64 (flags.names[0], &token_id) || token_id < 1)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "ID is the number that token list shows, not '%.*s'",
                    SLICE_ARG (flags.names[0]));
  code = store_api_token_delete (work->connection, token_id, 0, &work->who, work->arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "there is no token %" PRId64, token_id);
  if (ERR_OK == code)
    printf ("Token %" PRId64 " is revoked.\n", token_id);
  return code;
}

/* --- the commands ------------------------------------------------------------------------------------------------- */

enum flag
{
  FLAG_ADMIN = 1,
  FLAG_SERVICE = 2,
  FLAG_PASSWORD_FILE = 4,
  FLAG_PERMISSION = 8,
  FLAG_EXPIRES_DAYS = 16
};

struct action
{
  const char *name;
  int names; /* how many must follow */
  int names_max;
  unsigned flags; /* that it takes, of enum flag; others are taken for settings, which refuse them */
  enum err_code (*run) (struct work *work, struct err *err);
};

static const struct action user_actions[] = {
  { "add", 1, 1, FLAG_ADMIN | FLAG_SERVICE | FLAG_PASSWORD_FILE, user_add },
  { "list", 0, 0, 0, user_list },
  { "password", 1, 1, FLAG_PASSWORD_FILE, user_password },
  { "disable", 1, 1, 0, user_disable },
  { "enable", 1, 1, 0, user_enable },
  { "delete", 1, 1, 0, user_delete },
};

static const struct action token_actions[] = {
  { "add", 2, 2, FLAG_PERMISSION | FLAG_EXPIRES_DAYS, token_add },
  { "list", 0, 1, 0, token_list },
  { "revoke", 1, 1, 0, token_revoke },
};

static const char user_usage[] = "usage: tallyd user add NAME [--admin] [--service] [--password-file FILE]\n"
                                 "       tallyd user list\n"
                                 "       tallyd user password NAME [--password-file FILE]\n"
                                 "       tallyd user disable NAME\n"
                                 "       tallyd user enable NAME\n"
                                 "       tallyd user delete NAME\n"
                                 "Without --password-file the password is asked for, or read from the input. Settings\n"
                                 "such as --database-url may follow.\n";

static const char token_usage[] = "usage: tallyd token add USER NAME [--permission READ|USE|EDIT|MANAGE]\n"
                                  "                                  [--expires-days N]\n"
                                  "       tallyd token list [USER]\n"
                                  "       tallyd token revoke ID\n"
                                  "Settings such as --database-url may follow.\n";

static int
run (struct config *config)
{
  struct store *store = store_new (config);
  struct work work = { .config = config,
                       .connection = NULL == store ? NULL : store_connection_new (store),
                       .arena = arena_new (ARENA_BYTES),
                       .who = { .method = ACCESS_BY_COMMAND } };
  struct err err = { 0 };
  unsigned applied = 0;
  enum err_code code;

  /* That the database could be reached is no news here, unless somebody wants all of it. */
  if (0 == strcmp (config->log_level, "info"))
    (void)log_configure (config->log_format, "warning");
  if (NULL == work.connection || NULL == work.arena)
    code = err_set (&err, ERR_INTERNAL_ERROR, "out of memory");
  else
    /* As serve does, so that the first administrator can be made before the first start. */
    code = migrate (&applied, work.connection, MIGRATE_EMPTY_ONLY, config->default_artifact_root, &err);
  if (ERR_OK == code)
  {
    store_start_request (work.connection, clock_monotonic_us () + BUDGET_US);
    code = flags.action->run (&work, &err);
    (void)store_end_request (work.connection);
  }
  if (ERR_OK != code)
    fprintf (stderr, "tallyd: %s%s%s\n", err.message, '\0' == err.cause[0] ? "" : ": ", err.cause);
  arena_free (work.arena);
  store_connection_free (work.connection);
  store_free (store);
  log_flush ();
  return ERR_OK == code ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Take one of our flags at `*at`. False when it is another. */
static bool
take_flag (int *at, int argc, char *const *argv)
{
  static const struct
  {
    enum flag flag;
    const char *name;
    const char **text; /* or */
    bool *yes;
  } all[] = { { FLAG_ADMIN, "--admin", NULL, &flags.is_admin },
              { FLAG_SERVICE, "--service", NULL, &flags.is_service },
              { FLAG_PASSWORD_FILE, "--password-file", &flags.password_file, NULL },
              { FLAG_PERMISSION, "--permission", &flags.permission, NULL },
              { FLAG_EXPIRES_DAYS, "--expires-days", &flags.expires_days, NULL } };

  for (size_t i = 0; i < sizeof (all) / sizeof (all[0]); i++)
  {
    const char *value = NULL;

    if (0 == (flags.action->flags & all[i].flag))
      continue;
    if (NULL != all[i].text)
      value = command_flag_value (at, argc, argv, all[i].name);
    else if (0 == strcmp (argv[*at], all[i].name))
      *all[i].yes = true;
    else
      continue;
    if (NULL != value)
      *all[i].text = value;
    if (NULL != value || NULL == all[i].text)
      return true;
  }
  return false;
}

/* Take the names and our flags out of the arguments; gives how many of the arguments are left for the settings. -1 when
   names are missing. */
static int
take_arguments (int argc, char **argv)
{
  int names = 0;
  int kept = 0;

  while (names < argc && names < flags.action->names_max && '-' != argv[names][0])
  {
    flags.names[names] = slice_of (argv[names]);
    names++;
  }
  for (int i = names; i < argc; i++)
    if (! take_flag (&i, argc, argv))
      argv[kept++] = argv[i];
  return names < flags.action->names ? -1 : kept;
}

static int
run_action (int argc, char **argv, const struct action *actions, size_t count, const char *usage)
{
  int kept = -1;

  for (size_t i = 0; argc > 0 && i < count && NULL == flags.action; i++)
    if (0 == strcmp (argv[0], actions[i].name))
      flags.action = &actions[i];
  if (NULL != flags.action)
    kept = take_arguments (argc - 1, argv + 1);
  if (kept >= 0)
    return command_with_config (kept, argv + 1, run);
  fputs (usage, stderr);
  return EXIT_FAILURE;
}

int
command_user (int argc, char **argv)
{
  return run_action (argc, argv, user_actions, sizeof (user_actions) / sizeof (user_actions[0]), user_usage);
}

int
command_token (int argc, char **argv)
{
  return run_action (argc, argv, token_actions, sizeof (token_actions) / sizeof (token_actions[0]), token_usage);
}
