/* Groups of accounts in PostgreSQL. */
#ifndef STORE_ACCOUNT_GROUP_H
#define STORE_ACCOUNT_GROUP_H

#include "store/audit.h"
#include "store/connection.h"

extern const struct statement_table store_account_group_statements;

/* One row; texts live in the result it was read from. */
struct store_account_group
{
  int64_t group_id;
  struct slice name;
  int64_t created_at_ms;
  int64_t member_count;
};

#define STORE_ACCOUNT_GROUP_COLUMNS 4
extern const struct column store_account_group_columns[STORE_ACCOUNT_GROUP_COLUMNS];

/* Who put a member into a group: the column source. */
enum store_member_source
{
  STORE_MEMBER_BY_ADMIN,
  STORE_MEMBER_BY_CLAIM /* of a provider or proxy, at the last login */
};

struct store_group_member
{
  struct slice username;
  int16_t source; /* enum store_member_source */
};

#define STORE_GROUP_MEMBER_COLUMNS 2
extern const struct column store_group_member_columns[STORE_GROUP_MEMBER_COLUMNS];

/* The changes below write to the audit trail in their transaction, as those of store/account.h do. All but the creation
   could take rights away. */

/* Make a group: group.create. ERR_RESOURCE_ALREADY_EXISTS, without a message. */
enum err_code store_account_group_create (struct store_connection *connection, struct slice name, int64_t now_ms,
                                          const struct store_audit *who, struct arena *arena, struct err *err);

/* Remove a group with its memberships and grants: group.delete. ERR_RESOURCE_DOES_NOT_EXIST, without a message. */
enum err_code store_account_group_delete (struct store_connection *connection, struct slice name,
                                          const struct store_audit *who, struct arena *arena, struct err *err);

enum store_group_found
{
  STORE_GROUP_MISSING, /* there is no such group */
  STORE_GROUP_ACCOUNT_MISSING, /* there is no such account */
  STORE_GROUP_AS_BEFORE, /* it was so already, and nothing was written */
  STORE_GROUP_CHANGED
};

/* Put an account into a group as an administrator does: group.add; a member by claim becomes one that stays. Or take it
   out, however it came in: group.remove. */
enum err_code store_account_group_add (enum store_group_found *found, struct store_connection *connection,
                                       struct slice name, struct slice username, const struct store_audit *who,
                                       struct arena *arena, struct err *err);
enum err_code store_account_group_remove (enum store_group_found *found, struct store_connection *connection,
                                          struct slice name, struct slice username, const struct store_audit *who,
                                          struct arena *arena, struct err *err);

/* Read one. ERR_RESOURCE_DOES_NOT_EXIST, without a message. `result` holds its texts; the caller frees it. */
enum err_code store_account_group_get (struct store_account_group *group, struct result *result,
                                       struct store_connection *connection, struct slice name, struct err *err);

/* Its members in the order of their names, decoded with store_group_member_columns. */
enum err_code store_account_group_members (struct result *result, struct store_connection *connection, int64_t group_id,
                                           struct err *err);

/* Up to `limit` groups in the order of their names, behind `after`, whose name holds `search`; absent: all. Decoded
   with store_account_group_columns. */
enum err_code store_account_group_list (struct result *result, struct store_connection *connection, struct slice search,
                                        struct slice after, int64_t limit, struct err *err);

#endif
