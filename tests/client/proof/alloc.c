/* Each allocation of each public function fails once, and then with all that follow: no crash, no leak, and the answer
   is MEMORY or the call worked.
   Usage: alloc-failures --symbols FILE --scratch FOLDER [--stride N] [MATCH]

   --stride N   of scenarios with many allocations, and with pauses of background threads, only each N-th fails (1)
   MATCH        only scenarios whose name has this text

   The server is another process, so that each thread of this one is the library's. */
#include "failing.h"
#include "fake.h"

#include "tally.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No function allocates as often as that: one that seems to has an endless loop. */
#define ALLOCATIONS_MAX 100000
#define FLUSH_MS 60000
/* What takes all of its time although nothing was refused, on a busy machine, does not do so again and again. */
#define TRIES 50
/* The first ones of a scenario all fail, of the others each N-th: most of those are of JSON, which are all alike. */
#define DENSE 150
/* With all that follow, a call takes the whole of its time: memory might come back. */
#define SPARSE 250

struct world
{
  char url[64];
  const char *scratch;
  char file[512];
  char large[512]; /* goes in two parts */
  char folder[512];
  char target[512];
  struct tally_options *options;
  struct tally_client *client;
  struct tally_run *run;
};

/* Returns how the scenario ended; frees what it got. Runs while allocations fail. */
typedef enum tally_code scenario_call (struct world *world, struct tally_error *err);

static unsigned passed;
static unsigned failed;

static void __attribute__ ((format (printf, 2, 3))) check (bool good, const char *format, ...)
{
  va_list list;

  if (good)
  {
    passed++;
    return;
  }
  failed++;
  fputs ("  FAIL ", stdout);
  va_start (list, format);
  vprintf (format, list);
  va_end (list);
  putchar ('\n');
}

/* --- scenarios -----------------------------------------------------------------------------------------------------
 */

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
  struct tally_transition transition = { .stage = "Production", .version = 1, .reason = "r", .force = true };
  struct tally_check post = { .name = "c", .status = "success", .url = "https://ci/1", .text = "t" };
  struct tally_gate_result *result = NULL;
  enum tally_code code = tally_model_promote (&result, world->client, "m", &promotion, err);

  tally_gate_result_free (result);
  result = NULL;
  if (TALLY_OK == code)
    code = tally_model_rollback (&result, world->client, "m", "prod", "r", err);
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

static const struct
{
  const char *name;
  scenario_call *call;
  bool pauses; /* a failure costs a pause of the background thread */
} scenarios[] = {
  { "options", run_options, false },
  { "open", run_open, false },
  { "plain", run_plain, false },
  { "ping", run_ping, false },
  { "request", run_request, false },
  { "resume", run_resume, false },
  { "server id", run_server_id, false },
  { "capture", run_capture, false },
  { "experiments", run_experiments, false },
  { "runs", run_runs, false },
  { "searches", run_searches, false },
  { "artifacts", run_artifacts, false },
  { "upload in parts", run_upload, false },
  { "logged models", run_logged_models, false },
  { "registry", run_registry, false },
  { "gates", run_gates, false },
  { "model files", run_model_files, false },
  { "sync", run_sync, false },
  { "background", run_background, true },
};

/* --- running -------------------------------------------------------------------------------------------------------
 */

/* What the caller may be told when memory was refused. */
static void
judge (const char *name, long at, bool and_all_after, enum tally_code code, const struct tally_error *err)
{
  check (TALLY_OK == code || TALLY_ERROR_MEMORY == code
             || ((TALLY_ERROR_PROTOCOL == code || TALLY_ERROR_UNREACHABLE == code || TALLY_ERROR_TIMEOUT == code)
                 && failing_was_elsewhere ()),
         "%s: allocation %ld%s: %s: %s", name, at, and_all_after ? " and all after it" : "", tally_code_name (code),
         err->message);
}

/* How far to the next allocation that fails. */
static long
step_of (size_t index, long at, bool and_all_after, long stride)
{
  if (and_all_after)
    return at < SPARSE ? 10 : SPARSE;
  return scenarios[index].pauses || at >= DENSE ? stride : 1;
}

/* Let the allocation fail; true when there was one. */
static bool
run_once (enum tally_code *code, struct world *world, size_t index, long at, bool and_all_after,
          struct tally_error *err)
{
  bool hit = false;

  *code = TALLY_ERROR_TIMEOUT;
  for (unsigned i = 0; i < TRIES && TALLY_ERROR_TIMEOUT == *code; i++)
  {
    *err = (struct tally_error){ 0 };
    /* A transfer of a file in which libcurl has no memory may just stop, until a minute without a byte has passed. */
    failing_spare_curl (run_artifacts == scenarios[index].call || run_upload == scenarios[index].call
                        || scenarios[index].pauses);
    failing_arm (at, and_all_after);
    *code = scenarios[index].call (world, err);
    hit = failing_disarm ();
    if (failing_was_elsewhere ())
      break;
  }
  return hit;
}

static void
run_scenario (struct world *world, size_t index, bool and_all_after, long stride)
{
  const char *name = scenarios[index].name;
  struct tally_error err = { 0 };
  enum tally_code code;
  long at;

  for (at = 0; at < ALLOCATIONS_MAX; at += step_of (index, at, and_all_after, stride))
  {
    bool hit = run_once (&code, world, index, at, and_all_after, &err);

    judge (name, at, and_all_after, code, &err);
    if (! hit)
      break;
  }
  check (TALLY_OK == code, "%s without a failure: %s: %s", name, tally_code_name (code), err.message);
  check (at < ALLOCATIONS_MAX, "%s: %ld allocations", name, at);
  printf ("# %s: %ld allocations failed%s\n", name, at, and_all_after ? " with all after them" : " one by one");
}

static bool
prepare (struct world *world)
{
  char text[4096];
  struct tally_options *options = NULL;

  snprintf (world->file, sizeof (world->file), "%s/file.txt", world->scratch);
  snprintf (world->folder, sizeof (world->folder), "%s/folder", world->scratch);
  snprintf (world->target, sizeof (world->target), "%s/target", world->scratch);
  snprintf (world->large, sizeof (world->large), "%s/large", world->scratch);
  snprintf (text, sizeof (text),
            "mkdir -p '%s' && echo hello >'%s' && echo hello >'%s/in' && head -c %d /dev/zero >'%s'", world->folder,
            world->file, world->folder, FAKE_PART_BYTES + 1, world->large);
  if (0 != system (text) || TALLY_OK != tally_options_new (&options, NULL))
    return false;
  snprintf (text, sizeof (text), "%s/spool", world->scratch);
  world->options = options;
  return TALLY_OK == tally_options_set (options, "server", world->url, NULL)
         && TALLY_OK == tally_options_set (options, "spool", text, NULL)
         && TALLY_OK == tally_options_set (options, "part-bytes", "5242880", NULL)
         && TALLY_OK == tally_options_set (options, "request-timeout-ms", "400", NULL)
         && TALLY_OK == tally_options_set (options, "retry-max-ms", "20", NULL)
         && TALLY_OK == tally_open (&world->client, options, NULL)
         && TALLY_OK == tally_run_start (&world->run, world->client, "e", "r", NULL)
         && TALLY_OK == tally_flush (world->client, FLUSH_MS, NULL);
}

/* Each function that may fail is in a scenario. */
static void
check_symbols (const char *path, const char *source)
{
  char line[128];
  char command[1024];
  FILE *file = fopen (path, "r");

  check (NULL != file, "%s is not there", path);
  while (NULL != file && NULL != fgets (line, sizeof (line), file))
  {
    line[strcspn (line, "\n")] = '\0';
    if (0 != strncmp (line, "tally_", 6))
      continue;
    snprintf (command, sizeof (command), "grep -q '\\b%s\\b' '%s'", line, source);
    check (0 == system (command), "%s is in no scenario", line);
  }
  if (NULL != file)
    fclose (file);
}

int
main (int argc, char **argv)
{
  struct world world = { 0 };
  const char *symbols = NULL;
  const char *match = "";
  long stride = 1;

  for (int i = 1; i < argc; i++)
    if (0 == strcmp (argv[i], "--symbols") && i + 1 < argc)
      symbols = argv[++i];
    else if (0 == strcmp (argv[i], "--scratch") && i + 1 < argc)
      world.scratch = argv[++i];
    else if (0 == strcmp (argv[i], "--stride") && i + 1 < argc)
      stride = atol (argv[++i]);
    else
      match = argv[i];
  if (NULL == symbols || NULL == world.scratch || stride < 1)
  {
    fputs ("usage: alloc-failures --symbols FILE --scratch FOLDER [--stride N] [MATCH]\n", stderr);
    return 2;
  }
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (! fake_start_apart (world.url))
    return 1;
  failing_init ();
  if (! prepare (&world))
  {
    fputs ("alloc-failures: the client cannot be prepared\n", stderr);
    return 1;
  }
  for (size_t i = 0; i < sizeof (scenarios) / sizeof (scenarios[0]); i++)
    if (NULL != strstr (scenarios[i].name, match))
    {
      run_scenario (&world, i, false, stride);
      /* The threads in the background go on until there is memory again. */
      if (! scenarios[i].pauses)
        run_scenario (&world, i, true, stride);
    }
  tally_run_free (world.run);
  tally_close (world.client, FLUSH_MS, NULL);
  tally_options_free (world.options);
  if ('\0' == match[0])
    check_symbols (symbols, __FILE__);
  printf ("%u passed, %u failed\n", passed, failed);
  return 0 == failed ? 0 : 1;
}
