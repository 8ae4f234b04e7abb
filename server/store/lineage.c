/* Where versions of registered models come from, and what came out of something, in PostgreSQL.

   DESIGN
   One statement for each direction. It gives JSON, because what belongs together has many forms and goes to the client
   as it is; and it leaves out what the reader may not see, so that an answer never holds more than he could have asked
   for one by one. */
#include "store/lineage.h"

#include "store/access.h"

enum
{
  ORIGIN,
  OUTCOME_DIGEST,
  OUTCOME_NAME,
  OUTCOME_IDS,
  VERSIONS
};

#define HEX(id) "replace(" id "::text, '-', '')"
/* $1 workspace, $2 account, $3 default permission. */
#define READ_EXPERIMENT "e.workspace_id = $1::int8 AND " STORE_ACCESS_MAY_READ_EXPERIMENT ("$2", "$3::int4")
#define READ_MODEL                                                                                                     \
  "m.workspace_id = $1::int8 AND " STORE_ACCESS_MAY_READ_MODEL ("$2", "$3::int4", "m.name", "m.workspace_id")

#define RUN_MEMBERS                                                                                                    \
  "'run_id', " HEX (                                                                                                   \
      "r.run_id") ", 'run_name', r.name, 'experiment_id', r.experiment_id::text,"                                      \
                  " 'experiment_name', e.name, 'user_id', r.user_id,"                                                  \
                  " 'status', (ARRAY['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'])[r.status],"              \
                  " 'start_time', r.started_at_ms, 'end_time', r.ended_at_ms,"                                         \
                  " 'lifecycle_stage', CASE WHEN r.deleted_at_ms IS NOT NULL THEN 'deleted' END"
#define MODEL_MEMBERS                                                                                                  \
  "'model_id', l.model_id, 'name', l.name, 'model_type', nullif(l.model_type, ''),"                                    \
  " 'experiment_id', l.experiment_id::text, 'experiment_name', e.name, 'source_run_id', nullif(l.source_run_id, ''),"  \
  " 'created_at', l.created_at_ms"
#define VERSION_DOCUMENT                                                                                               \
  "jsonb_strip_nulls(jsonb_build_object('name', m.name, 'version', v.version,"                                         \
  " 'stage', (ARRAY['None', 'Staging', 'Production', 'Archived'])[v.stage + 1],"                                       \
  " 'aliases', (SELECT jsonb_agg(a.alias ORDER BY a.alias) FROM model_alias AS a"                                      \
  "  WHERE a.registered_model_id = v.registered_model_id AND a.version = v.version),"                                  \
  " 'run_id', nullif(v.run_id, ''), 'model_id', nullif(v.model_id, ''), 'source', v.source,"                           \
  " 'created_at', v.created_at_ms))"

/* What a run read and made. */
#define DATASETS                                                                                                       \
  "(SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', d.name, 'digest', d.digest,"                         \
  " 'source_type', d.source_type, 'source', d.source, 'context', u.tags ->> 'mlflow.data.context'))"                   \
  " ORDER BY u.position) FROM run_dataset AS u JOIN dataset AS d USING (dataset_id) WHERE u.run_id = r.run_id)"
#define LINKS(is_output)                                                                                               \
  "(SELECT jsonb_agg(x.model_id ORDER BY x.position) FROM run_model AS x WHERE x.run_id = r.run_id"                    \
  " AND x.is_output = " is_output ")"
/* Where its code was, as MLflow's clients tell it. */
#define CODE                                                                                                           \
  "nullif(jsonb_strip_nulls(jsonb_build_object('commit', r.tags -> 'mlflow.source.git.commit',"                        \
  " 'branch', r.tags -> 'mlflow.source.git.branch', 'repository', r.tags -> 'mlflow.source.git.repoURL',"              \
  " 'source_name', r.tags -> 'mlflow.source.name', 'source_type', r.tags -> 'mlflow.source.type',"                     \
  " 'dirty', r.tags -> 'mlflow.source.git.dirty')), '{}')"

#define OUTCOME(name, seeds)                                                                                           \
  {                                                                                                                    \
    name,                                                                                                              \
        "WITH given AS (SELECT unnest($5::uuid[]) AS run_id" seeds "),"                                                \
        " runs AS (SELECT r.run_id, " HEX (                                                                            \
            "r.run_id") " AS hex, r.started_at_ms,"                                                                    \
                        "  jsonb_strip_nulls(jsonb_build_object(" RUN_MEMBERS ")) AS document"                         \
                        "  FROM (SELECT DISTINCT run_id FROM given) AS s, LATERAL (SELECT * FROM run WHERE run_id = "  \
                        "s.run_id OFFSET 0)"                                                                           \
                        "   AS r JOIN experiment AS e ON e.experiment_id = r.experiment_id WHERE " READ_EXPERIMENT     \
                        "  ORDER BY r.started_at_ms DESC, r.run_id LIMIT $4::int8),"                                   \
                        " wanted AS (SELECT unnest($6::text[]) AS model_id"                                            \
                        "  UNION SELECT w.model_id FROM runs, LATERAL (SELECT model_id FROM logged_model"              \
                        "   WHERE source_run_id = runs.hex AND source_run_id <> '' OFFSET 0) AS w WHERE NOT $7::bool"  \
                        "  UNION SELECT w.model_id FROM runs, LATERAL (SELECT model_id FROM run_model"                 \
                        "   WHERE run_id = runs.run_id AND is_output OFFSET 0) AS w WHERE NOT $7::bool),"              \
                        " models AS (SELECT l.model_id, l.created_at_ms,"                                              \
                        "  jsonb_strip_nulls(jsonb_build_object(" MODEL_MEMBERS ")) AS document"                       \
                        "  FROM wanted AS w, LATERAL (SELECT * FROM logged_model WHERE model_id = w.model_id COLLATE " \
                        "\"C\" OFFSET 0)"                                                                              \
                        "   AS l JOIN experiment AS e ON e.experiment_id = l.experiment_id"                            \
                        "  WHERE l.deleted_at_ms IS NULL AND " READ_EXPERIMENT                                         \
                        "  ORDER BY l.created_at_ms DESC, l.model_id LIMIT $4::int8),"                                 \
                        " found AS (SELECT v.registered_model_id, v.version FROM runs, LATERAL (SELECT * FROM "        \
                        "model_version"                                                                                \
                        "   WHERE run_id = runs.hex AND run_id <> '' AND deleted_at_ms IS NULL OFFSET 0) AS v"         \
                        "  UNION SELECT v.registered_model_id, v.version FROM models, LATERAL (SELECT * FROM "         \
                        "model_version"                                                                                \
                        "   WHERE model_id = models.model_id AND model_id <> '' AND deleted_at_ms IS NULL OFFSET 0) "  \
                        "AS v),"                                                                                       \
                        " versions AS (SELECT v.created_at_ms, v.version, m.name, " VERSION_DOCUMENT " AS document"    \
                        "  FROM found JOIN model_version AS v USING (registered_model_id, version)"                    \
                        "  JOIN registered_model AS m USING (registered_model_id) WHERE " READ_MODEL                   \
                        "  ORDER BY v.created_at_ms DESC, m.name, v.version DESC LIMIT $4::int8)"                      \
                        " SELECT coalesce((SELECT jsonb_agg(document ORDER BY started_at_ms DESC, run_id) FROM "       \
                        "runs), '[]'),"                                                                                \
                        "  coalesce((SELECT jsonb_agg(document ORDER BY created_at_ms DESC, model_id) FROM models), "  \
                        "'[]'),"                                                                                       \
                        "  coalesce((SELECT jsonb_agg(document ORDER BY created_at_ms DESC, name, version DESC) FROM " \
                        "versions), '[]'),"                                                                            \
                        "  greatest((SELECT count(*) FROM runs), (SELECT count(*) FROM models), (SELECT count(*) "     \
                        "FROM versions))"                                                                              \
                        "   >= $4::int8 AND ($8::text IS NULL OR true) AND ($9::text IS NULL OR true)",                \
        9                                                                                                              \
  }

static const struct statement statements[] = {
  [ORIGIN] = { "lineage_origin",
               "WITH model AS (SELECT l.*, e.name AS experiment_name FROM logged_model AS l"
               "  JOIN experiment AS e ON e.experiment_id = l.experiment_id"
               "  WHERE l.model_id = $5::text AND l.deleted_at_ms IS NULL AND " READ_EXPERIMENT "),"
               " named AS (SELECT coalesce(nullif($4::text, ''), (SELECT source_run_id FROM model)) AS id)"
               " SELECT coalesce((SELECT jsonb_strip_nulls(jsonb_build_object(" RUN_MEMBERS ", 'code', " CODE
               ", 'datasets', " DATASETS ", 'input_models', " LINKS ("false") ", 'output_models', " LINKS (
                   "true") "))"
                           "   || jsonb_build_object('params', r.params)"
                           "  FROM named JOIN run AS r ON named.id ~ '^[0-9a-f]{32}$'"
                           "   AND r.run_id = CASE WHEN named.id ~ '^[0-9a-f]{32}$' THEN named.id::uuid END"
                           "  JOIN experiment AS e ON e.experiment_id = r.experiment_id WHERE " READ_EXPERIMENT
                           "), 'null'), coalesce((SELECT jsonb_strip_nulls(jsonb_build_object('model_id', model_id, "
                           "'name', name,"
                           "   'model_type', nullif(model_type, ''), 'experiment_id', experiment_id::text,"
                           "   'experiment_name', experiment_name, 'source_run_id', nullif(source_run_id, ''),"
                           "   'artifact_location', artifact_uri, 'created_at', created_at_ms,"
                           "   'evaluated_on', (SELECT jsonb_agg(DISTINCT jsonb_build_object('name', c.dataset_name,"
                           "    'digest', c.dataset_digest)) FROM metric_context AS c WHERE c.model_id = model.model_id"
                           "    AND c.model_id <> '' AND c.dataset_name <> '')))"
                           "   || jsonb_build_object('params', params) FROM model), 'null')",
               5 },
  [OUTCOME_DIGEST] = OUTCOME ("lineage_outcome_digest",
                              " UNION SELECT u.run_id FROM dataset AS d JOIN run_dataset AS u USING (dataset_id)"
                              "  WHERE d.digest = $9::text AND ($8::text IS NULL OR d.name = $8::text)"),
  [OUTCOME_NAME] = OUTCOME ("lineage_outcome_name",
                            " UNION SELECT u.run_id FROM dataset AS d JOIN run_dataset AS u USING (dataset_id)"
                            "  WHERE d.name = $8::text"),
  [OUTCOME_IDS] = OUTCOME ("lineage_outcome_ids",
                           " UNION SELECT x.run_id FROM unnest($6::text[]) AS w (wanted), LATERAL (SELECT run_id"
                           "  FROM run_model WHERE model_id = w.wanted COLLATE \"C\" AND NOT is_output OFFSET 0) AS x"
                           "  WHERE NOT $7::bool"),
  [VERSIONS] = { "lineage_versions",
                 "WITH RECURSIVE found (registered_model_id, version) AS ("
                 "(SELECT v.registered_model_id, v.version FROM unnest($4::uuid[]) AS w (wanted),"
                 "  LATERAL (SELECT * FROM model_version WHERE run_id = " HEX (
                     "w.wanted") "   AND run_id <> '' AND deleted_at_ms IS NULL OFFSET 0) AS v"
                                 " UNION SELECT v.registered_model_id, v.version FROM unnest($5::text[]) AS w (wanted),"
                                 "  LATERAL (SELECT * FROM model_version WHERE model_id = w.wanted COLLATE \"C\" AND "
                                 "model_id <> ''"
                                 "   AND deleted_at_ms IS NULL OFFSET 0) AS v)"
                                 " UNION SELECT v.registered_model_id, v.version FROM found"
                                 "  JOIN registered_model AS m USING (registered_model_id),"
                                 "  LATERAL (SELECT * FROM model_version WHERE md5(source) = md5('models:/' || m.name "
                                 "|| '/'"
                                 "   || found.version) AND source = 'models:/' || m.name || '/' || found.version"
                                 "   AND deleted_at_ms IS NULL OFFSET 0) AS v)"
                                 " SELECT coalesce(v.storage_location, v.source), " VERSION_DOCUMENT
                                 " FROM found JOIN model_version AS v USING (registered_model_id, version)"
                                 " JOIN registered_model AS m USING (registered_model_id) WHERE " READ_MODEL
                                 " ORDER BY m.name, v.version LIMIT $6::int8",
                 6 },
};

const struct statement_table store_lineage_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const struct column store_lineage_version_columns[STORE_LINEAGE_VERSION_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_lineage_version, location) },
  { COLUMN_JSON, offsetof (struct store_lineage_version, document) },
};

static void
bind_reader (struct parameters *parameters, const struct store_lineage_reader *reader, struct arena *arena)
{
  parameters_init (parameters, arena);
  parameter_int64 (parameters, reader->workspace_id);
  parameter_int64 (parameters, reader->account_id);
  parameter_int32 (parameters, reader->fallback);
}

enum err_code
store_lineage_origin (struct store_lineage_origin *origin, struct result *result, struct store_connection *connection,
                      const struct store_lineage_reader *reader, struct slice run_id, struct slice model_id,
                      struct err *err)
{
  static const struct column columns[] = { { COLUMN_JSON, offsetof (struct store_lineage_origin, run) },
                                           { COLUMN_JSON, offsetof (struct store_lineage_origin, logged_model) } };
  struct parameters parameters;

  bind_reader (&parameters, reader, NULL);
  parameter_text (&parameters, run_id);
  parameter_text (&parameters, model_id);
  return store_query_one (origin, result, connection, &statements[ORIGIN], &parameters, columns, COLUMN_COUNT (columns),
                          err);
}

enum err_code
store_lineage_outcome (struct store_lineage_outcome *outcome, struct result *result,
                       struct store_connection *connection, const struct store_lineage_reader *reader,
                       const struct store_lineage_seed *seed, int64_t limit, struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_JSON, offsetof (struct store_lineage_outcome, runs) },
                                           { COLUMN_JSON, offsetof (struct store_lineage_outcome, logged_models) },
                                           { COLUMN_JSON, offsetof (struct store_lineage_outcome, model_versions) },
                                           { COLUMN_BOOL, offsetof (struct store_lineage_outcome, truncated) } };
  int which = NULL != seed->dataset_digest.data ? OUTCOME_DIGEST
              : NULL != seed->dataset_name.data ? OUTCOME_NAME
                                                : OUTCOME_IDS;
  struct parameters parameters;

  bind_reader (&parameters, reader, arena);
  parameter_int64 (&parameters, limit);
  parameter_uuid_array (&parameters, seed->run_ids, seed->run_count);
  parameter_text_array (&parameters, seed->model_ids, seed->model_count);
  parameter_bool (&parameters, seed->only_these);
  parameter_text (&parameters, seed->dataset_name);
  parameter_text (&parameters, seed->dataset_digest);
  return store_query_one (outcome, result, connection, &statements[which], &parameters, columns, COLUMN_COUNT (columns),
                          err);
}

enum err_code
store_lineage_versions (struct result *result, struct store_connection *connection,
                        const struct store_lineage_reader *reader, const struct uuid *run_ids, size_t run_count,
                        const struct slice *model_ids, size_t model_count, int64_t limit, struct arena *arena,
                        struct err *err)
{
  struct parameters parameters;

  bind_reader (&parameters, reader, arena);
  parameter_uuid_array (&parameters, run_ids, run_count);
  parameter_text_array (&parameters, model_ids, model_count);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[VERSIONS], &parameters, err);
}
