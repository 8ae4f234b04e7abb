/* The calls of the public functions that must stand each failing allocation. */
#include "alloc_calls.h"

#include "failing.h"
#include "fake.h"

#include <stdlib.h>
#include <string.h>

#define SCENARIO(name) static enum tally_code name (struct world *world, struct tally_error *err)

SCENARIO (run_options)
{
  struct tally_options *options = NULL;
  enum tally_code code = tally_options_new (&options, err);

  if (TALLY_OK == code)
    code = tally_options_set (options, "server", world->url, err);
  if (TALLY_OK == code)
    code = tally_options_load (options, err);
  tally_options_free (options);
  return code;
}

SCENARIO (run_open)
{
  struct tally_client *client = NULL;
  enum tally_code code = tally_open (&client, world->options, err);

  if (TALLY_OK == code)
    code = tally_close (client, 0, err);
  return code;
}

/* Everything that is queued, and the threads that send it. A failure in a thread is made up for by its next try, so
   that what was taken arrives. */
SCENARIO (run_background)
{
  static const struct tally_value values[] = { { "a", 1 }, { "b", 2 } };
  static const struct tally_dataset dataset = { .name = "d", .digest = "1" };
  static const struct tally_pair pairs[] = { { "x", "1" }, { "y", "2" } };
  static const double series[] = { 1, 2, 3 };
  struct tally_client *client = NULL;
  struct tally_run *run = NULL;
  struct tally_run *child = NULL;
  enum tally_code code = tally_open (&client, world->options, err);
  enum tally_code closed;

  if (TALLY_OK == code)
    code = tally_run_start (&run, client, "e", "r", err);
  if (TALLY_OK == code)
    code = tally_log_metric (run, "m", 1, 1, err);
  if (TALLY_OK == code)
    code = tally_log_metric_at (run, "m", 1, 2, 3, err);
  if (TALLY_OK == code)
    code = tally_log_metrics (run, values, 2, 1, err);
  if (TALLY_OK == code)
    code = tally_log_series (run, "s", 3, series, NULL, NULL, err);
  if (TALLY_OK == code)
    code = tally_log_params (run, pairs, 2, err);
  if (TALLY_OK == code)
    code = tally_log_param (run, "p", "v", err);
  if (TALLY_OK == code)
    code = tally_set_tags (run, pairs, 2, err);
  if (TALLY_OK == code)
    code = tally_set_tag (run, "t", "v", err);
  if (TALLY_OK == code)
    code = tally_log_dataset (run, &dataset, "training", err);
  if (TALLY_OK == code)
    code = tally_log_model_metric (run, FAKE_MODEL, "auc", 1, 1, NULL, NULL, err);
  if (TALLY_OK == code)
    code = tally_run_start_nested (&child, run, "child", err);
  if (TALLY_OK == code)
    code = tally_log_artifact_bytes (run, "b.txt", "bytes", 5, err);
  if (TALLY_OK == code)
    code = tally_log_artifact (run, world->file, NULL, err);
  if (TALLY_OK == code)
    code = tally_log_artifact (run, world->large, NULL, err);
  if (TALLY_OK == code)
    code = tally_log_artifacts (run, world->folder, NULL, err);
  if (TALLY_OK == code)
    code = tally_run_end (run, TALLY_STATUS_FINISHED, err);
  if (TALLY_OK == code)
    code = tally_persist (client, FLUSH_MS, err);
  if (TALLY_OK == code)
    code = tally_flush (client, FLUSH_MS, err);
  tally_run_free (child);
  tally_run_free (run);
  failing_disarm ();
  closed = NULL == client ? TALLY_OK : tally_close (client, FLUSH_MS, NULL);
  check (TALLY_OK == closed || TALLY_ERROR_PENDING == closed, "background: close gave %s", tally_code_name (closed));
  /* Without memory for a spool things are kept in memory, but files are not. */
  return TALLY_ERROR_FILE == code ? TALLY_ERROR_MEMORY : code;
}

SCENARIO (run_capture)
{
  struct tally_system *sampler = NULL;
  enum tally_code code = tally_capture_environment (world->run, err);

  if (TALLY_OK == code)
  {
    code = tally_capture_git (world->run, ".", err);
    if (TALLY_ERROR_NOT_FOUND == code)
      code = TALLY_OK;
  }
  if (TALLY_OK == code)
    code = tally_system_start (&sampler, world->run, 100, 0, err);
  tally_system_stop (sampler);
  return code;
}

SCENARIO (run_resume)
{
  struct tally_run *run = NULL;
  enum tally_code code = tally_run_resume (&run, world->client, FAKE_RUN, false, err);

  tally_run_free (run);
  return code;
}

SCENARIO (run_server_id)
{
  char id[TALLY_RUN_ID_BYTES];

  return tally_run_server_id (id, world->run, FLUSH_MS, err);
}

SCENARIO (run_ping)
{
  const struct tally_server *server;

  return tally_ping (&server, world->client, err);
}

SCENARIO (run_request)
{
  struct tally_reply *reply = NULL;
  enum tally_code code = tally_request (&reply, world->client, "POST", "/api/2.0/mlflow/x", "{}", err);

  tally_reply_free (reply);
  return code;
}

SCENARIO (run_experiments)
{
  char id[TALLY_EXPERIMENT_ID_BYTES];
  struct tally_experiment *experiment = NULL;
  enum tally_code code = tally_experiment_id (id, world->client, "e", true, err);

  if (TALLY_OK == code)
    code = tally_experiment_get (&experiment, world->client, "1", err);
  tally_experiment_free (experiment);
  if (TALLY_OK == code)
    code = tally_experiment_rename (world->client, "1", "f", err);
  if (TALLY_OK == code)
    code = tally_experiment_set_tag (world->client, "1", "k", "v", err);
  if (TALLY_OK == code)
    code = tally_experiment_delete (world->client, "1", err);
  if (TALLY_OK == code)
    code = tally_experiment_restore (world->client, "1", err);
  return code;
}

SCENARIO (run_runs)
{
  struct tally_run_data *run = NULL;
  enum tally_code code = tally_run_get (&run, world->client, FAKE_RUN, err);

  tally_run_data_free (run);
  if (TALLY_OK == code)
    code = tally_run_delete (world->client, FAKE_RUN, err);
  if (TALLY_OK == code)
    code = tally_run_restore (world->client, FAKE_RUN, err);
  return code;
}

/* Walk a search to its end with its function for the next. */
#define WALK(type, next)                                                                                               \
  {                                                                                                                    \
    const struct type *item = NULL;                                                                                    \
    do                                                                                                                 \
      code = next (&item, search, err);                                                                                \
    while (TALLY_OK == code && NULL != item);                                                                          \
    tally_search_free (search);                                                                                        \
    search = NULL;                                                                                                     \
  }

SCENARIO (run_searches)
{
  static const char *const ids[] = { "1", "2" };
  struct tally_search *search = NULL;
  enum tally_code code =
      tally_search_runs (&search, world->client, ids, 2, "metrics.m > 0", "start_time DESC", TALLY_VIEW_ALL, 0, err);

  if (TALLY_OK == code)
    WALK (tally_run_data, tally_search_next_run);
  if (TALLY_OK == code)
    code = tally_search_experiments (&search, world->client, "name = 'e'", NULL, TALLY_VIEW_ALL, 0, err);
  if (TALLY_OK == code)
    WALK (tally_experiment, tally_search_next_experiment);
  if (TALLY_OK == code)
    code = tally_metric_history (&search, world->client, FAKE_RUN, "m", err);
  if (TALLY_OK == code)
    WALK (tally_point, tally_search_next_point);
  if (TALLY_OK == code)
    code = tally_search_logged_models (&search, world->client, ids, 2, NULL, 0, err);
  if (TALLY_OK == code)
    WALK (tally_logged_model, tally_search_next_logged_model);
  if (TALLY_OK == code)
    code = tally_search_model_versions (&search, world->client, "name = 'm'", NULL, 0, err);
  if (TALLY_OK == code)
    WALK (tally_model_version, tally_search_next_model_version);
  return code;
}

SCENARIO (run_artifacts)
{
  struct tally_transfer transfer = { .overwrite = true };
  struct tally_artifacts *list = NULL;
  const struct tally_artifact *artifact = NULL;
  char digest[TALLY_DIGEST_BYTES];
  char dataset[TALLY_DATASET_DIGEST_BYTES];
  enum tally_code code = tally_artifact_upload (world->client, "runs:/" FAKE_RUN, world->file, "up.txt", NULL, err);

  if (TALLY_OK == code)
    code = tally_artifact_upload (world->client, "models:/" FAKE_MODEL, world->folder, NULL, NULL, err);
  if (TALLY_OK == code)
    code = tally_artifact_download (world->client, "runs:/" FAKE_RUN, NULL, world->target, &transfer, err);
  if (TALLY_OK == code)
    code = tally_artifact_list (&list, world->client, "runs:/" FAKE_RUN, NULL, err);
  if (TALLY_OK == code)
    code = tally_artifacts_next (&artifact, list, err);
  tally_artifacts_free (list);
  if (TALLY_OK == code)
    code = tally_digest_file (digest, world->file, err);
  if (TALLY_OK == code)
    code = tally_dataset_digest_file (dataset, world->file, err);
  return code;
}

SCENARIO (run_upload)
{
  return tally_artifact_upload (world->client, "runs:/" FAKE_RUN, world->large, NULL, NULL, err);
}

SCENARIO (run_logged_models)
{
  static const struct tally_pair params[] = { { "p", "v" } };
  char id[TALLY_MODEL_ID_BYTES];
  struct tally_logged_model *model = NULL;
  enum tally_code code = tally_logged_model_create (id, world->run, "net", "torch", params, 1, FLUSH_MS, err);

  if (TALLY_OK == code)
    code = tally_logged_model_finalize (world->client, FAKE_MODEL, TALLY_MODEL_READY, err);
  if (TALLY_OK == code)
    code = tally_logged_model_set_tag (world->client, FAKE_MODEL, "k", "v", err);
  if (TALLY_OK == code)
    code = tally_logged_model_get (&model, world->client, FAKE_MODEL, err);
  tally_logged_model_free (model);
  if (TALLY_OK == code)
    code = tally_logged_model_delete (world->client, FAKE_MODEL, err);
  return code;
}

SCENARIO (run_registry)
{
  struct tally_model_version *version = NULL;
  int64_t number = 0;
  enum tally_code code = tally_model_create (world->client, "m", "text", err);

  if (TALLY_OK == code)
    code = tally_model_register (&number, world->client, "m", "runs:/" FAKE_RUN "/x", FAKE_RUN, NULL, "text", err);
  if (TALLY_OK == code)
    code = tally_model_version_get (&version, world->client, "models:/m@prod", err);
  tally_model_version_free (version);
  if (TALLY_OK == code)
    code = tally_model_version_set_tag (world->client, "m", 1, "k", "v", err);
  if (TALLY_OK == code)
    code = tally_model_set_alias (world->client, "m", "prod", 1, err);
  if (TALLY_OK == code)
    code = tally_model_delete_alias (world->client, "m", "prod", err);
  if (TALLY_OK == code)
    code = tally_model_version_delete (world->client, "m", 1, err);
  if (TALLY_OK == code)
    code = tally_model_delete (world->client, "m", err);
  return code;
}

SCENARIO (run_gates)
{
  struct tally_promotion promotion = { .alias = "prod", .version = 1, .reason = "r", .run_url = "https://ci/1" };
  struct tally_rollback rollback = { .alias = "prod", .at = "2026-01-31T12:00:00Z", .reason = "r" };
  struct tally_transition transition = { .stage = "Production", .version = 1, .reason = "r", .force = true };
  struct tally_check post = { .name = "c", .status = "success", .url = "https://ci/1", .text = "t" };
  struct tally_gate_result *result = NULL;
  enum tally_code code = tally_model_promote (&result, world->client, "m", &promotion, err);

  tally_gate_result_free (result);
  result = NULL;
  if (TALLY_OK == code)
    code = tally_model_rollback (&result, world->client, "m", &rollback, err);
  tally_gate_result_free (result);
  result = NULL;
  if (TALLY_OK == code)
    code = tally_model_gate (&result, world->client, "m", 1, "prod", err);
  tally_gate_result_free (result);
  result = NULL;
  if (TALLY_OK == code)
    code = tally_model_transition (&result, world->client, "m", &transition, err);
  tally_gate_result_free (result);
  result = NULL;
  if (TALLY_OK == code)
    code = tally_model_stage_gate (&result, world->client, "m", 1, "Production", err);
  tally_gate_result_free (result);
  if (TALLY_OK == code)
    code = tally_model_check (world->client, "m", 1, &post, err);
  if (TALLY_OK == code)
    code = tally_model_approve (world->client, "m", 1, "fine", err);
  return code;
}

SCENARIO (run_model_files)
{
  enum tally_code code;
  struct tally_transfer transfer = { .overwrite = true };

  code = tally_model_download (world->client, "models:/m/1", world->target, &transfer, err);
  if (TALLY_OK == code)
    code = tally_model_verify (world->client, "models:/m/1", world->target, err);
  return code;
}

/* What could not be looked at waits, which is PENDING, with the reason in its message. */
SCENARIO (run_sync)
{
  struct tally_sync_result result;
  enum tally_code code = tally_sync (&result, world->client, false, NULL, NULL, err);

  return TALLY_ERROR_PENDING == code && failing_disarm () ? TALLY_ERROR_MEMORY : code;
}

/* What allocates nothing itself. */
SCENARIO (run_plain)
{
  struct tally_counters counters;
  struct tally_reply *reply = NULL;
  enum tally_code code = tally_request (&reply, world->client, "GET", "/version", NULL, err);

  tally_on_event (world->client, NULL, NULL);
  tally_counters (world->client, &counters);
  if (TALLY_OK == code
      && (200 != tally_reply_status (reply) || NULL == tally_reply_body (reply, NULL)
          || NULL == tally_run_id (world->run) || NULL == tally_version () || NULL == tally_option_at (0)
          || NULL == tally_options_get (world->options, "server")))
    code = TALLY_ERROR_SERVER;
  tally_reply_free (reply);
  return code;
}

const struct scenario scenarios[] = {
  { "options", run_options, false, false },
  { "open", run_open, false, false },
  { "plain", run_plain, false, false },
  { "ping", run_ping, false, false },
  { "request", run_request, false, false },
  { "resume", run_resume, false, false },
  { "server id", run_server_id, false, false },
  { "capture", run_capture, false, false },
  { "experiments", run_experiments, false, false },
  { "runs", run_runs, false, false },
  { "searches", run_searches, false, false },
  { "artifacts", run_artifacts, true, false },
  { "upload in parts", run_upload, true, false },
  { "logged models", run_logged_models, false, false },
  { "registry", run_registry, false, false },
  { "gates", run_gates, false, false },
  { "model files", run_model_files, false, false },
  { "sync", run_sync, false, false },
  { "background", run_background, true, true },
};

const size_t scenario_count = sizeof (scenarios) / sizeof (scenarios[0]);
const char scenarios_source[] = __FILE__;
