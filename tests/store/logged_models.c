/* Logged models for tests. */
#include "logged_models.h"

#include "store/logged_model.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMORY_BYTES ((size_t)1024 * 1024)

const char *const model_key_names[MODEL_KEYS] = { "acc", "val/loss", "acc.min" };
const struct model_test_dataset model_datasets[MODEL_DATASETS] = {
  { NULL, NULL }, { "iris", "d1" }, { "iris", "d2" }, { "wine", "d1" }
};

struct models models;

size_t
models_random (size_t limit)
{
  return (size_t)(database_random () >> 33) % limit;
}

bool
models_chance (size_t percent)
{
  return models_random (100) < percent;
}

static void
make_model (struct model *model, size_t number)
{
  static const char *const params[] = { NULL, "a", "b", "7" };
  struct store_new_logged_model fresh = { .tags = SLICE ("{}"), .model_type = SLICE (""), .source_run_id = SLICE ("") };
  struct store_logged_model row;
  struct result result = { NULL };
  struct err err = { 0 };
  bool made;

  *model = (struct model){ .param = params[models_random (4)],
                           .created_at_ms = 1 + (int64_t)models_random (4),
                           .experiment = models_random (MODEL_EXPERIMENTS) };
  snprintf (model->id, sizeof (model->id), "m-%032llx", (unsigned long long)database_random ());
  snprintf (model->name, sizeof (model->name), "name %zu", number % 5);
  fresh.model_id = slice_of (model->id);
  fresh.experiment_id = models.experiments[model->experiment];
  fresh.name = slice_of (model->name);
  fresh.params =
      slice_of (NULL == model->param ? "{}" : arena_printf (database.arena, "{\"p\": \"%s\"}", model->param));
  ck_assert_msg (
      ERR_OK
          == store_logged_model_create (&made, &row, &result, database.connection, &fresh, model->created_at_ms, &err),
      "%s", err.cause);
  ck_assert (made);
  result_free (&result);
}

void
models_open (void)
{
  database_open_migrated ();
  models.keys = metric_keys_new (MEMORY_BYTES);
  models.contexts = metric_contexts_new (MEMORY_BYTES);
  ck_assert (NULL != models.keys && NULL != models.contexts);
  for (size_t i = 0; i < MODEL_EXPERIMENTS; i++)
    models.experiments[i] = database_experiment (0 == i ? "one" : "two");
  for (size_t i = 0; i < MODEL_RUNS; i++)
    models.runs[i] = database_make_run (models.experiments[0]);
  for (size_t i = 0; i < MODELS; i++)
    make_model (&models.models[i], i);
}

void
models_close (void)
{
  metric_keys_free (models.keys);
  metric_contexts_free (models.contexts);
  database_close ();
}

struct metric_context
models_context (const char *model_id, size_t dataset)
{
  return (struct metric_context){ slice_of (model_id), slice_of (model_datasets[dataset].name),
                                  slice_of (model_datasets[dataset].digest) };
}

enum err_code
models_log (const struct uuid *run_id, const char *model_id, size_t key, size_t dataset,
            const struct metric_point *points, size_t count)
{
  static struct metric_entry entries[MODEL_POINTS_MAX];
  const struct metric_sink sink = { models.keys, NULL, models.contexts };
  const struct metric_context context = models_context (model_id, dataset);
  struct metric_write write = { *run_id, entries, count };
  struct err err = { 0 };
  struct err group = { 0 };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;

  for (size_t i = 0; i < count; i++)
    entries[i] =
        (struct metric_entry){ .point = points[i], .key = slice_of (model_key_names[key]), .context = &context };
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == metric_flush (database.connection, &items, 1, (void *)&sink, &group), "%s", group.cause);
  return err.code;
}

struct points_call
{
  struct model_selection selection;
  struct model_points points;
};

static enum err_code
points_work (struct store_connection *connection, void *context, struct err *err)
{
  struct points_call *call = context;
  enum err_code code = model_points_load (&call->points, connection, &call->selection, database.arena, err);

  return ERR_OK == code ? model_points_complete (&call->points, NULL, err) : code;
}

struct model_points
models_points (const char *model_id)
{
  struct slice id = slice_of (model_id);
  struct points_call call = { .selection = { .model_ids = &id, .model_count = 1 } };
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_transaction (database.connection, STORE_SNAPSHOT, points_work, &call, &err), "%s",
                 err.cause);
  return call.points;
}
