/* Making runs, many in one statement; those whose id the client chose may be there already.

   DESIGN
   A given id is made once, whatever is sent at the same time: within a group only the first of a run's repetitions goes
   into the statement; between groups and daemons the primary key decides, and who comes second reads what the first one
   left. The rows go in by id, so that two groups cannot wait for each other.
   A run that is removed for good at this moment is gone from `run` and noted in `run_gone` by one transaction. The
   statement looks into both, in one snapshot: one of them has it. The primary key alone would wait for the removal and
   then make the run anew. */
#include "store/run.h"

#include <stdlib.h>

enum
{
  CREATE,
  CREATE_GIVEN,
  FIND,
  EXPERIMENT_EXISTS
};

#define COLUMNS "run_id, experiment_id, name, user_id, started_at_ms, tags"
/* The share lock keeps an experiment from being deleted between the check and the commit. */
#define CREATE_RUNS                                                                                                    \
  "WITH input AS (SELECT * FROM unnest($1::uuid[], $2::int8[], $3::text[], $4::text[], $5::int8[], $6::text[])"        \
  "  AS u (" COLUMNS ")),"                                                                                             \
  " active AS MATERIALIZED (SELECT experiment_id, artifact_location FROM experiment"                                   \
  "  WHERE experiment_id = ANY ($2::int8[]) AND deleted_at_ms IS NULL FOR SHARE)"                                      \
  " INSERT INTO run (run_id, experiment_id, name, user_id, status, started_at_ms, artifact_uri, tags)"                 \
  " SELECT i.run_id, i.experiment_id, i.name, i.user_id, 1, i.started_at_ms,"                                          \
  "  rtrim(split_part(a.artifact_location, '?', 1), '/') || '/' || replace(i.run_id::text, '-', '')"                   \
  "   || '/artifacts' || coalesce(substring(a.artifact_location from '[?].*'), ''),"                                   \
  "  i.tags::jsonb FROM input i JOIN active a ON a.experiment_id = i.experiment_id"
#define RETURNING " RETURNING run_id, experiment_id, artifact_uri"
/* A subquery for each row: a join may read the whole table. */
#define IS_IN(table) "(SELECT true FROM " table " AS t WHERE t.run_id = i.run_id)"

static const struct statement statements[] = {
  [CREATE] = { "run_create", CREATE_RUNS RETURNING, 6 },
  [CREATE_GIVEN] = { "run_create_given",
                     CREATE_RUNS " WHERE " IS_IN ("run") " IS NULL AND " IS_IN (
                         "run_gone") " IS NULL"
                                     " ORDER BY i.run_id ON CONFLICT (run_id) DO NOTHING" RETURNING,
                     6 },
  [FIND] = { "run_create_find",
             "SELECT run_id, experiment_id, deleted_at_ms IS NOT NULL FROM run WHERE run_id = ANY ($1::uuid[])"
             " UNION ALL SELECT run_id, experiment_id, true FROM run_gone WHERE run_id = ANY ($1::uuid[])",
             1 },
  [EXPERIMENT_EXISTS] = { "run_experiment_exists",
                          "SELECT experiment_id FROM experiment WHERE experiment_id = ANY ($1::int8[])", 1 },
};

const struct statement_table store_run_create_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

/* Some new runs of a group. */
struct part
{
  struct store_new_run **runs;
  size_t count;
};

/* Columns of a batch insert, one array each. */
struct create_arrays
{
  struct uuid *run_ids;
  int64_t *experiment_ids;
  struct slice *names;
  struct slice *user_ids;
  int64_t *started_at_ms;
  struct slice *tags;
};

static enum err_code
fill_arrays (struct create_arrays *arrays, const struct part *part, struct arena *arena, struct err *err)
{
  arrays->run_ids = arena_array (arena, part->count, sizeof (struct uuid));
  arrays->experiment_ids = arena_array (arena, part->count, sizeof (int64_t));
  arrays->names = arena_array (arena, part->count, sizeof (struct slice));
  arrays->user_ids = arena_array (arena, part->count, sizeof (struct slice));
  arrays->started_at_ms = arena_array (arena, part->count, sizeof (int64_t));
  arrays->tags = arena_array (arena, part->count, sizeof (struct slice));
  if (arena_overflowed (arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < part->count; i++)
  {
    arrays->run_ids[i] = part->runs[i]->run_id;
    arrays->experiment_ids[i] = part->runs[i]->experiment_id;
    arrays->names[i] = part->runs[i]->name;
    arrays->user_ids[i] = part->runs[i]->user_id;
    arrays->started_at_ms[i] = part->runs[i]->started_at_ms;
    arrays->tags[i] = part->runs[i]->tags;
  }
  return ERR_OK;
}

/* By run and experiment. */
static int
compare (const void *a, const void *b)
{
  const struct store_new_run *one = *(const struct store_new_run *const *)a;
  const struct store_new_run *other = *(const struct store_new_run *const *)b;
  int order = memcmp (&one->run_id, &other->run_id, sizeof (one->run_id));

  return 0 != order ? order : (one->experiment_id > other->experiment_id) - (one->experiment_id < other->experiment_id);
}

/* Sort by id and leave out repetitions. Which of them stays does not matter: all were sent at the same time. */
static void
keep_distinct (struct part *part)
{
  size_t kept = 0;

  qsort (part->runs, part->count, sizeof (struct store_new_run *), compare);
  for (size_t i = 0; i < part->count; i++)
    if (0 == kept || 0 != compare (&part->runs[kept - 1], &part->runs[i]))
      part->runs[kept++] = part->runs[i];
  part->count = kept;
}

/* Note which runs were made. */
static enum err_code
read_made (const struct part *part, const struct result *result, struct err *err)
{
  struct made_row
  {
    struct uuid run_id;
    int64_t experiment_id;
    struct slice artifact_uri;
  } row;
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct made_row, run_id) },
                                           { COLUMN_INT64, offsetof (struct made_row, experiment_id) },
                                           { COLUMN_TEXT, offsetof (struct made_row, artifact_uri) } };
  size_t at = 0;
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < result_count (result); i++)
  {
    code = result_row (&row, result, i, columns, COLUMN_COUNT (columns), err);
    /* Rows mostly come back in the order they were sent: go round from the place of the last one. */
    for (size_t tried = 0; ERR_OK == code && tried < part->count; tried++, at = (at + 1) % part->count)
    {
      struct store_new_run *run = part->runs[at];
      const char *copy;

      if (run->experiment_id != row.experiment_id || 0 != memcmp (&run->run_id, &row.run_id, sizeof (row.run_id)))
        continue;
      copy = arena_string (run->arena, row.artifact_uri);
      if (NULL == copy)
        code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
      run->artifact_uri = (struct slice){ copy, row.artifact_uri.len };
      run->made = true;
      break;
    }
  }
  return code;
}

/* Make the runs of a part. */
static enum err_code
make (const struct part *part, struct store_connection *connection, bool given, struct arena *arena, struct err *err)
{
  struct create_arrays arrays;
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code = fill_arrays (&arrays, part, arena, err);

  if (ERR_OK != code)
    return code;
  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, arrays.run_ids, part->count);
  parameter_int64_array (&parameters, arrays.experiment_ids, part->count);
  parameter_text_array (&parameters, arrays.names, part->count);
  parameter_text_array (&parameters, arrays.user_ids, part->count);
  parameter_int64_array (&parameters, arrays.started_at_ms, part->count);
  parameter_text_array (&parameters, arrays.tags, part->count);
  code = store_query (&result, connection, &statements[given ? CREATE_GIVEN : CREATE], &parameters, err);
  if (ERR_OK == code)
    code = read_made (part, &result, err);
  result_free (&result);
  return code;
}

/* For runs that were not made: whether there are such runs. */
static enum err_code
find_runs (const struct part *part, struct store_connection *connection, const struct create_arrays *arrays,
           struct arena *arena, struct err *err)
{
  struct found_row
  {
    struct uuid run_id;
    int64_t experiment_id;
    bool deleted;
  } row;
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct found_row, run_id) },
                                           { COLUMN_INT64, offsetof (struct found_row, experiment_id) },
                                           { COLUMN_BOOL, offsetof (struct found_row, deleted) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, arrays->run_ids, part->count);
  code = store_query (&result, connection, &statements[FIND], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    code = result_row (&row, &result, i, columns, COLUMN_COUNT (columns), err);
    for (size_t j = 0; ERR_OK == code && j < part->count; j++)
      if (0 == memcmp (&part->runs[j]->run_id, &row.run_id, sizeof (row.run_id)))
        part->runs[j]->found = part->runs[j]->experiment_id != row.experiment_id ? RUN_FOUND_ELSEWHERE
                               : row.deleted                                     ? RUN_FOUND_DELETED
                                                                                 : RUN_FOUND_ACTIVE;
  }
  result_free (&result);
  return code;
}

/* The same: which of their experiments exist at all. */
static enum err_code
find_experiments (const struct part *part, struct store_connection *connection, const struct create_arrays *arrays,
                  struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, arrays->experiment_ids, part->count);
  code = store_query (&result, connection, &statements[EXPERIMENT_EXISTS], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    int64_t experiment_id = 0;

    code = result_row (&experiment_id, &result, i, columns, COLUMN_COUNT (columns), err);
    for (size_t j = 0; ERR_OK == code && j < part->count; j++)
      if (part->runs[j]->experiment_id == experiment_id)
        part->runs[j]->experiment_exists = true;
  }
  result_free (&result);
  return code;
}

/* Why runs of a group were not made. */
static enum err_code
explain (const struct part *part, struct store_connection *connection, bool given, struct arena *arena, struct err *err)
{
  struct create_arrays arrays;
  enum err_code code = fill_arrays (&arrays, part, arena, err);

  if (ERR_OK == code && given)
    code = find_runs (part, connection, &arrays, arena, err);
  return ERR_OK == code ? find_experiments (part, connection, &arrays, arena, err) : code;
}

enum err_code
store_run_create (struct store_connection *connection, struct store_new_run *const *runs, size_t count,
                  struct arena *arena, struct err *err)
{
  struct part part = { arena_array (arena, count, sizeof (struct store_new_run *)), 0 };
  bool given = false;
  enum err_code code;

  if (NULL == part.runs)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    part.runs[part.count++] = runs[i];
    given = given || runs[i]->given;
  }
  if (given)
    keep_distinct (&part);
  code = make (&part, connection, given, arena, err);
  part.count = 0;
  for (size_t i = 0; ERR_OK == code && i < count; i++)
    if (! runs[i]->made)
      part.runs[part.count++] = runs[i];
  return part.count > 0 ? explain (&part, connection, given, arena, err) : code;
}
