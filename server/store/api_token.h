/* API tokens in PostgreSQL. */
#ifndef STORE_API_TOKEN_H
#define STORE_API_TOKEN_H

#include "base/digest.h"
#include "store/audit.h"
#include "store/connection.h"

extern const struct statement_table store_api_token_statements;

/* One row; texts live in the result it was read from. */
struct store_api_token
{
  int64_t token_id;
  struct slice username;
  struct slice name;
  struct slice hint;
  int16_t level;
  int16_t actions;
  bool is_admin;
  int64_t created_at_ms;
  struct optional_int64 expires_at_ms;
  struct optional_int64 last_used_at_ms;
};

#define STORE_API_TOKEN_COLUMNS 10
extern const struct column store_api_token_columns[STORE_API_TOKEN_COLUMNS];

struct store_new_api_token
{
  struct slice username; /* whose it will be */
  struct slice name;
  const struct digest *sha256;
  struct slice hint;
  int16_t level;
  int16_t actions;
  bool is_admin;
  struct optional_int64 expires_at_ms;
};

/* The changes write to the audit trail in their transaction, as those of store/account.h do. Removing a token takes
   rights away. */

/* Make a token: token.create. `token` is filled, with texts of `fresh`. ERR_RESOURCE_DOES_NOT_EXIST, without a message,
   when there is no such account. */
enum err_code store_api_token_create (struct store_api_token *token, struct store_connection *connection,
                                      const struct store_new_api_token *fresh, int64_t now_ms,
                                      const struct store_audit *who, struct arena *arena, struct err *err);

/* Remove a token of an account, or of anybody (`account_id` 0): token.delete. ERR_RESOURCE_DOES_NOT_EXIST, without a
   message, when there is none. */
enum err_code store_api_token_delete (struct store_connection *connection, int64_t token_id, int64_t account_id,
                                      const struct store_audit *who, struct arena *arena, struct err *err);

/* Read a token of an account, or of anybody (`account_id` 0). ERR_RESOURCE_DOES_NOT_EXIST, without a message. `result`
   holds its texts; the caller frees it. */
enum err_code store_api_token_get (struct store_api_token *token, struct result *result,
                                   struct store_connection *connection, int64_t token_id, int64_t account_id,
                                   struct err *err);

/* All tokens of an account, or of everybody (absent), in the order they were made in, decoded with
   store_api_token_columns; the caller frees. */
enum err_code store_api_token_list (struct result *result, struct store_connection *connection, struct slice username,
                                    struct err *err);

#endif
