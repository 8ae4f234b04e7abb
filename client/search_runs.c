/* Runs: found, read, deleted; and the points of their metrics. */
#include "search.h"

#include "error.h"
#include "result.h"
#include "root.h"
#include "text.h"

#include <string.h>

/* Runs carry all their metrics, params and tags: with a thousand of each a page has some 20 MB. */
#define RUNS_PAGE 200

/* What MLflow's own clients ask for. */
#define POINTS_PAGE 25000

static const struct search_kind run_kind = {
  .method = "POST",
  .path = "/api/2.0/mlflow/runs/search",
  .list = "runs",
  .page_size = RUNS_PAGE,
  .item_bytes = sizeof (struct tally_run_data),
  .decode = decode_run,
};

static const struct search_kind point_kind = {
  .method = "GET",
  .path = "/api/2.0/mlflow/metrics/get-history",
  .list = "metrics",
  .page_size = POINTS_PAGE,
  .item_bytes = sizeof (struct tally_point),
  .decode = decode_point,
};

enum tally_code
tally_search_runs (struct tally_search **search, struct tally_client *client, const char *const *experiment_ids,
                   size_t experiment_count, const char *filter, const char *order_by, enum tally_view view,
                   size_t max_results, struct tally_error *err)
{
  json_t *request;
  enum tally_code code = TEXT_CHECK (err, filter, order_by);

  *search = NULL;
  if (TALLY_OK == code)
    code = text_check (experiment_ids, experiment_count, err);
  if (TALLY_OK != code)
    return code;
  request = json_pack ("{s:s, s:o, s:o}", "run_view_type", search_view (view), "order_by", search_order (order_by),
                       "experiment_ids", search_texts (experiment_ids, experiment_count));

  if (NULL != request && ! search_put_text (request, "filter", filter))
  {
    json_decref (request);
    request = NULL;
  }
  code = search_new (search, client, &run_kind, request, max_results, err);
  if (TALLY_OK == code && 0 == experiment_count)
    search_all_experiments (*search);
  return code;
}

enum tally_code
tally_search_next_run (const struct tally_run_data **run, struct tally_search *search, struct tally_error *err)
{
  const void *item;
  enum tally_code code = search_next (&item, search, &run_kind, err);

  *run = item;
  return code;
}

static enum tally_code
check_run_id (const char *run_id, struct tally_error *err)
{
  if (NULL != run_id && root_run_id_valid (run_id))
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_ARGUMENT, "'%.300s' is no id of a run.", NULL == run_id ? "" : run_id);
}

enum tally_code
tally_metric_history (struct tally_search **search, struct tally_client *client, const char *run_id, const char *key,
                      struct tally_error *err)
{
  enum tally_code code = check_run_id (run_id, err);

  *search = NULL;
  if (TALLY_OK != code)
    return code;
  if (NULL == key || '\0' == key[0])
    return error_set (err, TALLY_ERROR_ARGUMENT, "The key of a metric is missing.");
  code = TEXT_CHECK (err, key);
  if (TALLY_OK != code)
    return code;
  return search_new (search, client, &point_kind, json_pack ("{s:s, s:s}", "run_id", run_id, "metric_key", key), 0,
                     err);
}

enum tally_code
tally_search_next_point (const struct tally_point **point, struct tally_search *search, struct tally_error *err)
{
  const void *item;
  enum tally_code code = search_next (&item, search, &point_kind, err);

  *point = item;
  return code;
}

enum tally_code
tally_run_get (struct tally_run_data **run, struct tally_client *client, const char *run_id, struct tally_error *err)
{
  char path[512];
  json_t *answer = NULL;
  void *result = NULL;
  enum tally_code code = check_run_id (run_id, err);

  if (TALLY_OK == code)
  {
    snprintf (path, sizeof (path), "/api/2.0/mlflow/runs/get?run_id=%s", run_id);
    code = answer_call (&answer, client, "GET", path, NULL, err);
  }
  if (TALLY_OK == code)
    code = decode_result (&result, sizeof (**run), decode_run, answer, "run", err);
  json_decref (answer);
  *run = result;
  return code;
}

void
tally_run_data_free (struct tally_run_data *run)
{
  result_free (run);
}

static enum tally_code
about_run (struct tally_client *client, const char *path, const char *run_id, struct tally_error *err)
{
  enum tally_code code = check_run_id (run_id, err);
  json_t *body;

  if (TALLY_OK != code)
    return code;
  body = json_pack ("{s:s}", "run_id", run_id);
  code = NULL == body ? error_memory (err) : answer_ignore (client, "POST", path, body, err);
  json_decref (body);
  return code;
}

enum tally_code
tally_run_delete (struct tally_client *client, const char *run_id, struct tally_error *err)
{
  return about_run (client, "/api/2.0/mlflow/runs/delete", run_id, err);
}

enum tally_code
tally_run_restore (struct tally_client *client, const char *run_id, struct tally_error *err)
{
  return about_run (client, "/api/2.0/mlflow/runs/restore", run_id, err);
}
