/* Accounts that somebody else vouches for, in PostgreSQL.

   DESIGN
   Most logins change nothing: one statement finds the account and compares what is said with what is there. Only when
   they differ a transaction locks the account, so that two logins of the same person come one after the other, and
   writes what differs, with an entry of the audit trail for each change. Groups are made in the order of their names,
   so that two transactions which make the same ones wait and do not block each other. */
#include "store/federated.h"

#include "base/json_write.h"
#include "base/utf8.h"

#include <stddef.h>

/* As the CHECK of the column username. */
#define USERNAME_MAX_CHARACTERS 255
/* Characters of the digest that a name gets, more each time that one is taken too: no two people differ in none. */
static const size_t suffix_lengths[] = { 0, 6, 16, 64 };
#define CANDIDATES (sizeof (suffix_lengths) / sizeof (suffix_lengths[0]))
/* A detail of an entry: two names of 255 characters, escaped. */
#define DETAIL_BYTES ((size_t)16 * 1024)

enum
{
  FIND,
  LOCK,
  MAKE,
  MAKE_GROUPS,
  JOIN,
  LEAVE,
  SET_ADMIN
};

#define FROM_ACCOUNT " FROM account AS a WHERE a.issuer = $1::text AND a.subject = $2::text"

static const struct statement statements[] = {
  [FIND] = { "federated_find",
             "SELECT " STORE_ACCOUNT_FOUND_SELECT
             ", ($3::int4 = 0 OR a.is_admin = ($3::int4 = 2)) AND (NOT $4::bool OR ("
             "  NOT EXISTS (SELECT FROM unnest($5::text[]) AS n (name) WHERE NOT EXISTS (SELECT FROM account_group AS g"
             "   JOIN account_group_member AS m ON m.group_id = g.group_id AND m.account_id = a.account_id"
             "   WHERE g.name = n.name))"
             "  AND NOT EXISTS (SELECT FROM account_group_member AS m JOIN account_group AS g ON g.group_id = "
             "m.group_id"
             "   WHERE m.account_id = a.account_id AND m.source = 1 AND g.name <> ALL ($5::text[]))))" FROM_ACCOUNT,
             5 },
  [LOCK] = { "federated_lock", "SELECT " STORE_ACCOUNT_FOUND_SELECT ", true" FROM_ACCOUNT " FOR UPDATE OF a", 2 },
  [MAKE] = { "federated_make",
             "INSERT INTO account AS a (username, is_admin, issuer, subject, created_at_ms)"
             " VALUES ($3::text, $4::bool, $1::text, $2::text, $5::int8) ON CONFLICT DO NOTHING"
             " RETURNING " STORE_ACCOUNT_FOUND_SELECT ", true",
             5 },
  [MAKE_GROUPS] = { "federated_make_groups",
                    "INSERT INTO account_group (name, created_at_ms) SELECT n.name, $2::int8"
                    " FROM unnest($1::text[]) AS n (name) ORDER BY n.name ON CONFLICT DO NOTHING RETURNING name",
                    2 },
  [JOIN] = { "federated_join",
             "WITH joined AS (INSERT INTO account_group_member (group_id, account_id, source)"
             "  SELECT group_id, $1::int8, 1 FROM account_group WHERE name = ANY ($2::text[]) ORDER BY group_id"
             "  ON CONFLICT DO NOTHING RETURNING group_id)"
             " SELECT g.name FROM joined JOIN account_group AS g USING (group_id) ORDER BY g.name",
             2 },
  /* Those that an administrator has put the account into stay. */
  [LEAVE] = { "federated_leave",
              "WITH gone AS (DELETE FROM account_group_member AS m USING account_group AS g"
              "  WHERE m.account_id = $1::int8 AND m.source = 1 AND g.group_id = m.group_id"
              "  AND g.name <> ALL ($2::text[]) RETURNING g.name)"
              " SELECT name FROM gone ORDER BY name",
              2 },
  [SET_ADMIN] = { "federated_set_admin",
                  "UPDATE account SET is_admin = $2::bool WHERE account_id = $1::int8 AND is_admin <> $2::bool"
                  " RETURNING username",
                  2 },
};

const struct statement_table store_federated_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

/* --- the account -------------------------------------------------------------------------------------------------- */

struct found_row
{
  struct store_account_found found;
  bool is_same;
};

static const struct column found_columns[] = {
  { COLUMN_INT64, offsetof (struct found_row, found.account_id) },
  { COLUMN_TEXT, offsetof (struct found_row, found.username) },
  { COLUMN_BOOL, offsetof (struct found_row, found.is_admin) },
  { COLUMN_BOOL, offsetof (struct found_row, found.is_service) },
  { COLUMN_BOOL, offsetof (struct found_row, found.disabled) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct found_row, found.requests_per_s) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct found_row, found.bytes_per_day) },
  { COLUMN_TEXT, offsetof (struct found_row, found.password) },
  { COLUMN_BOOL, offsetof (struct found_row, is_same) },
};

/* Run a statement that gives the account or nothing: then RESOURCE_DOES_NOT_EXIST, without a message. */
static enum err_code
query_account (struct found_row *row, struct store_connection *connection, int which,
               const struct parameters *parameters, struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  enum err_code code;

  *row = (struct found_row){ 0 };
  code = store_query_one (row, &result, connection, &statements[which], parameters, found_columns,
                          COLUMN_COUNT (found_columns), err);
  if (ERR_OK == code)
  {
    row->found.username.data = arena_string (arena, row->found.username);
    row->found.password.data = arena_string (arena, row->found.password);
    if (arena_overflowed (arena))
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}

static void
bind_subject (struct parameters *parameters, const struct store_federated *said, struct arena *arena)
{
  parameters_init (parameters, arena);
  parameter_text (parameters, said->issuer);
  parameter_text (parameters, said->subject);
}

enum err_code
store_federated_find (struct store_account_found *found, bool *is_same, struct store_connection *connection,
                      const struct store_federated *said, struct arena *arena, struct err *err)
{
  struct parameters parameters;
  struct found_row row;
  enum err_code code;

  bind_subject (&parameters, said, arena);
  parameter_int32 (&parameters, said->has_admin ? 1 + said->is_admin : 0);
  parameter_bool (&parameters, said->has_groups);
  parameter_text_array (&parameters, said->groups, said->has_groups ? said->group_count : 0);
  code = query_account (&row, connection, FIND, &parameters, arena, err);
  *found = row.found;
  *is_same = row.is_same;
  return code;
}

/* --- the audit trail ---------------------------------------------------------------------------------------------- */

struct sync
{
  const struct store_federated *said;
  struct arena *arena;
  struct arena_mark mark;
  struct store_account_found found;
  bool changed; /* rights may be others now */
  struct store_audit *entries;
  size_t entry_count;
};

/* What happened to `name`; `detail` NULL when memory is out. */
static void
note (struct sync *sync, const char *action, const char *kind, struct slice name, const char *detail)
{
  const char *object = arena_printf (sync->arena, "%s:%.*s", kind, SLICE_ARG (name));

  if (NULL == detail || NULL == object)
  {
    arena_fail (sync->arena);
    return;
  }
  sync->entries[sync->entry_count++] = (struct store_audit){
    .at_ms = sync->said->now_ms,
    .actor = sync->found.username,
    .account_id = sync->found.account_id,
    .method = sync->said->method,
    .address = sync->said->address,
    .action = slice_of (action),
    .object = slice_of (object),
    .detail = slice_of (detail),
  };
}

/* How an account begins, or, of a membership, whose it is. */
static const char *
describe (struct sync *sync, bool is_membership)
{
  struct buffer buffer;
  struct json_write w;
  const char *text = NULL;

  buffer_init (&buffer, DETAIL_BYTES);
  json_write_init (&w, &buffer);
  json_write_object (&w);
  if (is_membership)
  {
    json_write_member_string (&w, "user", sync->found.username);
    json_write_member_text (&w, "source", "claim");
  }
  else
  {
    json_write_key (&w, "after");
    json_write_object (&w);
    json_write_member_bool (&w, "is_admin", sync->found.is_admin);
    json_write_member_bool (&w, "is_service", sync->found.is_service);
    json_write_member_string (&w, "issuer", sync->said->issuer);
    json_write_member_string (&w, "subject", sync->said->subject);
    json_write_object_end (&w);
  }
  json_write_object_end (&w);
  if (! buffer.failed)
    text = arena_string (sync->arena, buffer_slice (&buffer));
  buffer_free (&buffer);
  return text;
}

/* --- making it as it is said -------------------------------------------------------------------------------------- */

/* The wished name, with the first characters of the digest behind it; absent when memory is out. */
static struct slice
candidate (const struct store_federated *said, size_t suffix_length, struct arena *arena)
{
  struct slice name = said->username;

  if (0 == suffix_length)
    return name;
  name = utf8_cut (name, USERNAME_MAX_CHARACTERS - 1 - suffix_length);
  return slice_of (arena_printf (arena, "%.*s-%.*s", SLICE_ARG (name), (int)suffix_length, said->suffix.data));
}

static enum err_code
lock_account (struct sync *sync, struct store_connection *connection, struct err *err)
{
  struct parameters parameters;
  struct found_row row;
  enum err_code code;

  bind_subject (&parameters, sync->said, NULL);
  code = query_account (&row, connection, LOCK, &parameters, sync->arena, err);
  sync->found = row.found;
  return code;
}

/* Make the account under the first name that nobody has. */
static enum err_code
make_account (struct sync *sync, struct store_connection *connection, struct err *err)
{
  const struct store_federated *said = sync->said;
  enum err_code code = ERR_RESOURCE_DOES_NOT_EXIST;

  for (size_t i = 0; i < CANDIDATES && ERR_RESOURCE_DOES_NOT_EXIST == code; i++)
  {
    struct parameters parameters;
    struct found_row row;

    bind_subject (&parameters, said, NULL);
    parameter_text (&parameters, candidate (said, suffix_lengths[i], sync->arena));
    parameter_bool (&parameters, said->has_admin && said->is_admin);
    parameter_int64 (&parameters, said->now_ms);
    code = query_account (&row, connection, MAKE, &parameters, sync->arena, err);
    sync->found = row.found;
    if (ERR_OK == code)
      note (sync, "user.create", "user", sync->found.username, describe (sync, false));
    /* Either the name is another's, or the same subject has just come a second time. */
    else if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    {
      code = lock_account (sync, connection, err);
      if (ERR_OK == code)
        return code;
    }
  }
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set_cause (err, ERR_INTERNAL_ERROR, "every name for an account is taken", "internal error");
  return code;
}

/* Note a change for each name that a statement has answered. */
static enum err_code
note_names (struct sync *sync, const struct result *result, const char *action, const char *detail, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < result_count (result); i++)
  {
    struct slice name;

    code = result_row (&name, result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      note (sync, action, "group", name, detail);
  }
  return code;
}

static enum err_code
set_groups (struct sync *sync, struct store_connection *connection, struct err *err)
{
  const struct store_federated *said = sync->said;
  struct result made = { NULL };
  struct result joined = { NULL };
  struct result left = { NULL };
  struct pipeline pipeline;
  struct parameters *parameters;
  const char *membership = describe (sync, true);
  enum err_code code;

  pipeline_init (&pipeline, connection, sync->arena);
  parameters = pipeline_add (&made, &pipeline, &statements[MAKE_GROUPS]);
  parameter_text_array (parameters, said->groups, said->group_count);
  parameter_int64 (parameters, said->now_ms);
  parameters = pipeline_add (&joined, &pipeline, &statements[JOIN]);
  parameter_int64 (parameters, sync->found.account_id);
  parameter_text_array (parameters, said->groups, said->group_count);
  parameters = pipeline_add (&left, &pipeline, &statements[LEAVE]);
  parameter_int64 (parameters, sync->found.account_id);
  parameter_text_array (parameters, said->groups, said->group_count);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code)
  {
    size_t room = sync->entry_count + result_count (&made) + result_count (&joined) + result_count (&left) + 1;
    struct store_audit *more = arena_array (sync->arena, room, sizeof (*more));

    /* And one place for the change of is_admin. */
    if (NULL == more)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    else
    {
      memcpy (more, sync->entries, sync->entry_count * sizeof (*more));
      sync->entries = more;
    }
  }
  if (ERR_OK == code)
    code = note_names (sync, &made, "group.create", "{}", err);
  if (ERR_OK == code)
    code = note_names (sync, &joined, "group.add", membership, err);
  if (ERR_OK == code)
    code = note_names (sync, &left, "group.remove", membership, err);
  /* A group may have a lower grant than all others. */
  sync->changed = result_count (&joined) + result_count (&left) > 0;
  result_free (&made);
  result_free (&joined);
  result_free (&left);
  return code;
}

static enum err_code
set_admin (struct sync *sync, struct store_connection *connection, struct err *err)
{
  bool is_admin = sync->said->is_admin;
  struct parameters parameters;
  bool changed = false;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, sync->found.account_id);
  parameter_bool (&parameters, is_admin);
  code = store_change (&changed, connection, &statements[SET_ADMIN], &parameters, err);
  if (ERR_OK != code || ! changed)
    return code;
  sync->found.is_admin = is_admin;
  sync->changed = true;
  note (sync, "user.update", "user", sync->found.username,
        is_admin ? "{\"before\":{\"is_admin\":false},\"after\":{\"is_admin\":true}}"
                 : "{\"before\":{\"is_admin\":true},\"after\":{\"is_admin\":false}}");
  return ERR_OK;
}

/* Write the entries, and raise the version when somebody may remember what is not so any more: of a new account nobody
   does. */
static enum err_code
finish (struct sync *sync, struct store_connection *connection, bool is_new, struct err *err)
{
  struct pipeline pipeline;
  enum err_code code;

  if (arena_overflowed (sync->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  sync->changed = sync->changed && ! is_new;
  if (0 == sync->entry_count)
    return ERR_OK;
  code = store_audit_write (connection, sync->entries, sync->entry_count, sync->arena, err);
  if (ERR_OK != code || ! sync->changed)
    return code;
  pipeline_init (&pipeline, connection, NULL);
  store_access_queue_changed (&pipeline);
  return pipeline_commit (&pipeline, err);
}

static enum err_code
work (struct store_connection *connection, void *context, struct err *err)
{
  struct sync *sync = context;
  bool is_new = false;
  enum err_code code;

  arena_rewind (sync->arena, &sync->mark);
  sync->changed = false;
  sync->entry_count = 0;
  /* One for the account and one for is_admin; groups make room for theirs. */
  sync->entries = arena_array (sync->arena, 2, sizeof (*sync->entries));
  if (NULL == sync->entries)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = lock_account (sync, connection, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
  {
    code = make_account (sync, connection, err);
    is_new = sync->entry_count > 0;
  }
  if (ERR_OK != code || sync->found.disabled)
    return code;
  if (sync->said->has_groups)
    code = set_groups (sync, connection, err);
  if (ERR_OK == code && sync->said->has_admin)
    code = set_admin (sync, connection, err);
  return ERR_OK == code ? finish (sync, connection, is_new, err) : code;
}

enum err_code
store_federated_write (struct store_account_found *found, bool *changed, struct store_connection *connection,
                       const struct store_federated *said, struct arena *arena, struct err *err)
{
  struct sync sync = { .said = said, .arena = arena, .mark = arena_mark (arena) };
  enum err_code code = store_transaction (connection, STORE_WRITE, work, &sync, err);

  *found = sync.found;
  *changed = ERR_OK == code && sync.changed;
  return code;
}
