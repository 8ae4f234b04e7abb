/* The first administrator. */
#include "access/password.h"

#include "base/clock.h"
#include "store/account.h"

/* A password, its hash, and what the audit trail says. */
#define ARENA_BYTES ((size_t)256 * 1024)

static enum err_code
no_administrator (struct err *err)
{
  return err_set (
      err, ERR_INVALID_PARAMETER_VALUE,
      "The setting auth is on, but there is no administrator who is not disabled. Make one with: tallyd user "
      "add NAME --admin. Or set TALLY_BOOTSTRAP_PASSWORD (bootstrap-password) or bootstrap-password-file for "
      "this start.");
}

/* The password of the settings. */
static enum err_code
find_password (struct slice *password, const struct config *config, struct arena *arena, struct err *err)
{
  bool is_set = '\0' != config->bootstrap_password[0];

  if (is_set && '\0' != config->bootstrap_password_file[0])
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Set one of bootstrap-password and bootstrap-password-file, not both.");
  if (is_set)
    *password = slice_of (config->bootstrap_password);
  else if ('\0' != config->bootstrap_password_file[0])
    return password_read_file (password, config->bootstrap_password_file, arena, err);
  else
    return no_administrator (err);
  return ERR_OK;
}

static enum err_code
make_administrator (struct store_connection *connection, const struct config *config, struct arena *arena,
                    struct err *err)
{
  struct store_new_account fresh = { .username = slice_of (config->bootstrap_admin), .is_admin = true };
  const struct store_audit who = { .method = ACCESS_BY_COMMAND, .action = SLICE ("bootstrap") };
  struct slice password;
  int64_t account_id;
  bool has_admin = false;
  enum err_code code = find_password (&password, config, arena, err);

  if (ERR_OK == code)
    code = access_check_username (fresh.username, err);
  if (ERR_OK == code)
    code = password_check_strength (password, fresh.username, err);
  if (ERR_OK == code)
    code = password_hash (&fresh.password, password, arena, err);
  if (ERR_OK == code)
    code = store_account_create (&account_id, connection, &fresh, clock_wall_ms (), &who, arena, err);
  if (ERR_RESOURCE_ALREADY_EXISTS != code)
    return code;
  /* Another daemon may have made it just now. An account that was there is not raised: somebody else may have its
     credentials. */
  code = store_access_has_admin (&has_admin, connection, err);
  if (ERR_OK == code && ! has_admin)
    code = err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "There is no administrator who is not disabled, and '%s' (bootstrap-admin) is another account already: "
        "name one that is not there, or enable an administrator with: tallyd user enable NAME.",
        config->bootstrap_admin);
  return code;
}

enum err_code
password_bootstrap (struct store_connection *connection, const struct config *config, struct err *err)
{
  struct arena *arena = NULL;
  bool has_admin = false;
  enum err_code code = store_access_has_admin (&has_admin, connection, err);

  if (ERR_OK != code || has_admin)
    return code;
  arena = arena_new (ARENA_BYTES);
  if (NULL == arena)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = make_administrator (connection, config, arena, err);
  arena_free (arena);
  return code;
}
