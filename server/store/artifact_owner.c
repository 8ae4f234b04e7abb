/* Runs and logged models as owners of artifacts. */
#include "store/artifact_owner.h"

#include <stddef.h>

enum
{
  READ
};

static const struct statement statements[] = {
  /* By the keys, whatever the planner thinks of the length of an array. */
  [READ] = { "artifact_owners",
             "SELECT 0::int2 AS kind, replace(r.run_id::text, '-', '') AS id, r.experiment_id, r.artifact_uri,"
             "  r.deleted_at_ms IS NOT NULL AS deleted"
             " FROM unnest((SELECT $1::uuid[])) AS w (wanted),"
             "  LATERAL (SELECT * FROM run WHERE run_id = w.wanted OFFSET 0) AS r"
             " UNION ALL"
             " SELECT 1::int2, m.model_id, m.experiment_id, m.artifact_uri, m.deleted_at_ms IS NOT NULL"
             " FROM unnest((SELECT $2::text[])) AS w (wanted),"
             "  LATERAL (SELECT * FROM logged_model WHERE model_id = w.wanted COLLATE \"C\" OFFSET 0) AS m",
             2 },
};

const struct statement_table store_artifact_owner_statements = { statements,
                                                                 sizeof (statements) / sizeof (statements[0]) };

struct owner_row
{
  int16_t kind;
  struct slice id;
  int64_t experiment_id;
  struct slice artifact_uri;
  bool deleted;
};

static const struct column columns[] = {
  { COLUMN_INT16, offsetof (struct owner_row, kind) },
  { COLUMN_TEXT, offsetof (struct owner_row, id) },
  { COLUMN_INT64, offsetof (struct owner_row, experiment_id) },
  { COLUMN_TEXT, offsetof (struct owner_row, artifact_uri) },
  { COLUMN_BOOL, offsetof (struct owner_row, deleted) },
};

enum err_code
store_owners_read (struct store_owner **owners, size_t *count, struct store_connection *connection,
                   const struct uuid *run_ids, size_t run_count, const struct slice *model_ids, size_t model_count,
                   struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *owners = NULL;
  *count = 0;
  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, run_count);
  parameter_text_array (&parameters, model_ids, model_count);
  code = store_query (&result, connection, &statements[READ], &parameters, err);
  if (ERR_OK != code)
    goto out;
  *owners = arena_array (arena, result_count (&result), sizeof (struct store_owner));
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct owner_row row;

    code = result_row (&row, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK != code || NULL == *owners)
      break;
    (*owners)[i] = (struct store_owner){
      .kind = 0 == row.kind ? STORE_OWNER_RUN : STORE_OWNER_MODEL,
      .id = { arena_string (arena, row.id), row.id.len },
      .experiment_id = row.experiment_id,
      .artifact_uri = { arena_string (arena, row.artifact_uri), row.artifact_uri.len },
      .deleted = row.deleted,
    };
    *count = i + 1;
  }
  if (ERR_OK == code && arena_overflowed (arena))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
out:
  result_free (&result);
  return code;
}
