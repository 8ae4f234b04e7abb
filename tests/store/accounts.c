/* What tests of accounts, groups, tokens and grants share. */
#include "accounts.h"

#include "store/account.h"
#include "store/account_group.h"

#include <check.h>

const struct store_audit accounts_who = {
  .actor = { "root", 4 }, .account_id = 99, .method = 1, .address = { "192.0.2.7", 9 }
};

int64_t
accounts_make (const char *username, bool is_admin)
{
  const struct store_new_account fresh = { .username = slice_of (username), .is_admin = is_admin };
  struct err err = { 0 };
  int64_t account_id = 0;

  store_start_request (database.connection, 0);
  ck_assert_msg (
      ERR_OK
          == store_account_create (&account_id, database.connection, &fresh, 1000, &accounts_who, database.arena, &err),
      "%s: %s", err.message, err.cause);
  return account_id;
}

void
accounts_make_group (const char *name)
{
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_account_group_create (database.connection, slice_of (name), 1000, &accounts_who,
                                                    database.arena, &err),
                 "%s: %s", err.message, err.cause);
}

int64_t
accounts_version (void)
{
  return database_number ("SELECT version FROM access_version");
}

int64_t
accounts_entries (const char *action, const char *object, const char *detail)
{
  return database_number ("SELECT count(*) FROM audit WHERE action = '%s' AND object = '%s' AND detail = '%s'"
                          " AND actor = 'root' AND account_id = 99 AND method = 1 AND address = '192.0.2.7'"
                          " AND NOT refused AND times = 1",
                          action, object, detail);
}
