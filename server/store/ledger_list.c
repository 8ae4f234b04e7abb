/* Reading the ledger in PostgreSQL: pages newest first, and the whole chain in its order.

   DESIGN
   A page is read backwards from its place along the index of what is asked for most narrowly, so that its cost does not
   grow with the ledger: each such index has a statement of its own. */
#include "store/ledger_list.h"

#include "store/access.h"

enum
{
  LIST_WORKSPACE,
  LIST_ACTION,
  LIST_NAME,
  LIST_MODEL,
  LIST_MODEL_ALIAS,
  LIST_MODEL_VERSION,
  STREAM,
  HEAD
};

/* By the name that the model of an entry has now. */
#define IS_VISIBLE                                                                                                     \
  " AND ($9::int8 = 0 OR" STORE_ACCESS_LEVEL_OF_MODEL (                                                                \
      "$9::int8", "$10::int4", "coalesce(m.name, l.model_name)",                                                       \
      "l.workspace_id") " >= CASE WHEN m.name IS NULL AND l.registered_model_id IS NOT NULL THEN 4 ELSE 1 END)"

/* Times as numbers of entries, because at_ms never falls: the page lies between these two. */
#define LOWEST                                                                                                         \
  "CASE WHEN $7::int8 IS NULL THEN 0 ELSE coalesce((SELECT f.entry FROM ledger AS f WHERE f.at_ms >= $7::int8"         \
  " ORDER BY f.at_ms, f.entry LIMIT 1), 9223372036854775807) END"
#define HIGHEST                                                                                                        \
  "CASE WHEN $8::int8 IS NULL THEN $11::int8 - 1 ELSE least($11::int8 - 1, coalesce((SELECT f.entry FROM ledger AS f"  \
  " WHERE f.at_ms < $8::int8 ORDER BY f.at_ms DESC, f.entry DESC LIMIT 1), 0)) END"

/* From an index on some columns and the entry: those that have some values, written as a comparison of rows, so that no
   other index can look cheaper. */
#define ALONG(columns, values)                                                                                         \
  " WHERE (" columns ", l.entry) >= (" values ", " LOWEST ") AND (" columns ", l.entry) <= (" values ", " HIGHEST ")"
#define PAGE(order) " ORDER BY " order ", l.entry DESC LIMIT $12::int8"

#define SELECT_ENTRY "SELECT l.entry, l.at_ms, l.content, l.previous_sha256, l.sha256 FROM ledger AS l"
#define OF_ALL SELECT_ENTRY " LEFT JOIN registered_model AS m ON m.registered_model_id = l.registered_model_id"

#define NAME " AND ($2::text IS NULL OR l.model_name = $2::text)"
/* The gate has judged the model, whose entries are all its own: also those of a workspace that it was in before. */
#define JUDGED " AND ($1::int8 IS NOT NULL OR $9::int8 IS NOT NULL OR $10::int4 IS NOT NULL)"
#define VERSION " AND ($3::int8 IS NULL OR l.version = $3::int8)"
#define ALIAS " AND ($4::text IS NULL OR l.alias = $4::text)"
#define ACTION " AND ($5::text IS NULL OR l.action = $5::text)"
#define ACTOR " AND ($6::text IS NULL OR l.actor = $6::text)"

static const struct statement statements[] = {
  [LIST_WORKSPACE] = { "ledger_list_workspace",
                       OF_ALL ALONG ("l.workspace_id", "$1::int8")
                           NAME VERSION ALIAS ACTION ACTOR IS_VISIBLE PAGE ("l.workspace_id DESC"),
                       12 },
  [LIST_ACTION] = { "ledger_list_action",
                    OF_ALL ALONG ("l.workspace_id, l.action", "$1::int8, $5::text")
                        NAME VERSION ALIAS ACTOR IS_VISIBLE PAGE ("l.workspace_id DESC, l.action DESC"),
                    12 },
  [LIST_NAME] = { "ledger_list_name",
                  OF_ALL ALONG ("l.workspace_id, l.model_name", "$1::int8, $2::text")
                      VERSION ALIAS ACTION ACTOR IS_VISIBLE PAGE ("l.workspace_id DESC, l.model_name DESC"),
                  12 },
  [LIST_MODEL] = { "ledger_list_model",
                   SELECT_ENTRY ALONG ("l.registered_model_id", "$2::int8")
                       VERSION ALIAS ACTION ACTOR JUDGED PAGE ("l.registered_model_id DESC"),
                   12 },
  [LIST_MODEL_ALIAS] = { "ledger_list_model_alias",
                         SELECT_ENTRY ALONG ("l.registered_model_id, l.alias",
                                             "$2::int8, $4::text") " AND l.alias IS NOT NULL" VERSION ACTION ACTOR
                             JUDGED PAGE ("l.registered_model_id DESC, l.alias DESC"),
                         12 },
  [LIST_MODEL_VERSION] = { "ledger_list_model_version",
                           SELECT_ENTRY ALONG ("l.registered_model_id, l.version",
                                               "$2::int8, $3::int8") " AND l.version IS NOT NULL" ALIAS ACTION ACTOR
                               JUDGED PAGE ("l.registered_model_id DESC, l.version DESC"),
                           12 },
  [STREAM] = { "ledger_stream",
               "SELECT entry, at_ms, content, previous_sha256, sha256,"
               " (workspace_id, registered_model_id, model_name, version, alias, action, actor) IS NOT DISTINCT FROM"
               " ((j ->> 'workspace_id')::int8, (j ->> 'registered_model_id')::int8, j ->> 'model',"
               "  (j ->> 'version')::int8, j ->> 'alias', j ->> 'action', j ->> 'actor')"
               " FROM (SELECT *, content::jsonb AS j FROM ledger WHERE entry > $1::int8 ORDER BY entry"
               "  LIMIT $2::int8) AS l ORDER BY entry",
               2 },
  [HEAD] = { "ledger_head", "SELECT entry, at_ms, sha256 FROM ledger_head", 0 },
};

const struct statement_table store_ledger_list_statements = { statements,
                                                              sizeof (statements) / sizeof (statements[0]) };

#define ENTRY_COLUMNS                                                                                                  \
  { COLUMN_INT64, offsetof (struct store_ledger_entry, entry) },                                                       \
      { COLUMN_INT64, offsetof (struct store_ledger_entry, at_ms) },                                                   \
      { COLUMN_TEXT, offsetof (struct store_ledger_entry, content) },                                                  \
      { COLUMN_DIGEST, offsetof (struct store_ledger_entry, previous) },                                               \
  {                                                                                                                    \
    COLUMN_DIGEST, offsetof (struct store_ledger_entry, sha256)                                                        \
  }

const struct column store_ledger_columns[STORE_LEDGER_COLUMNS] = { ENTRY_COLUMNS };

const struct column store_ledger_stream_columns[STORE_LEDGER_STREAM_COLUMNS] = {
  ENTRY_COLUMNS, { COLUMN_BOOL, offsetof (struct store_ledger_entry, is_derived) }
};

static void
optional_number (struct parameters *parameters, const struct optional_int64 *value)
{
  if (value->present)
    parameter_int64 (parameters, value->value);
  else
    parameter_null (parameters);
}

static int
statement_of (const struct store_ledger_filter *filter)
{
  if (0 == filter->registered_model_id)
    return NULL != filter->model.data ? LIST_NAME : NULL != filter->action.data ? LIST_ACTION : LIST_WORKSPACE;
  return NULL != filter->alias.data ? LIST_MODEL_ALIAS : filter->version.present ? LIST_MODEL_VERSION : LIST_MODEL;
}

enum err_code
store_ledger_list (struct result *result, struct store_connection *connection, const struct store_ledger_filter *filter,
                   int64_t before, int64_t limit, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, filter->workspace_id);
  if (0 != filter->registered_model_id)
    parameter_int64 (&parameters, filter->registered_model_id);
  else
    parameter_text (&parameters, filter->model);
  optional_number (&parameters, &filter->version);
  parameter_text (&parameters, filter->alias);
  parameter_text (&parameters, filter->action);
  parameter_text (&parameters, filter->actor);
  optional_number (&parameters, &filter->from_ms);
  optional_number (&parameters, &filter->to_ms);
  parameter_int64 (&parameters, filter->account_id);
  parameter_int32 (&parameters, filter->fallback);
  parameter_int64 (&parameters, before);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[statement_of (filter)], &parameters, err);
}

enum err_code
store_ledger_stream (struct store_connection *connection, int64_t after, int64_t limit, store_row row, void *context,
                     struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, after);
  parameter_int64 (&parameters, limit);
  return store_stream (connection, &statements[STREAM], &parameters, row, context, err);
}

enum err_code
store_ledger_head (struct store_ledger_head *head, struct store_connection *connection, struct err *err)
{
  struct result result = { NULL };
  enum err_code code = store_query_one (head, &result, connection, &statements[HEAD], NULL, store_ledger_head_columns,
                                        STORE_LEDGER_HEAD_COLUMNS, err);

  result_free (&result);
  return code;
}
