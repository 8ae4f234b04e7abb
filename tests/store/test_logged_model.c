/* Tests of logged models over the database: params, the links of runs and contexts, and tests of metrics in chunks. */
#include "logged_models.h"

#include "ingest/fold.h"
#include "ingest/purge.h"
#include "search/logged_model_search.h"
#include "store/logged_model.h"
#include "store/run.h"

#include <check.h>
#include <math.h>

/* What a process remembers. */
#define MEMORY_BYTES ((size_t)1024 * 1024)

/* --- links ------------------------------------------------------------------------------------------------------- */

static int64_t
links (void)
{
  return database_number ("SELECT count(*) FROM metric_context_run");
}

START_TEST (links_a_run_and_a_context_once)
{
  const struct metric_point point = { .timestamp_ms = 1, .step = 1, .value = 1 };
  struct metric_contexts *others = metric_contexts_new (MEMORY_BYTES);

  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 0, 0, &point, 1), ERR_OK);
  ck_assert_int_eq (links (), 1);
  /* What is remembered is not asked again: without the row the next point goes without it. */
  database_run ("DELETE FROM metric_context_run");
  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 1, 0, &point, 1), ERR_OK);
  ck_assert_int_eq (links (), 0);
  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 0, 1, &point, 1), ERR_OK);
  ck_assert_int_eq (models_log (&models.runs[1], models.models[0].id, 0, 1, &point, 1), ERR_OK);
  ck_assert_int_eq (links (), 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_context"), 2);
  /* Another daemon knows nothing and does no harm. */
  metric_contexts_free (models.contexts);
  models.contexts = others;
  ck_assert_int_eq (models_log (&models.runs[1], models.models[0].id, 0, 1, &point, 1), ERR_OK);
  ck_assert_int_eq (links (), 2);
}
END_TEST

START_TEST (links_nothing_of_what_is_refused)
{
  const struct metric_point point = { .timestamp_ms = 1, .step = 1, .value = 1 };
  struct err err = { 0 };
  bool found;

  ck_assert_int_eq (store_run_set_deleted (&found, database.connection, &models.runs[0], true, 5, &err), ERR_OK);
  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 0, 0, &point, 1), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_int_eq (models_log (&models.runs[1], "m-unknown", 0, 0, &point, 1), ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (links (), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_tail"), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_context WHERE model_id = 'm-unknown'"), 0);
  /* Not remembered as written. */
  ck_assert_int_eq (store_run_set_deleted (&found, database.connection, &models.runs[0], false, 5, &err), ERR_OK);
  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 0, 0, &point, 1), ERR_OK);
  ck_assert_int_eq (links (), 1);
}
END_TEST

START_TEST (refuses_one_of_a_group)
{
  const struct metric_sink sink = { models.keys, NULL, models.contexts };
  const char *const ids[] = { models.models[0].id, "m-unknown", NULL, models.models[1].id, "m-unknown" };
  const size_t count = sizeof (ids) / sizeof (ids[0]);
  struct metric_context contexts[5];
  struct metric_entry entries[5];
  struct metric_write writes[5];
  struct commit_item items[5];
  struct commit_item *pointers[5];
  struct err errors[5] = { { 0 } };
  struct err err = { 0 };

  for (size_t i = 0; i < count; i++)
  {
    contexts[i] = models_context (ids[i], 0);
    entries[i] = (struct metric_entry){ .point = { .timestamp_ms = (int64_t)i, .value = 1 },
                                        .key = SLICE ("k"),
                                        .context = NULL == ids[i] ? NULL : &contexts[i] };
    writes[i] = (struct metric_write){ models.runs[i % 2], &entries[i], 1 };
    items[i] = (struct commit_item){ .err = &errors[i], .payload = &writes[i] };
    pointers[i] = &items[i];
  }
  store_start_request (database.connection, 0);
  ck_assert_int_eq (metric_flush (database.connection, pointers, count, (void *)&sink, &err), ERR_OK);
  for (size_t i = 0; i < count; i++)
    ck_assert_int_eq (errors[i].code, 1 == i || 4 == i ? ERR_RESOURCE_DOES_NOT_EXIST : ERR_OK);
  ck_assert_int_eq (links (), 2);
}
END_TEST

static bool
go_on (void *context, const struct purge_progress *progress)
{
  (void)context;
  (void)progress;
  return true;
}

START_TEST (forgets_runs_that_are_removed)
{
  const struct metric_point point = { .timestamp_ms = 1, .step = 1, .value = 1 };
  struct model_points points;
  struct purge_progress progress;
  struct fold_result result;
  struct err err = { 0 };
  bool found;

  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 0, 0, &point, 1), ERR_OK);
  ck_assert_int_eq (models_log (&models.runs[1], models.models[0].id, 0, 0, &point, 1), ERR_OK);
  ck_assert_int_eq (fold_runs (&result, database.connection, models.runs, 1, &err), ERR_OK);
  ck_assert_int_eq (store_run_set_deleted (&found, database.connection, &models.runs[0], true, 5, &err), ERR_OK);
  ck_assert_int_eq (purge_runs (&progress, database.connection, 10, go_on, NULL, &err), ERR_OK);
  ck_assert_int_eq (links (), 1);
  points = models_points (models.models[0].id);
  ck_assert_uint_eq (points.series_count, 1);
  ck_assert_mem_eq (&points.contexts[0].run_id, &models.runs[1], sizeof (struct uuid));
}
END_TEST

/* Rows that a daemon without links has left in the tail. */
START_TEST (links_what_the_fold_finds)
{
  const struct metric_point point = { .timestamp_ms = 1, .step = 1, .value = 1 };
  struct fold_result result;
  struct err err = { 0 };

  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 0, 2, &point, 1), ERR_OK);
  database_run ("DELETE FROM metric_context_run");
  ck_assert_int_eq (fold_runs (&result, database.connection, models.runs, 1, &err), ERR_OK);
  ck_assert_int_eq (links (), 1);
}
END_TEST

/* --- rows -------------------------------------------------------------------------------------------------------- */

START_TEST (writes_params_once)
{
  struct slice id = slice_of (models.models[0].id);
  struct err err = { 0 };
  const struct
  {
    const char *params;
    bool written;
  } cases[] = { { "{\"a\": \"1\", \"b\": \"2\"}", true },
                { "{\"a\": \"1\"}", true },
                { "{\"a\": \"2\"}", false },
                { "{\"c\": \"3\", \"b\": \"9\"}", false },
                { "{\"c\": \"3\", \"b\": \"2\"}", true },
                { "{}", true } };
  bool found;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_int_eq (store_logged_model_add_params (&found, database.connection, id, slice_of (cases[i].params), &err),
                      ERR_OK);
    ck_assert_msg (found == cases[i].written, "case %zu", i);
  }
  ck_assert_int_eq (database_number ("SELECT count(*) FROM logged_model WHERE model_id = '%s'"
                                     " AND params - 'p' = '{\"a\": \"1\", \"b\": \"2\", \"c\": \"3\"}'",
                                     models.models[0].id),
                    1);
}
END_TEST

/* --- chunks ------------------------------------------------------------------------------------------------------ */

static enum err_code
count_work (struct store_connection *connection, void *context, struct err *err)
{
  struct slice *filter = context;
  const struct logged_model_search search = {
    .experiment_ids = models.experiments, .experiment_count = MODEL_EXPERIMENTS, .filter = *filter, .max_results = 1
  };
  struct logged_model_page page;
  enum err_code code = logged_model_search (&page, connection, &search, models.keys, database.arena, err);

  filter->len = page.count;
  result_free (&page.result);
  return code;
}

/* Whether a filter finds any model. */
static bool
finds (const char *text)
{
  struct slice filter = slice_of (text);
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_transaction (database.connection, STORE_SNAPSHOT, count_work, &filter, &err), "%s: %s",
                 text, err.message);
  return filter.len > 0;
}

/* Bounds of a series with chunks decide; where they do not, its points do. */
START_TEST (judges_chunks)
{
  static struct metric_point points[MODEL_POINTS_MAX];
  const struct
  {
    const char *filter;
    bool found;
  } cases[] = { { "metrics.acc != 1", true },
                { "metrics.acc = NaN", true },
                { "metrics.acc NOT IN (1)", true },
                { "metrics.acc > 1", false },
                { "metrics.acc = 1", true },
                { "metrics.acc NOT BETWEEN 0 AND 2", true },
                { "metrics.acc < 1", false },
                { "metrics.`val/loss` = 200", true },
                { "metrics.`val/loss` = 200.5", false },
                { "metrics.`val/loss` BETWEEN 100.5 AND 101", true },
                { "metrics.`val/loss` BETWEEN 100.5 AND 100.75", false },
                { "metrics.`val/loss` IN (0.5, 17)", true },
                { "metrics.`val/loss` = NaN", false },
                { "metrics.`val/loss` NOT IN (0, 399)", true },
                { "metrics.`val/loss` >= 399", true },
                { "metrics.`val/loss` > 399", false },
                { "metrics.`val/loss`.count = 400", true },
                { "metrics.`val/loss`.first = 0", true } };
  struct fold_result result;
  struct err err = { 0 };

  for (size_t i = 0; i < MODEL_POINTS_MAX; i++)
    points[i] = (struct metric_point){ .timestamp_ms = (int64_t)i, .step = (int64_t)i, .value = 7 == i ? NAN : 1 };
  ck_assert_int_eq (models_log (&models.runs[0], models.models[0].id, 0, 0, points, MODEL_POINTS_MAX), ERR_OK);
  for (size_t i = 0; i < MODEL_POINTS_MAX; i++)
    points[i].value = (double)i;
  ck_assert_int_eq (models_log (&models.runs[0], models.models[1].id, 1, 0, points, MODEL_POINTS_MAX), ERR_OK);
  for (size_t round = 0; round < 2; round++)
  {
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
      ck_assert_msg (finds (cases[i].filter) == cases[i].found, "round %zu: %s", round, cases[i].filter);
    ck_assert_int_eq (fold_runs (&result, database.connection, models.runs, 1, &err), ERR_OK);
  }
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_series WHERE context_id <> 0 AND chunk_points > 0"),
                    2);
}
END_TEST

Suite *logged_model_suite (void);

Suite *
logged_model_suite (void)
{
  Suite *suite = suite_create ("logged model");
  TCase *link_case = tcase_create ("links");

  tcase_add_checked_fixture (link_case, models_open, models_close);
  tcase_add_test (link_case, links_a_run_and_a_context_once);
  tcase_add_test (link_case, links_nothing_of_what_is_refused);
  tcase_add_test (link_case, refuses_one_of_a_group);
  tcase_add_test (link_case, forgets_runs_that_are_removed);
  tcase_add_test (link_case, links_what_the_fold_finds);
  tcase_add_test (link_case, writes_params_once);
  tcase_add_test (link_case, judges_chunks);
  suite_add_tcase (suite, link_case);
  return suite;
}
