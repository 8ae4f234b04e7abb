/* Data sets and models of runs, in PostgreSQL. */
#include "store/dataset.h"

#include "store/pipeline.h"

enum
{
  TOUCH,
  ADD_DATASETS,
  LINK_DATASETS,
  LINK_MODELS,
  DATASETS,
  MODELS,
  SEARCH
};

static const struct statement statements[] = {
  [TOUCH] = { "dataset_touch_run",
              "UPDATE run SET changed = pg_current_xact_id() WHERE run_id = $1::uuid AND deleted_at_ms IS NULL"
              " RETURNING experiment_id",
              1 },
  [ADD_DATASETS] = { "dataset_add",
                     "INSERT INTO dataset (experiment_id, name, digest, source_type, source, schema, profile)"
                     " SELECT $1::int8, u.name, u.digest, u.source_type, u.source, u.schema, u.profile"
                     " FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])"
                     "  WITH ORDINALITY AS u (name, digest, source_type, source, schema, profile, place)"
                     " WHERE NOT EXISTS (SELECT FROM dataset d"
                     "  WHERE d.experiment_id = $1::int8 AND d.name = u.name AND d.digest = u.digest)"
                     " ORDER BY u.place ON CONFLICT (experiment_id, name, digest) DO NOTHING",
                     7 },
  [LINK_DATASETS] = { "dataset_link",
                      "INSERT INTO run_dataset (run_id, dataset_id, tags)"
                      " SELECT $1::uuid, d.dataset_id, u.tags::jsonb"
                      " FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS u (name, digest, tags, "
                      "place)"
                      " JOIN dataset d ON d.experiment_id = $2::int8 AND d.name = u.name AND d.digest = u.digest"
                      " ORDER BY u.place ON CONFLICT (run_id, dataset_id) DO NOTHING",
                      5 },
  [LINK_MODELS] = { "dataset_link_models",
                    "INSERT INTO run_model (run_id, is_output, model_id, step)"
                    " SELECT $1::uuid, $2::bool, u.model_id, u.step"
                    " FROM unnest($3::text[], $4::int8[]) WITH ORDINALITY AS u (model_id, step, place) ORDER BY u.place"
                    " ON CONFLICT (run_id, is_output, model_id) DO UPDATE SET step = excluded.step",
                    4 },
  /* One index scan for each run; the order is that of the runs asked for, then of linking. */
  [DATASETS] = { "dataset_of_runs",
                 "SELECT l.run_id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile, l.tags"
                 " FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS w (run_id, place),"
                 " LATERAL (SELECT * FROM run_dataset WHERE run_id = w.run_id OFFSET 0) AS l"
                 " JOIN dataset d ON d.dataset_id = l.dataset_id ORDER BY w.place, l.position",
                 1 },
  [MODELS] = { "dataset_models_of_runs",
               "SELECT m.run_id, m.is_output, m.model_id, m.step"
               " FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS w (run_id, place),"
               " LATERAL (SELECT * FROM run_model WHERE run_id = w.run_id OFFSET 0) AS m"
               " ORDER BY w.place, m.is_output, m.position",
               1 },
  [SEARCH] = { "dataset_search",
               "SELECT DISTINCT d.experiment_id, d.name, d.digest, l.tags ->> 'mlflow.data.context'"
               " FROM dataset d JOIN run_dataset l ON l.dataset_id = d.dataset_id"
               " WHERE d.experiment_id = ANY ($1::int8[]) ORDER BY 1, 2, 3, 4 LIMIT $2::int8",
               2 },
};

const struct statement_table store_dataset_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

struct link
{
  const struct uuid *run_id;
  const struct store_dataset *datasets;
  size_t dataset_count;
  const struct store_model_link *models;
  size_t model_count;
  bool models_are_outputs;
  struct arena *arena;
  bool changed;
};

/* One member of all data sets as an array parameter. */
static void
parameter_member (struct parameters *parameters, const struct link *link, size_t offset)
{
  struct slice *items = arena_array (link->arena, link->dataset_count, sizeof (struct slice));

  if (NULL == items)
  {
    parameters->failed = true;
    return;
  }
  for (size_t i = 0; i < link->dataset_count; i++)
    memcpy (&items[i], (const char *)&link->datasets[i] + offset, sizeof (items[i]));
  parameter_text_array (parameters, items, link->dataset_count);
}

static void
queue_datasets (struct pipeline *pipeline, const struct link *link, int64_t experiment_id)
{
  struct parameters *parameters = pipeline_add (NULL, pipeline, &statements[ADD_DATASETS]);

  parameter_int64 (parameters, experiment_id);
  parameter_member (parameters, link, offsetof (struct store_dataset, name));
  parameter_member (parameters, link, offsetof (struct store_dataset, digest));
  parameter_member (parameters, link, offsetof (struct store_dataset, source_type));
  parameter_member (parameters, link, offsetof (struct store_dataset, source));
  parameter_member (parameters, link, offsetof (struct store_dataset, schema));
  parameter_member (parameters, link, offsetof (struct store_dataset, profile));
  parameters = pipeline_add (NULL, pipeline, &statements[LINK_DATASETS]);
  parameter_uuid (parameters, link->run_id);
  parameter_int64 (parameters, experiment_id);
  parameter_member (parameters, link, offsetof (struct store_dataset, name));
  parameter_member (parameters, link, offsetof (struct store_dataset, digest));
  parameter_member (parameters, link, offsetof (struct store_dataset, tags));
}

static enum err_code
queue_models (struct pipeline *pipeline, const struct link *link, struct err *err)
{
  struct slice *model_ids = arena_array (link->arena, link->model_count, sizeof (struct slice));
  int64_t *steps = arena_array (link->arena, link->model_count, sizeof (int64_t));
  struct parameters *parameters;

  if (NULL == model_ids || NULL == steps)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < link->model_count; i++)
  {
    model_ids[i] = link->models[i].model_id;
    steps[i] = link->models[i].step;
  }
  parameters = pipeline_add (NULL, pipeline, &statements[LINK_MODELS]);
  parameter_uuid (parameters, link->run_id);
  parameter_bool (parameters, link->models_are_outputs);
  parameter_text_array (parameters, model_ids, link->model_count);
  parameter_int64_array (parameters, steps, link->model_count);
  return ERR_OK;
}

/* One round trip to find and lock the run, one to write and commit. */
static enum err_code
link_work (struct store_connection *connection, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct link *link = context;
  struct result result = { NULL };
  struct parameters parameters;
  struct pipeline pipeline;
  int64_t experiment_id = 0;
  enum err_code code;

  link->changed = false;
  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, link->run_id);
  code = store_query (&result, connection, &statements[TOUCH], &parameters, err);
  if (ERR_OK != code || 0 == result_count (&result))
    goto out;
  link->changed = true;
  code = result_row (&experiment_id, &result, 0, columns, COLUMN_COUNT (columns), err);
  pipeline_init (&pipeline, connection, link->arena);
  if (ERR_OK == code && link->dataset_count > 0)
    queue_datasets (&pipeline, link, experiment_id);
  if (ERR_OK == code && link->model_count > 0)
    code = queue_models (&pipeline, link, err);
  if (ERR_OK == code)
    code = pipeline_commit (&pipeline, err);
out:
  result_free (&result);
  return code;
}

enum err_code
store_run_link (bool *changed, struct store_connection *connection, const struct uuid *run_id,
                const struct store_dataset *datasets, size_t dataset_count, const struct store_model_link *models,
                size_t model_count, bool models_are_outputs, struct arena *arena, struct err *err)
{
  struct link link = { .run_id = run_id,
                       .datasets = datasets,
                       .dataset_count = dataset_count,
                       .models = models,
                       .model_count = model_count,
                       .models_are_outputs = models_are_outputs,
                       .arena = arena };
  enum err_code code = store_transaction (connection, STORE_WRITE, link_work, &link, err);

  *changed = link.changed;
  return code;
}

/* Who gets the decoded rows of a stream. */
struct reader
{
  store_dataset_row dataset;
  store_model_row model;
  store_summary_row summary;
  void *context;
};

static enum err_code
read_dataset (const struct result *result, void *context, struct err *err)
{
  struct dataset_row
  {
    struct uuid run_id;
    struct store_dataset dataset;
  } row;
  static const struct column columns[] = {
    { COLUMN_UUID, offsetof (struct dataset_row, run_id) },
    { COLUMN_TEXT, offsetof (struct dataset_row, dataset.name) },
    { COLUMN_TEXT, offsetof (struct dataset_row, dataset.digest) },
    { COLUMN_TEXT, offsetof (struct dataset_row, dataset.source_type) },
    { COLUMN_TEXT, offsetof (struct dataset_row, dataset.source) },
    { COLUMN_TEXT, offsetof (struct dataset_row, dataset.schema) },
    { COLUMN_TEXT, offsetof (struct dataset_row, dataset.profile) },
    { COLUMN_JSON, offsetof (struct dataset_row, dataset.tags) },
  };
  const struct reader *reader = context;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->dataset (reader->context, &row.run_id, &row.dataset, err) : code;
}

static enum err_code
read_model (const struct result *result, void *context, struct err *err)
{
  struct model_row
  {
    struct uuid run_id;
    bool is_output;
    struct store_model_link model;
  } row;
  static const struct column columns[] = {
    { COLUMN_UUID, offsetof (struct model_row, run_id) },
    { COLUMN_BOOL, offsetof (struct model_row, is_output) },
    { COLUMN_TEXT, offsetof (struct model_row, model.model_id) },
    { COLUMN_INT64, offsetof (struct model_row, model.step) },
  };
  const struct reader *reader = context;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->model (reader->context, &row.run_id, row.is_output, &row.model, err) : code;
}

static enum err_code
read_summary (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = {
    { COLUMN_INT64, offsetof (struct store_dataset_summary, experiment_id) },
    { COLUMN_TEXT, offsetof (struct store_dataset_summary, name) },
    { COLUMN_TEXT, offsetof (struct store_dataset_summary, digest) },
    { COLUMN_TEXT, offsetof (struct store_dataset_summary, context) },
  };
  const struct reader *reader = context;
  struct store_dataset_summary summary;
  enum err_code code = result_row (&summary, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->summary (reader->context, &summary, err) : code;
}

enum err_code
store_run_datasets (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                    store_dataset_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .dataset = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  return store_stream (connection, &statements[DATASETS], &parameters, read_dataset, &reader, err);
}

enum err_code
store_run_models (struct store_connection *connection, const struct uuid *run_ids, size_t count, store_model_row row,
                  void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .model = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  return store_stream (connection, &statements[MODELS], &parameters, read_model, &reader, err);
}

enum err_code
store_dataset_search (struct store_connection *connection, const int64_t *experiment_ids, size_t count,
                      int64_t max_results, store_summary_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .summary = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, experiment_ids, count);
  parameter_int64 (&parameters, max_results);
  return store_stream (connection, &statements[SEARCH], &parameters, read_summary, &reader, err);
}
