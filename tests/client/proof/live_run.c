/* Live: experiments, runs, what is logged to them, data sets, samplers, captures. */
#include "live.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* An id of the right form that nothing has. */
#define UNKNOWN_RUN "00000000000000000000000000000bad"

void
live_experiments (struct live *live)
{
  char id[TALLY_EXPERIMENT_ID_BYTES] = "";
  struct tally_experiment *experiment = NULL;

  FAILS (TALLY_ERROR_NOT_FOUND, tally_experiment_id, id, live->client, live_name (live, "exp"), false);
  if (! OK (tally_experiment_id, id, live->client, live_name (live, "exp"), true))
    return;
  OK (tally_experiment_set_tag, live->client, id, "team", "vision");
  FAILS (TALLY_ERROR_NOT_FOUND, tally_experiment_set_tag, live->client, "999999", "team", "vision");
  OK (tally_experiment_rename, live->client, id, live_name (live, "renamed"));
  FAILS (TALLY_ERROR_NOT_FOUND, tally_experiment_rename, live->client, "999999", live_name (live, "other"));
  if (OK (tally_experiment_get, &experiment, live->client, id))
  {
    CHECK (0 == strcmp (experiment->id, id) && 0 == strcmp (experiment->name, live_name (live, "renamed")));
    CHECK (! experiment->deleted && experiment->created_ms > 0 && '\0' != experiment->artifact_location[0]);
    CHECK (1 == experiment->tag_count && 0 == strcmp ("team", experiment->tags[0].key)
           && 0 == strcmp ("vision", experiment->tags[0].value));
  }
  USE (tally_experiment_free, experiment);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_experiment_get, &experiment, live->client, "999999");
  FAILS (TALLY_ERROR_UNREACHABLE, tally_experiment_get, &experiment, live->dead, id);
  OK (tally_experiment_delete, live->client, id);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_experiment_delete, live->client, "999999");
  FAILS (TALLY_ERROR_REFUSED, tally_experiment_id, id, live->client, live_name (live, "renamed"), true);
  OK (tally_experiment_restore, live->client, id);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_experiment_restore, live->client, "999999");
}

static void
log_everything (struct live *live, struct tally_run *run)
{
  static const struct tally_value step_values[] = { { "acc", 0.5 }, { "lr", 1e-3 } };
  static const struct tally_pair params[] = { { "layers", "3" }, { "width", "128" } };
  static const struct tally_pair tags[] = { { "a", "1" }, { "b", "2" } };
  static const double series[] = { 1, 2, NAN, INFINITY, -INFINITY };
  static const int64_t steps[] = { 10, 11, 12, 13, 14 };

  OK (tally_log_metric, run, "loss", 0.25, 1);
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_metric, run, "", 0.25, 1);
  OK (tally_log_metric_at, run, "loss", 0.125, 2, 1700000000000);
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_metric_at, run, NULL, 0.125, 2, 1700000000000);
  OK (tally_log_metrics, run, step_values, 2, 3);
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_metrics, run, NULL, 2, 3);
  OK (tally_log_series, run, "series", 5, series, steps, NULL);
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_series, run, "series", 5, NULL, steps, NULL);
  OK (tally_log_param, run, "optimizer", "adam");
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_param, run, "bad\nkey", "adam");
  OK (tally_log_params, run, params, 2);
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_params, run, NULL, 2);
  OK (tally_set_tag, run, "stage", "one");
  OK (tally_set_tag, run, "stage", "two");
  FAILS (TALLY_ERROR_ARGUMENT, tally_set_tag, run, NULL, "one");
  OK (tally_set_tags, run, tags, 2);
  FAILS (TALLY_ERROR_ARGUMENT, tally_set_tags, run, NULL, 2);
}

static void
log_dataset (struct live *live, struct tally_run *run)
{
  struct tally_dataset dataset = { .name = "train", .source_type = "local", .source = "/data/train.csv" };
  char digest[TALLY_DATASET_DIGEST_BYTES] = "";
  char whole[TALLY_DIGEST_BYTES] = "";
  const char *path = live_file (live, "train.csv", "hello");

  OK (tally_digest_file, whole, path);
  CHECK (0 == strcmp (whole, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
  FAILS (TALLY_ERROR_FILE, tally_digest_file, whole, "/nowhere");
  OK (tally_dataset_digest_file, digest, path);
  CHECK (0 == strcmp (digest, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b16"));
  FAILS (TALLY_ERROR_FILE, tally_dataset_digest_file, digest, "/nowhere");
  dataset.digest = digest;
  OK (tally_log_dataset, run, &dataset, "training");
  dataset.name = NULL;
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_dataset, run, &dataset, "training");
}

static void
log_files (struct live *live, struct tally_run *run)
{
  char folder[512];

  snprintf (folder, sizeof (folder), "%s/queued", live->scratch);
  OK (tally_log_artifact_bytes, run, "notes/bytes.txt", "bytes", 5);
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_artifact_bytes, run, "../bytes.txt", "bytes", 5);
  OK (tally_log_artifact, run, live_file (live, "queued.txt", "queued"), NULL);
  FAILS (TALLY_ERROR_FILE, tally_log_artifact, run, "/nowhere", NULL);
  OK (tally_log_artifacts, run, folder, "folder");
  FAILS (TALLY_ERROR_FILE, tally_log_artifacts, run, "/nowhere", NULL);
}

/* Wait until a sampler has logged something more. */
static void
await_samples (struct live *live)
{
  struct tally_counters before = { 0 };
  struct tally_counters counters = { 0 };

  tally_counters (live->client, &before);
  for (long waited_ms = 0; counters.logged <= before.logged && waited_ms < LIVE_MS; waited_ms += 50)
  {
    usleep (50000);
    tally_counters (live->client, &counters);
  }
  CHECK (counters.logged > before.logged);
}

static void
capture (struct live *live, struct tally_run *run)
{
  struct tally_system *sampler = NULL;

  OK (tally_capture_environment, run);
  FAILS (TALLY_ERROR_ARGUMENT, tally_capture_environment, NULL);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_capture_git, run, "/");
  /* The test's own work tree, unless it was unpacked from an archive. */
  if (0 == access (".git", F_OK))
    OK (tally_capture_git, run, NULL);
  if (OK (tally_system_start, &sampler, run, 100, 0))
    await_samples (live);
  USE (tally_system_stop, sampler);
  sampler = NULL;
  FAILS (TALLY_ERROR_ARGUMENT, tally_system_start, &sampler, run, 1, 0);
}

/* A child's handle answers, and does nothing. */
static void
nested_and_resumed (struct live *live, struct tally_run *run, const char *run_id)
{
  struct tally_run *child = NULL;
  struct tally_run *again = NULL;
  struct tally_run_data *data = NULL;
  char id[TALLY_RUN_ID_BYTES] = "";
  bool has_parent = false;

  if (OK (tally_run_start_nested, &child, run, "child") && OK (tally_run_server_id, id, child, LIVE_MS)
      && OK (tally_run_get, &data, live->client, id))
    for (size_t i = 0; i < data->tag_count; i++)
      has_parent |= 0 == strcmp (data->tags[i].key, "mlflow.parentRunId") && 0 == strcmp (data->tags[i].value, run_id);
  CHECK (has_parent);
  tally_run_data_free (data);
  OK (tally_run_end, child, TALLY_STATUS_KILLED);
  FAILS (TALLY_ERROR_ARGUMENT, tally_run_end, child, TALLY_STATUS_RUNNING);
  FAILS (TALLY_ERROR_ARGUMENT, tally_run_start_nested, &again, NULL, "child");
  tally_run_free (child);
  if (OK (tally_run_resume, &again, live->client, run_id, false))
    OK (tally_log_metric, again, "resumed", 1, 0);
  tally_run_free (again);
  FAILS (TALLY_ERROR_ARGUMENT, tally_run_resume, &again, live->client, "not an id", false);
}

void
live_runs (struct live *live, char run_id[TALLY_RUN_ID_BYTES])
{
  struct tally_run *run = NULL;
  struct tally_counters counters = { 0 };
  char folder[512];

  snprintf (folder, sizeof (folder), "mkdir -p '%s/queued/deep'", live->scratch);
  CHECK (0 == system (folder));
  live_file (live, "queued/one.txt", "one");
  live_file (live, "queued/deep/two.txt", "two");
  FAILS (TALLY_ERROR_ARGUMENT, tally_run_start, &run, NULL, NULL, NULL);
  if (! OK (tally_run_start, &run, live->client, live_name (live, "runs"), live_name (live, "run")))
    return;
  log_everything (live, run);
  log_dataset (live, run);
  log_files (live, run);
  capture (live, run);
  OK (tally_persist, live->client, LIVE_MS);
  FAILS (TALLY_ERROR_ARGUMENT, tally_persist, NULL, LIVE_MS);
  OK (tally_run_server_id, run_id, run, LIVE_MS);
  CHECK (live->is_tally == (0 == strcmp (run_id, USE (tally_run_id, run))));
  nested_and_resumed (live, run, run_id);
  OK (tally_run_end, run, TALLY_STATUS_FINISHED);
  OK (tally_flush, live->client, LIVE_MS);
  USE (tally_counters, live->client, &counters);
  CHECK (counters.logged > 20 && counters.logged == counters.sent && 0 == counters.rejected && 0 == counters.dropped);
  USE (tally_run_free, run);
}

static void
check_run (struct live *live, const char *run_id)
{
  struct tally_run_data *data = NULL;
  const char *stage = "";
  double loss = 0;
  bool system_seen = false;
  bool adam = false;

  if (! OK (tally_run_get, &data, live->client, run_id))
    return;
  CHECK (TALLY_STATUS_FINISHED == data->status && data->end_ms >= data->start_ms && data->start_ms > 0);
  CHECK (0 == strcmp (data->name, live_name (live, "run")) && ! data->deleted);
  /* MLflow has an order of its own. */
  for (size_t i = 0; i < data->param_count; i++)
    adam |= 0 == strcmp ("optimizer", data->params[i].key) && 0 == strcmp ("adam", data->params[i].value);
  CHECK (3 == data->param_count && adam);
  for (size_t i = 0; i < data->tag_count; i++)
    if (0 == strcmp ("stage", data->tags[i].key))
      stage = data->tags[i].value;
  CHECK (0 == strcmp ("two", stage));
  for (size_t i = 0; i < data->metric_count; i++)
  {
    if (0 == strcmp ("loss", data->metrics[i].key))
      loss = data->metrics[i].value;
    system_seen |= 0 == strncmp ("system/", data->metrics[i].key, 7);
  }
  CHECK (0.125 == loss);
  CHECK (system_seen);
  USE (tally_run_data_free, data);
}

static void
check_history (struct live *live, const char *run_id)
{
  struct tally_search *search = NULL;
  const struct tally_point *point = NULL;
  size_t count = 0;
  unsigned special = 0;

  if (! OK (tally_metric_history, &search, live->client, run_id, "series"))
    return;
  while (OK (tally_search_next_point, &point, search) && NULL != point)
  {
    special += isnan (point->value) || isinf (point->value);
    CHECK (point->step >= 10 && point->step <= 14 && point->timestamp_ms > 0);
    count++;
  }
  /* MLflow keeps infinity as the greatest number. */
  CHECK (5 == count && (live->is_tally ? 3 : 1) == special);
  tally_search_free (search);
  FAILS (TALLY_ERROR_ARGUMENT, tally_metric_history, &search, live->client, run_id, NULL);
  if (OK (tally_metric_history, &search, live->dead, run_id, "loss"))
    FAILS (TALLY_ERROR_UNREACHABLE, tally_search_next_point, &point, search);
  tally_search_free (search);
}

static void
search_runs (struct live *live, const char *run_id)
{
  struct tally_search *search = NULL;
  const struct tally_run_data *data = NULL;
  char experiment_id[TALLY_EXPERIMENT_ID_BYTES] = "";
  const char *ids[] = { experiment_id };
  unsigned count = 0;

  OK (tally_experiment_id, experiment_id, live->client, live_name (live, "runs"), false);
  if (OK (tally_search_runs, &search, live->client, ids, 1, "params.optimizer = 'adam'", "metrics.loss ASC",
          TALLY_VIEW_ACTIVE, 10))
    while (OK (tally_search_next_run, &data, search) && NULL != data)
    {
      CHECK (0 == strcmp (data->run_id, run_id));
      count++;
    }
  CHECK (1 == count);
  USE (tally_search_free, search);
  if (OK (tally_search_runs, &search, live->client, NULL, 0, "no language at all", NULL, TALLY_VIEW_ALL, 0))
    FAILS (TALLY_ERROR_REFUSED, tally_search_next_run, &data, search);
  tally_search_free (search);
  FAILS (TALLY_ERROR_ARGUMENT, tally_search_runs, &search, NULL, NULL, 0, NULL, NULL, TALLY_VIEW_ALL, 0);
}

static void
search_experiments (struct live *live)
{
  struct tally_search *search = NULL;
  const struct tally_experiment *experiment = NULL;
  char filter[600];
  unsigned count = 0;

  snprintf (filter, sizeof (filter), "name = '%s'", live_name (live, "runs"));
  if (OK (tally_search_experiments, &search, live->client, filter, NULL, TALLY_VIEW_ACTIVE, 0))
    while (OK (tally_search_next_experiment, &experiment, search) && NULL != experiment)
      count++;
  CHECK (1 == count);
  tally_search_free (search);
  if (OK (tally_search_experiments, &search, live->dead, NULL, NULL, TALLY_VIEW_ALL, 0))
    FAILS (TALLY_ERROR_UNREACHABLE, tally_search_next_experiment, &experiment, search);
  tally_search_free (search);
  FAILS (TALLY_ERROR_ARGUMENT, tally_search_experiments, &search, NULL, NULL, NULL, TALLY_VIEW_ALL, 0);
}

void
live_searches (struct live *live, const char *run_id)
{
  struct tally_run_data *data = NULL;

  check_run (live, run_id);
  check_history (live, run_id);
  search_runs (live, run_id);
  search_experiments (live);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_run_get, &data, live->client, UNKNOWN_RUN);
  OK (tally_run_delete, live->client, run_id);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_run_delete, live->client, UNKNOWN_RUN);
  if (OK (tally_run_get, &data, live->client, run_id))
    CHECK (data->deleted);
  tally_run_data_free (data);
  OK (tally_run_restore, live->client, run_id);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_run_restore, live->client, UNKNOWN_RUN);
}

/* --- what is not sent at once ------------------------------------------------------------------------------------ */

static void
count_event (void *payload, enum tally_event event, const struct tally_error *why)
{
  (void)why;
  if (TALLY_EVENT_REJECTED == event)
    (*(volatile unsigned *)payload)++;
}

static bool
stop_sync (void *payload, const struct tally_sync_result *so_far, const char *stream)
{
  (void)payload;
  (void)so_far;
  (void)stream;
  return false;
}

/* A param with another value is refused for good: told, counted, and the rest goes on. */
static void
refused (struct live *live)
{
  struct tally_client *client = live_client (live, NULL, NULL, NULL);
  struct tally_counters counters = { 0 };
  struct tally_run *run = NULL;
  static volatile unsigned rejected;

  if (NULL == client)
    return;
  USE (tally_on_event, client, count_event, (void *)&rejected);
  if (OK (tally_run_start, &run, client, live_name (live, "runs"), "refused"))
  {
    OK (tally_log_param, run, "p", "1");
    OK (tally_log_param, run, "p", "2");
    OK (tally_log_metric, run, "after", 1, 1);
    OK (tally_flush, client, LIVE_MS);
    tally_counters (client, &counters);
    CHECK (1 == counters.rejected && counters.rejected + counters.sent == counters.logged && 1 == rejected);
  }
  tally_run_free (run);
  OK (tally_close, client, LIVE_MS);
}

void
live_spool (struct live *live)
{
  struct tally_sync_result result = { 0 };
  struct tally_run *run = NULL;
  struct tally_run *lost = NULL;
  char id[TALLY_RUN_ID_BYTES] = "";

  refused (live);
  if (OK (tally_run_start, &run, live->offline, live_name (live, "runs"), "offline"))
    OK (tally_log_metric, run, "m", 1, 1);
  FAILS (TALLY_ERROR_PENDING, tally_run_server_id, id, run, 10);
  FAILS (TALLY_ERROR_PENDING, tally_flush, live->offline, 10);
  FAILS (TALLY_ERROR_PENDING, tally_close, live->offline, 1000);
  tally_run_free (run);
  OK (tally_run_start, &lost, live->dead, NULL, "lost");
  FAILS (TALLY_ERROR_TIMEOUT, tally_flush, live->dead, 100);
  FAILS (TALLY_ERROR_PENDING, tally_close, live->dead, 100);
  tally_run_free (lost);
  FAILS (TALLY_ERROR_CANCELLED, tally_sync, &result, live->client, false, stop_sync, NULL);
  OK (tally_sync, &result, live->client, false, NULL, NULL);
  /* What was refused above is tried once more, and refused again. */
  CHECK (1 == result.rejected && 0 == result.waiting && result.points >= 2);
  OK (tally_close, live->client, LIVE_MS);
}
