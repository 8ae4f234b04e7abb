/* Accounts in PostgreSQL. */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "base/digest.h"
#include "store/audit.h"
#include "store/connection.h"

extern const struct statement_table store_account_statements;

/* The issuer of accounts that a trusted proxy names; none of a provider, which is an address. */
#define STORE_ISSUER_PROXY "proxy"

/* One row; texts live in the result it was read from. */
struct store_account
{
  int64_t account_id;
  struct slice username;
  bool is_admin;
  bool is_service;
  struct optional_int64 disabled_at_ms;
  struct slice login; /* how it logs in: "password", "oidc" (a provider vouches for it), "proxy" or "none" */
  struct optional_int64 requests_per_s; /* quotas of its own */
  struct optional_int64 bytes_per_day;
  int64_t created_at_ms;
  struct optional_int64 last_login_at_ms;
  struct slice groups; /* names, sorted: JSON array of strings */
};

#define STORE_ACCOUNT_COLUMNS 11
extern const struct column store_account_columns[STORE_ACCOUNT_COLUMNS];

struct store_new_account
{
  struct slice username;
  bool is_admin;
  bool is_service;
  struct slice password; /* "scrypt$…"; absent: none */
  struct slice issuer; /* who vouches for the subject: a provider, or STORE_ISSUER_PROXY; absent: nobody */
  struct slice subject;
};

/* What an update changes; what is absent stays. */
struct store_account_change
{
  struct optional_int64 is_admin; /* 0 or 1 */
  struct optional_int64 disabled; /* 0 or 1; ends all sessions */
  struct optional_int64 requests_per_s; /* -1: none of its own */
  struct optional_int64 bytes_per_day;
  struct slice password; /* "scrypt$…"; ends all sessions but one */
  const struct digest *kept_session; /* that one; NULL: none */
};

/* Every change below writes to the audit trail in its transaction: `who` holds the actor, address, method and so on;
   action (unless `who` has one), object and detail are added here. `arena` keeps texts until the call returns. After a
   change that could take rights away, which all but the creation are, the caller tells access_changed. */

/* Make an account: user.create. ERR_RESOURCE_ALREADY_EXISTS, without a message, when the name, or issuer and subject,
   are taken. */
enum err_code store_account_create (int64_t *account_id, struct store_connection *connection,
                                    const struct store_new_account *fresh, int64_t now_ms,
                                    const struct store_audit *who, struct arena *arena, struct err *err);

/* Change an account: user.update, and user.password for the password. Errors: RESOURCE_DOES_NOT_EXIST, without a
   message; RESOURCE_CONFLICT when no enabled administrator would be left; INVALID_PARAMETER_VALUE for the password of
   a service account. */
enum err_code store_account_update (struct store_connection *connection, struct slice username,
                                    const struct store_account_change *change, int64_t now_ms,
                                    const struct store_audit *who, struct arena *arena, struct err *err);

/* Remove an account with its tokens, sessions, memberships and grants: user.delete. Errors: as above. */
enum err_code store_account_delete (struct store_connection *connection, struct slice username,
                                    const struct store_audit *who, struct arena *arena, struct err *err);

/* Keep a password that was given right in the form of today: no change of rights, nothing for the audit trail.
   `changed` is false when the account has another one by now. */
enum err_code store_account_rehash (bool *changed, struct store_connection *connection, int64_t account_id,
                                    struct slice old_text, struct slice new_text, struct err *err);

/* Read one. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. `result` holds its texts; the caller
   frees it. */
enum err_code store_account_get (struct store_account *account, struct result *result,
                                 struct store_connection *connection, struct slice username, struct err *err);

/* Up to `limit` accounts in the order of their names, behind `after` (absent: from the first); of those whose name
   holds `search` (absent: all), in any case of letters. `result` is decoded with store_account_columns; the caller
   frees it. */
enum err_code store_account_list (struct result *result, struct store_connection *connection, struct slice search,
                                  struct slice after, int64_t limit, struct err *err);

#endif
