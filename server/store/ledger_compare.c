/* Comparing the tables of the registry with the ledger in PostgreSQL.

   DESIGN
   The last entry on each alias, version and model decides what should be there; a model that was deleted has nothing.
   The sorting that this needs is done by the database, which has disks for it. */
#include "store/ledger_compare.h"

#include <stddef.h>

enum
{
  NO_TIMEOUT,
  COMPARE_MODELS,
  COMPARE_VERSIONS,
  COMPARE_ALIASES,
  COMPARE_COUNT
};

/* Of models that are not gone. */
#define IS_LEFT " AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.registered_model_id = l.registered_model_id)"

static const struct statement statements[] = {
  [NO_TIMEOUT] = { "ledger_no_timeout", "SELECT set_config('statement_timeout', '0', true)", 0 },
  [COMPARE_MODELS] = { "ledger_compare_models",
                       "WITH gone AS (SELECT registered_model_id FROM ledger WHERE action = 'model.delete'),"
                       " c AS (SELECT DISTINCT ON (registered_model_id) registered_model_id, entry,"
                       "  content::jsonb #>> '{after,name}' AS name FROM ledger AS l"
                       "  WHERE registered_model_id IS NOT NULL AND action IN ('model.create', 'model.rename')" IS_LEFT
                       "  ORDER BY registered_model_id, entry DESC)"
                       " SELECT coalesce(c.entry, 0), 'a model', coalesce(quote_literal(c.name), 'nothing'),"
                       "  coalesce(quote_literal(m.name), 'nothing')"
                       " FROM c FULL JOIN registered_model AS m USING (registered_model_id)"
                       " WHERE c.name IS DISTINCT FROM m.name ORDER BY 1 LIMIT 1",
                       0 },
  [COMPARE_VERSIONS] = { "ledger_compare_versions",
                         "WITH gone AS (SELECT registered_model_id FROM ledger WHERE action = 'model.delete'),"
                         " c AS (SELECT DISTINCT ON (registered_model_id, version) registered_model_id, version, "
                         "entry, model_name,"
                         "  CASE action WHEN 'version.create' THEN 'None' WHEN 'version.delete' THEN NULL"
                         "   ELSE content::jsonb #>> '{after,stage}' END AS stage FROM ledger AS l"
                         "  WHERE version IS NOT NULL AND action IN ('version.create', 'version.stage', "
                         "'version.delete')" IS_LEFT "  ORDER BY registered_model_id, version, entry DESC),"
                         " v AS (SELECT v.registered_model_id, v.version, m.name,"
                         "  (ARRAY['None', 'Staging', 'Production', 'Archived'])[v.stage + 1] AS stage"
                         "  FROM model_version AS v JOIN registered_model AS m USING (registered_model_id)"
                         "  WHERE v.deleted_at_ms IS NULL)"
                         " SELECT coalesce(c.entry, 0), format('version %s of model %L', version, coalesce(v.name, "
                         "c.model_name)),"
                         "  coalesce('stage ' || c.stage, 'nothing'), coalesce('stage ' || v.stage, 'nothing')"
                         " FROM c FULL JOIN v USING (registered_model_id, version)"
                         " WHERE c.stage IS DISTINCT FROM v.stage ORDER BY 1 LIMIT 1",
                         0 },
  [COMPARE_ALIASES] = { "ledger_compare_aliases",
                        "WITH gone AS (SELECT registered_model_id FROM ledger WHERE action = 'model.delete'),"
                        " c AS (SELECT DISTINCT ON (registered_model_id, alias) registered_model_id, alias, entry, "
                        "model_name,"
                        "  (content::jsonb #>> '{after,version}')::int8 AS version FROM ledger AS l"
                        "  WHERE alias IS NOT NULL AND registered_model_id IS NOT NULL" IS_LEFT
                        "  ORDER BY registered_model_id, alias, entry DESC),"
                        " a AS (SELECT a.registered_model_id, a.alias, a.version, m.name"
                        "  FROM model_alias AS a JOIN registered_model AS m USING (registered_model_id))"
                        " SELECT coalesce(c.entry, 0), format('alias %L of model %L', alias, coalesce(a.name, "
                        "c.model_name)),"
                        "  coalesce('version ' || c.version, 'nothing'), coalesce('version ' || a.version, 'nothing')"
                        " FROM c FULL JOIN a USING (registered_model_id, alias)"
                        " WHERE c.version IS DISTINCT FROM a.version ORDER BY 1 LIMIT 1",
                        0 },
};

const struct statement_table store_ledger_compare_statements = { statements,
                                                                 sizeof (statements) / sizeof (statements[0]) };

enum err_code
store_ledger_no_timeout (struct store_connection *connection, struct err *err)
{
  return store_execute (NULL, connection, &statements[NO_TIMEOUT], NULL, err);
}

enum err_code
store_ledger_compare (struct store_ledger_difference *difference, struct result *result,
                      struct store_connection *connection, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct store_ledger_difference, entry) },
                                           { COLUMN_TEXT, offsetof (struct store_ledger_difference, what) },
                                           { COLUMN_TEXT, offsetof (struct store_ledger_difference, chain) },
                                           { COLUMN_TEXT, offsetof (struct store_ledger_difference, registry) } };
  enum err_code code = ERR_RESOURCE_DOES_NOT_EXIST;

  for (int i = COMPARE_MODELS; ERR_RESOURCE_DOES_NOT_EXIST == code && i < COMPARE_COUNT; i++)
    code = store_query_one (difference, result, connection, &statements[i], NULL, columns, COLUMN_COUNT (columns), err);
  return code;
}
