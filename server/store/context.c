/* Contexts of metric points in PostgreSQL. */
#include "store/context.h"

enum
{
  FIND,
  MAKE,
  RESOLVE,
  LINK,
  RUNS_OF_MODELS,
  RUNS_OF_EXPERIMENTS
};

/* Behind a table that gives c.model_id; the condition on it is that of the index. */
#define RUNS_SELECT "SELECT c.model_id, c.context_id, c.dataset_name, c.dataset_digest, l.run_id"
#define RUNS_JOIN " JOIN metric_context_run l ON l.context_id = c.context_id JOIN run r ON r.run_id = l.run_id"

static const struct statement statements[] = {
  [FIND] = { "context_find", "SELECT context_id FROM metric_context WHERE digest = $1::bytea", 1 },
  [MAKE] = { "context_make",
             "INSERT INTO metric_context (digest, model_id, dataset_name, dataset_digest)"
             " VALUES ($1::bytea, $2::text, $3::text, $4::text) ON CONFLICT DO NOTHING",
             4 },
  [RESOLVE] = { "context_resolve",
                "WITH wanted AS (SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY"
                "  AS u (digest, model_id, dataset_name, dataset_digest, item)"
                "  WHERE EXISTS (SELECT FROM logged_model m WHERE m.model_id = u.model_id)),"
                " made AS (INSERT INTO metric_context (digest, model_id, dataset_name, dataset_digest)"
                "  SELECT w.digest, w.model_id, w.dataset_name, w.dataset_digest FROM wanted w"
                "  WHERE NOT EXISTS (SELECT FROM metric_context c WHERE c.digest = w.digest) ORDER BY w.digest"
                "  ON CONFLICT (digest) DO NOTHING RETURNING context_id, digest)"
                " SELECT w.item, coalesce(m.context_id, c.context_id, 0) FROM wanted w"
                " LEFT JOIN made m ON m.digest = w.digest LEFT JOIN metric_context c ON c.digest = w.digest",
                4 },
  [LINK] = { "context_link",
             "INSERT INTO metric_context_run (context_id, run_id)"
             " SELECT u.context_id::int4, u.run_id FROM unnest($1::int8[], $2::uuid[]) AS u (context_id, run_id)"
             " ORDER BY 1, 2 ON CONFLICT DO NOTHING",
             2 },
  [RUNS_OF_MODELS] = { "context_runs_of_models",
                       RUNS_SELECT " FROM unnest((SELECT $1::text[])) AS w (model_id) JOIN metric_context c"
                                   "  ON c.model_id = w.model_id AND c.model_id <> ''" RUNS_JOIN " ORDER BY 1, 2",
                       1 },
  [RUNS_OF_EXPERIMENTS] = { "context_runs_of_experiments",
                            RUNS_SELECT " FROM logged_model m JOIN metric_context c"
                                        "  ON c.model_id = m.model_id AND c.model_id <> ''" RUNS_JOIN
                                        " WHERE m.experiment_id = ANY ($1::int8[]) AND m.deleted_at_ms IS NULL"
                                        " ORDER BY 1, 2",
                            1 },
};

const struct statement_table store_context_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

#define CONTEXT_TEXTS 3

/* SHA-256 over some texts, each behind its length in eight bytes, little-endian. */
static bool
digest_texts (struct digest *digest, const struct slice *texts, size_t count)
{
  struct digest_stream *stream = digest_start ();
  bool fine = NULL != stream;

  for (size_t i = 0; fine && i < count; i++)
  {
    char length[8];

    for (size_t j = 0; j < sizeof (length); j++)
      length[j] = (char)(unsigned char)((uint64_t)texts[i].len >> (8 * j));
    fine = digest_add (stream, (struct slice){ length, sizeof (length) }) && digest_add (stream, texts[i]);
  }
  fine = fine && digest_end (digest, stream);
  digest_free (stream);
  return fine;
}

static enum err_code
find_context (struct result *result, struct store_connection *connection, const struct digest *digest, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (digest));
  return store_query (result, connection, &statements[FIND], &parameters, err);
}

enum err_code
store_context_resolve (int32_t *context_id, struct store_connection *connection, struct slice model_id,
                       struct slice dataset_name, struct slice dataset_digest, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT32, 0 } };
  struct slice texts[CONTEXT_TEXTS] = { model_id, dataset_name, dataset_digest };
  struct digest digest;
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  for (size_t i = 0; i < CONTEXT_TEXTS; i++)
    if (NULL == texts[i].data)
      texts[i] = slice_of ("");
  if (! digest_texts (&digest, texts, CONTEXT_TEXTS))
    return err_set_cause (err, ERR_INTERNAL_ERROR, "SHA-256 is not available", "internal error");
  code = find_context (&result, connection, &digest, err);
  if (ERR_OK == code && 0 == result_count (&result))
  {
    parameters_init (&parameters, NULL);
    parameter_text (&parameters, digest_slice (&digest));
    for (size_t i = 0; i < CONTEXT_TEXTS; i++)
      parameter_text (&parameters, texts[i]);
    code = store_execute (NULL, connection, &statements[MAKE], &parameters, err);
    if (ERR_OK == code)
      code = find_context (&result, connection, &digest, err);
  }
  if (ERR_OK == code)
    code = result_row (context_id, &result, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

static enum err_code
fill_resolve (struct parameters *parameters, const struct store_context *contexts, size_t count, struct arena *arena,
              struct err *err)
{
  struct digest *digests = arena_array (arena, count, sizeof (*digests));
  struct slice *columns[1 + CONTEXT_TEXTS];

  for (size_t i = 0; i < sizeof (columns) / sizeof (columns[0]); i++)
    columns[i] = arena_array (arena, count, sizeof (struct slice));
  if (arena_overflowed (arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    struct slice texts[CONTEXT_TEXTS] = { contexts[i].model_id, contexts[i].dataset_name, contexts[i].dataset_digest };

    for (size_t j = 0; j < CONTEXT_TEXTS; j++)
    {
      texts[j] = NULL == texts[j].data ? SLICE ("") : texts[j];
      columns[1 + j][i] = texts[j];
    }
    if (! digest_texts (&digests[i], texts, CONTEXT_TEXTS))
      return err_set_cause (err, ERR_INTERNAL_ERROR, "SHA-256 is not available", "internal error");
    columns[0][i] = digest_slice (&digests[i]);
  }
  parameter_bytea_array (parameters, columns[0], count);
  for (size_t j = 0; j < CONTEXT_TEXTS; j++)
    parameter_text_array (parameters, columns[1 + j], count);
  return ERR_OK;
}

enum err_code
store_contexts_resolve (struct store_connection *connection, struct store_context *contexts, size_t count,
                        struct arena *arena, struct err *err)
{
  struct resolved
  {
    int64_t item; /* counted from 1 */
    int32_t context_id;
  } row;
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct resolved, item) },
                                           { COLUMN_INT32, offsetof (struct resolved, context_id) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  for (size_t i = 0; i < count; i++)
  {
    contexts[i].model_exists = false;
    contexts[i].context_id = 0;
  }
  parameters_init (&parameters, arena);
  code = fill_resolve (&parameters, contexts, count, arena, err);
  if (ERR_OK == code)
    code = store_query (&result, connection, &statements[RESOLVE], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    code = result_row (&row, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code && row.item >= 1 && (size_t)row.item <= count)
    {
      contexts[row.item - 1].model_exists = true;
      contexts[row.item - 1].context_id = row.context_id;
    }
  }
  result_free (&result);
  return code;
}

enum err_code
store_context_link (struct store_connection *connection, const struct store_context_links *links, struct arena *arena,
                    struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, links->context_ids, links->count);
  parameter_uuid_array (&parameters, links->run_ids, links->count);
  return store_execute (NULL, connection, &statements[LINK], &parameters, err);
}

struct reader
{
  store_context_run_row row;
  void *context;
};

static enum err_code
read_run (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, offsetof (struct store_context_run, model_id) },
                                           { COLUMN_INT32, offsetof (struct store_context_run, context_id) },
                                           { COLUMN_TEXT, offsetof (struct store_context_run, dataset_name) },
                                           { COLUMN_TEXT, offsetof (struct store_context_run, dataset_digest) },
                                           { COLUMN_UUID, offsetof (struct store_context_run, run_id) } };
  const struct reader *reader = context;
  struct store_context_run row;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->row (reader->context, &row, err) : code;
}

enum err_code
store_context_runs_of_models (struct store_connection *connection, const struct slice *model_ids, size_t count,
                              store_context_run_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { row, context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_text_array (&parameters, model_ids, count);
  return store_stream (connection, &statements[RUNS_OF_MODELS], &parameters, read_run, &reader, err);
}

enum err_code
store_context_runs_of_experiments (struct store_connection *connection, const int64_t *experiment_ids, size_t count,
                                   store_context_run_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { row, context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, experiment_ids, count);
  return store_stream (connection, &statements[RUNS_OF_EXPERIMENTS], &parameters, read_run, &reader, err);
}
