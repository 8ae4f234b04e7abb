/* Groups of accounts in PostgreSQL. */
#include "store/account_group.h"

#include "store/audit_detail.h"
#include "store/pipeline.h"

enum
{
  CREATE,
  LOCK,
  DELETE,
  FIND_MEMBER,
  ADD,
  REMOVE,
  GET,
  MEMBERS,
  LIST
};

#define SELECT                                                                                                         \
  "SELECT g.group_id, g.name, g.created_at_ms,"                                                                        \
  " (SELECT count(*) FROM account_group_member AS m WHERE m.group_id = g.group_id) FROM account_group AS g"

static const struct statement statements[] = {
  [CREATE] = { "account_group_create",
               "INSERT INTO account_group (name, created_at_ms) VALUES ($1::text, $2::int8)"
               " ON CONFLICT DO NOTHING RETURNING group_id",
               2 },
  [LOCK] = { "account_group_lock", SELECT " WHERE g.name = $1::text FOR UPDATE OF g", 1 },
  [DELETE] = { "account_group_delete", "DELETE FROM account_group WHERE group_id = $1::int8", 1 },
  /* One row always: who and what there is of the two and their membership. Accounts are kept from being removed
     meanwhile; who changes memberships of the group waits. */
  [FIND_MEMBER] = { "account_group_find_member",
                    "WITH g AS MATERIALIZED (SELECT group_id FROM account_group WHERE name = $1::text"
                    "  FOR NO KEY UPDATE),"
                    " a AS MATERIALIZED (SELECT account_id FROM account WHERE username = $2::text FOR KEY SHARE)"
                    " SELECT coalesce((SELECT group_id FROM g), -1), coalesce((SELECT account_id FROM a), -1)",
                    2 },
  [ADD] = { "account_group_add",
            "INSERT INTO account_group_member AS m (group_id, account_id, source) VALUES ($1::int8, $2::int8, 0)"
            " ON CONFLICT (group_id, account_id) DO UPDATE SET source = 0 WHERE m.source <> 0",
            2 },
  [REMOVE] = { "account_group_remove",
               "DELETE FROM account_group_member WHERE group_id = $1::int8 AND account_id = $2::int8", 2 },
  [GET] = { "account_group_get", SELECT " WHERE g.name = $1::text", 1 },
  [MEMBERS] = { "account_group_members",
                "SELECT a.username, m.source FROM account_group_member AS m"
                " JOIN account AS a ON a.account_id = m.account_id WHERE m.group_id = $1::int8 ORDER BY a.username",
                1 },
  [LIST] = { "account_group_list",
             SELECT " WHERE g.name > coalesce($2::text, '')"
                    " AND ($1::text IS NULL OR position(lower($1::text) IN lower(g.name)) > 0)"
                    " ORDER BY g.name LIMIT $3::int8",
             3 },
};

const struct statement_table store_account_group_statements = { statements,
                                                                sizeof (statements) / sizeof (statements[0]) };

const struct column store_account_group_columns[STORE_ACCOUNT_GROUP_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_account_group, group_id) },
  { COLUMN_TEXT, offsetof (struct store_account_group, name) },
  { COLUMN_INT64, offsetof (struct store_account_group, created_at_ms) },
  { COLUMN_INT64, offsetof (struct store_account_group, member_count) },
};

const struct column store_group_member_columns[STORE_GROUP_MEMBER_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_group_member, username) },
  { COLUMN_INT16, offsetof (struct store_group_member, source) },
};

/* What the transactions below are about. */
struct change
{
  struct slice name;
  struct slice username;
  int64_t now_ms;
  const struct store_audit *who;
  struct arena *arena;
  bool removes;
  enum store_group_found found;
};

/* {"user": NAME}. */
static struct slice
describe (struct slice username, struct arena *arena)
{
  struct audit_detail detail;

  audit_detail_begin (&detail);
  json_write_member_string (&detail.w, "user", username);
  return audit_detail_end (&detail, arena);
}

static enum err_code
create_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct change *call = context;
  struct result result = { NULL };
  struct parameters parameters;
  struct store_audit entry;
  struct pipeline pipeline;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, call->name);
  parameter_int64 (&parameters, call->now_ms);
  code = store_query (&result, connection, &statements[CREATE], &parameters, err);
  if (ERR_OK == code && 0 == result_count (&result))
    code = ERR_RESOURCE_ALREADY_EXISTS;
  result_free (&result);
  if (ERR_OK == code)
    code = audit_entry (&entry, call->who, "group.create", "group", call->name, SLICE ("{}"), call->arena, err);
  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, call->arena);
  store_audit_queue (&pipeline, &entry);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_account_group_create (struct store_connection *connection, struct slice name, int64_t now_ms,
                            const struct store_audit *who, struct arena *arena, struct err *err)
{
  struct change call = { .name = name, .now_ms = now_ms, .who = who, .arena = arena };

  return store_transaction (connection, STORE_WRITE, create_work, &call, err);
}

static enum err_code
delete_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct change *call = context;
  struct store_account_group group;
  struct audit_detail detail;
  struct result result = { NULL };
  struct parameters parameters;
  struct store_audit entry;
  struct pipeline pipeline;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, call->name);
  code = store_query_one (&group, &result, connection, &statements[LOCK], &parameters, store_account_group_columns,
                          STORE_ACCOUNT_GROUP_COLUMNS, err);
  result_free (&result);
  if (ERR_OK != code)
    return code;
  audit_detail_begin (&detail);
  json_write_key (&detail.w, "before");
  json_write_object (&detail.w);
  json_write_member_int64 (&detail.w, "member_count", group.member_count);
  json_write_object_end (&detail.w);
  code = audit_entry (&entry, call->who, "group.delete", "group", call->name, audit_detail_end (&detail, call->arena),
                      call->arena, err);
  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, call->arena);
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[DELETE]), group.group_id);
  store_audit_queue (&pipeline, &entry);
  store_access_queue_changed (&pipeline);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_account_group_delete (struct store_connection *connection, struct slice name, const struct store_audit *who,
                            struct arena *arena, struct err *err)
{
  struct change call = { .name = name, .who = who, .arena = arena };

  return store_transaction (connection, STORE_WRITE, delete_work, &call, err);
}

struct pair
{
  int64_t group_id;
  int64_t account_id;
};

static enum err_code
find_pair (struct pair *pair, struct store_connection *connection, const struct change *call, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct pair, group_id) },
                                           { COLUMN_INT64, offsetof (struct pair, account_id) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, call->name);
  parameter_text (&parameters, call->username);
  code = store_query (&result, connection, &statements[FIND_MEMBER], &parameters, err);
  if (ERR_OK == code)
    code = result_row (pair, &result, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

static enum err_code
member_work (struct store_connection *connection, void *context, struct err *err)
{
  struct change *call = context;
  struct parameters parameters;
  struct store_audit entry;
  struct pipeline pipeline;
  struct pair pair;
  bool changed;
  enum err_code code = find_pair (&pair, connection, call, err);

  if (ERR_OK != code)
    return code;
  call->found = pair.group_id < 0     ? STORE_GROUP_MISSING
                : pair.account_id < 0 ? STORE_GROUP_ACCOUNT_MISSING
                                      : STORE_GROUP_AS_BEFORE;
  if (STORE_GROUP_AS_BEFORE != call->found)
    return ERR_OK;
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, pair.group_id);
  parameter_int64 (&parameters, pair.account_id);
  code = store_change (&changed, connection, &statements[call->removes ? REMOVE : ADD], &parameters, err);
  if (ERR_OK != code || ! changed)
    return code;
  code = audit_entry (&entry, call->who, call->removes ? "group.remove" : "group.add", "group", call->name,
                      describe (call->username, call->arena), call->arena, err);
  if (ERR_OK != code)
    return code;
  call->found = STORE_GROUP_CHANGED;
  pipeline_init (&pipeline, connection, call->arena);
  store_audit_queue (&pipeline, &entry);
  store_access_queue_changed (&pipeline);
  return pipeline_commit (&pipeline, err);
}

static enum err_code
change_member (enum store_group_found *found, struct store_connection *connection, struct change *call, struct err *err)
{
  enum err_code code = store_transaction (connection, STORE_WRITE, member_work, call, err);

  *found = call->found;
  return code;
}

enum err_code
store_account_group_add (enum store_group_found *found, struct store_connection *connection, struct slice name,
                         struct slice username, const struct store_audit *who, struct arena *arena, struct err *err)
{
  struct change call = { .name = name, .username = username, .who = who, .arena = arena };

  return change_member (found, connection, &call, err);
}

enum err_code
store_account_group_remove (enum store_group_found *found, struct store_connection *connection, struct slice name,
                            struct slice username, const struct store_audit *who, struct arena *arena, struct err *err)
{
  struct change call = { .name = name, .username = username, .who = who, .arena = arena, .removes = true };

  return change_member (found, connection, &call, err);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

enum err_code
store_account_group_get (struct store_account_group *group, struct result *result, struct store_connection *connection,
                         struct slice name, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, name);
  code = store_query_one (group, result, connection, &statements[GET], &parameters, store_account_group_columns,
                          STORE_ACCOUNT_GROUP_COLUMNS, err);
  return code;
}

enum err_code
store_account_group_members (struct result *result, struct store_connection *connection, int64_t group_id,
                             struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, group_id);
  return store_query (result, connection, &statements[MEMBERS], &parameters, err);
}

enum err_code
store_account_group_list (struct result *result, struct store_connection *connection, struct slice search,
                          struct slice after, int64_t limit, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, search);
  parameter_text (&parameters, after);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[LIST], &parameters, err);
}
