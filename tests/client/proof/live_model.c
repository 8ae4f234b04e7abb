/* Live: files up and down, logged models, the registry and its gates. */
#include "live.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A model id of the right form that nothing has. */
#define UNKNOWN_MODEL "m-00000000000000000000000000000bad"

struct seen
{
  unsigned calls;
  uint64_t done_bytes;
  bool stop;
};

static bool
see (void *payload, const char *name, uint64_t done_bytes, uint64_t total_bytes)
{
  struct seen *seen = payload;

  seen->calls++;
  seen->done_bytes = done_bytes;
  return NULL != name && (0 == total_bytes || done_bytes <= total_bytes) && ! seen->stop;
}

/* A new folder of this name below the scratch folder; its path. */
static const char *
folder_of (struct live *live, const char *name)
{
  static char paths[4][512];
  static unsigned next;
  char *path = paths[next++ % 4];

  snprintf (path, 512, "%s/%s", live->scratch, name);
  return path;
}

static const char *
below (const char *folder, const char *name)
{
  static char paths[4][1024];
  static unsigned next;
  char *path = paths[next++ % 4];

  snprintf (path, 1024, "%s/%s", folder, name);
  return path;
}

/* What live_runs queued has arrived. */
static void
list_queued (struct live *live, const char *root)
{
  struct tally_artifacts *list = NULL;
  const struct tally_artifact *artifact = NULL;
  unsigned files = 0;
  unsigned folders = 0;

  if (OK (tally_artifact_list, &list, live->client, root, NULL))
    while (OK (tally_artifacts_next, &artifact, list) && NULL != artifact)
    {
      folders += artifact->is_folder;
      files += ! artifact->is_folder;
      if (! artifact->is_folder && 0 == strcmp ("queued.txt", artifact->name))
        CHECK (6 == artifact->bytes);
    }
  CHECK (1 == files && 2 == folders);
  FAILS (TALLY_ERROR_ARGUMENT, tally_artifacts_next, &artifact, NULL);
  USE (tally_artifacts_free, list);
  list = NULL;
  FAILS (TALLY_ERROR_ARGUMENT, tally_artifact_list, &list, live->client, "nowhere:/x", NULL);
}

static void
up_and_down (struct live *live, const char *root)
{
  struct seen seen = { 0 };
  struct tally_transfer transfer = { .progress = see, .payload = &seen, .overwrite = false };
  const char *target = folder_of (live, "down");

  OK (tally_artifact_upload, live->client, root, live_file (live, "up.txt", "going up"), "up/renamed.txt", &transfer);
  CHECK (seen.calls > 0 && 8 == seen.done_bytes);
  FAILS (TALLY_ERROR_FILE, tally_artifact_upload, live->client, root, "/nowhere", NULL, NULL);
  seen = (struct seen){ .stop = true };
  FAILS (TALLY_ERROR_CANCELLED, tally_artifact_upload, live->client, root, live_file (live, "up.txt", "going up"),
         "up/cancelled.txt", &transfer);
  seen = (struct seen){ 0 };
  OK (tally_artifact_download, live->client, root, NULL, target, &transfer);
  CHECK (seen.done_bytes >= 5 + 6 + 3 + 3 + 8);
  CHECK (live_file_is (below (target, "up/renamed.txt"), "going up"));
  CHECK (live_file_is (below (target, "notes/bytes.txt"), "bytes"));
  CHECK (live_file_is (below (target, "queued.txt"), "queued"));
  CHECK (live_file_is (below (target, "folder/one.txt"), "one"));
  CHECK (live_file_is (below (target, "folder/deep/two.txt"), "two"));
  FAILS (TALLY_ERROR_EXISTS, tally_artifact_download, live->client, root, "queued.txt", target, &transfer);
  transfer.overwrite = true;
  live_file (live, "down/queued.txt", "changed here");
  OK (tally_artifact_download, live->client, root, "queued.txt", target, &transfer);
  CHECK (live_file_is (below (target, "queued.txt"), "queued"));
  FAILS (TALLY_ERROR_NOT_FOUND, tally_artifact_download, live->client, root, "none.txt", target, NULL);
}

void
live_artifacts (struct live *live, const char *run_id)
{
  char root[64];

  snprintf (root, sizeof (root), "runs:/%s", run_id);
  list_queued (live, root);
  up_and_down (live, root);
}

/* --- logged models ----------------------------------------------------------------------------------------------- */

static void
read_logged_model (struct live *live, const char *model_id, const char *run_id)
{
  struct tally_logged_model *model = NULL;
  struct tally_search *search = NULL;
  const struct tally_logged_model *found = NULL;
  char experiment_id[TALLY_EXPERIMENT_ID_BYTES] = "";
  const char *ids[] = { experiment_id };
  unsigned count = 0;

  if (OK (tally_logged_model_get, &model, live->client, model_id))
  {
    CHECK (0 == strcmp (model->model_id, model_id) && 0 == strcmp (model->run_id, run_id));
    CHECK (TALLY_MODEL_READY == model->status && 1 == model->param_count);
    snprintf (experiment_id, sizeof (experiment_id), "%s", model->experiment_id);
  }
  USE (tally_logged_model_free, model);
  if (OK (tally_search_logged_models, &search, live->client, ids, 1, NULL, 0))
    while (OK (tally_search_next_logged_model, &found, search) && NULL != found)
      count += 0 == strcmp (found->model_id, model_id);
  CHECK (1 == count);
  tally_search_free (search);
  if (OK (tally_search_logged_models, &search, live->client, ids, 1, "no language at all", 0))
    FAILS (TALLY_ERROR_REFUSED, tally_search_next_logged_model, &found, search);
  tally_search_free (search);
  FAILS (TALLY_ERROR_ARGUMENT, tally_search_logged_models, &search, NULL, ids, 1, NULL, 0);
}

void
live_logged_models (struct live *live, const char *run_id)
{
  static const struct tally_pair params[] = { { "depth", "7" } };
  char id[TALLY_MODEL_ID_BYTES] = "";
  char root[64];
  struct tally_run *run = NULL;
  struct tally_logged_model *model = NULL;

  if (! OK (tally_run_resume, &run, live->client, run_id, false))
    return;
  FAILS (TALLY_ERROR_ARGUMENT, tally_logged_model_create, id, NULL, "m", NULL, NULL, 0, LIVE_MS);
  if (OK (tally_logged_model_create, id, run, "net", "torch", params, 1, LIVE_MS))
  {
    snprintf (root, sizeof (root), "models:/%s", id);
    OK (tally_artifact_upload, live->client, root, live_file (live, "weights", "weights"), NULL, NULL);
    OK (tally_logged_model_finalize, live->client, id, TALLY_MODEL_READY);
    OK (tally_logged_model_set_tag, live->client, id, "k", "v");
    OK (tally_log_model_metric, run, id, "auc", 0.75, 1, NULL, NULL);
    OK (tally_flush, live->client, LIVE_MS);
    read_logged_model (live, id, run_id);
    OK (tally_model_download, live->client, root, folder_of (live, "logged"), NULL);
    CHECK (live_file_is (below (folder_of (live, "logged"), "weights"), "weights"));
    OK (tally_logged_model_delete, live->client, id);
  }
  FAILS (TALLY_ERROR_NOT_FOUND, tally_logged_model_finalize, live->client, UNKNOWN_MODEL, TALLY_MODEL_READY);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_logged_model_set_tag, live->client, UNKNOWN_MODEL, "k", "v");
  FAILS (TALLY_ERROR_NOT_FOUND, tally_logged_model_delete, live->client, UNKNOWN_MODEL);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_logged_model_get, &model, live->client, UNKNOWN_MODEL);
  FAILS (TALLY_ERROR_ARGUMENT, tally_log_model_metric, run, "", "auc", 0.75, 1, NULL, NULL);
  tally_run_free (run);
}

/* --- the registry ------------------------------------------------------------------------------------------------ */

/* Beside it there may be the tag by which a registration is found again. */
static bool
has_tag (const struct tally_model_version *version, const char *key, const char *value)
{
  for (size_t i = 0; i < version->tag_count; i++)
    if (0 == strcmp (version->tags[i].key, key))
      return 0 == strcmp (version->tags[i].value, value);
  return false;
}

static void
versions (struct live *live, const char *name, const char *run_id)
{
  struct tally_model_version *version = NULL;
  struct tally_search *search = NULL;
  const struct tally_model_version *found = NULL;
  char uri[600];
  char filter[600];
  unsigned count = 0;

  snprintf (uri, sizeof (uri), "models:/%s@prod", name);
  OK (tally_model_set_alias, live->client, name, "prod", 1);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_set_alias, live->client, name, "prod", 99);
  OK (tally_model_version_set_tag, live->client, name, 1, "k", "v");
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_version_set_tag, live->client, name, 99, "k", "v");
  if (OK (tally_model_version_get, &version, live->client, uri))
    CHECK (1 == version->version && 0 == strcmp (version->name, name) && 1 == version->alias_count
           && 0 == strcmp ("prod", version->aliases[0]) && has_tag (version, "k", "v")
           && 0 == strcmp (version->run_id, run_id) && 0 == strcmp ("READY", version->status));
  USE (tally_model_version_free, version);
  OK (tally_model_delete_alias, live->client, name, "prod");
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_version_get, &version, live->client, uri);
  snprintf (uri, sizeof (uri), "models:/%s/latest", name);
  if (OK (tally_model_version_get, &version, live->client, uri))
    CHECK (2 == version->version);
  tally_model_version_free (version);
  snprintf (filter, sizeof (filter), "name = '%s'", name);
  if (OK (tally_search_model_versions, &search, live->client, filter, NULL, 0))
    while (OK (tally_search_next_model_version, &found, search) && NULL != found)
      count++;
  CHECK (2 == count);
  tally_search_free (search);
  if (OK (tally_search_model_versions, &search, live->client, "no language at all", NULL, 0))
    FAILS (TALLY_ERROR_REFUSED, tally_search_next_model_version, &found, search);
  tally_search_free (search);
  FAILS (TALLY_ERROR_ARGUMENT, tally_search_model_versions, &search, NULL, NULL, NULL, 0);
}

/* A gate is set and removed by plain requests: the library has no function for that. */
static void
ask_gate (struct live *live, const char *method, const char *name, const char *json)
{
  struct tally_reply *reply = NULL;
  char path[700];

  snprintf (path, sizeof (path), "/api/tally/v1/registered-models/%s/gates", name);
  if (live->is_tally)
    OK (tally_request, &reply, live->client, method, path, json);
  tally_reply_free (reply);
}

static void
gates (struct live *live, const char *name)
{
  struct tally_promotion promotion = { .alias = "live", .version = 1, .reason = "because" };
  struct tally_rollback rollback = {
    .alias = "live", .expect_version = 2, .reason = "back", .run_url = "https://ci/2"
  };
  struct tally_check check = { .name = "tests", .status = "success", .has_value = true, .value = 0.5 };
  struct tally_gate_result *result = NULL;

  ask_gate (live, "PUT", name, "{\"alias\": \"live\", \"rules\": {\"checks\": [\"tests\"]}}");
  TALLY_ONLY (tally_model_gate, &result, live->client, name, 1, "live");
  if (live->is_tally && CHECK (NULL != result))
    CHECK (! result->met && 1 == result->missing_count && '\0' != result->missing[0].message[0]);
  USE (tally_gate_result_free, result);
  result = NULL;
  TALLY_FAILS (TALLY_ERROR_NOT_FOUND, tally_model_gate, &result, live->client, "no-such-model", 1, "live");
  TALLY_FAILS (TALLY_ERROR_GATE, tally_model_promote, &result, live->client, name, &promotion);
  if (live->is_tally && CHECK (NULL != result))
    CHECK (! result->moved && result->missing_count > 0);
  tally_gate_result_free (result);
  result = NULL;
  TALLY_ONLY (tally_model_check, live->client, name, 1, &check);
  TALLY_FAILS (TALLY_ERROR_NOT_FOUND, tally_model_check, live->client, "no-such-model", 1, &check);
  TALLY_ONLY (tally_model_approve, live->client, name, 1, "looks good");
  TALLY_FAILS (TALLY_ERROR_NOT_FOUND, tally_model_approve, live->client, "no-such-model", 1, NULL);
  TALLY_ONLY (tally_model_promote, &result, live->client, name, &promotion);
  if (live->is_tally && CHECK (NULL != result))
    CHECK (result->met && result->moved && 1 == result->version && 0 == result->previous);
  tally_gate_result_free (result);
  result = NULL;
  promotion.expect_version = 2;
  TALLY_FAILS (TALLY_ERROR_CONFLICT, tally_model_promote, &result, live->client, name, &promotion);
  tally_gate_result_free (result);
  result = NULL;
  check.name = "tests";
  TALLY_ONLY (tally_model_check, live->client, name, 2, &check);
  promotion = (struct tally_promotion){ .alias = "live", .version = 2, .expect_version = 1 };
  TALLY_ONLY (tally_model_promote, &result, live->client, name, &promotion);
  tally_gate_result_free (result);
  result = NULL;
  TALLY_ONLY (tally_model_rollback, &result, live->client, name, &rollback);
  if (live->is_tally && CHECK (NULL != result))
    CHECK (result->moved && 1 == result->current);
  tally_gate_result_free (result);
  result = NULL;
  TALLY_FAILS (TALLY_ERROR_CONFLICT, tally_model_rollback, &result, live->client, name, &rollback);
  tally_gate_result_free (result);
  result = NULL;
  rollback.expect_version = 1;
  rollback.at = "1000";
  TALLY_FAILS (TALLY_ERROR_NOT_FOUND, tally_model_rollback, &result, live->client, name, &rollback);
  tally_gate_result_free (result);
  result = NULL;
  rollback.at = "2100-01-01T00:00:00Z";
  TALLY_ONLY (tally_model_rollback, &result, live->client, name, &rollback);
  if (live->is_tally && CHECK (NULL != result))
    CHECK (result->moved && 1 == result->current);
  tally_gate_result_free (result);
  result = NULL;
  TALLY_FAILS (TALLY_ERROR_NOT_FOUND, tally_model_rollback, &result, live->client, "no-such-model", &rollback);
  tally_gate_result_free (result);
}

/* Stages are MLflow's; their gates, and why a version moves, are not. */
static void
stages (struct live *live, const char *name)
{
  struct tally_transition transition = { .stage = "Staging", .version = 1, .archive_existing = true };
  struct tally_model_version *version = NULL;
  char uri[700];
  struct tally_gate_result *result = NULL;

  ask_gate (live, "PUT", name, "{\"stage\": \"Production\", \"rules\": {\"checks\": [\"never\"]}}");
  OK (tally_model_transition, &result, live->client, name, &transition);
  if (CHECK (NULL != result))
    CHECK (result->met && result->moved && ! result->forced && 1 == result->version);
  tally_gate_result_free (result);
  result = NULL;
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_transition, NULL, live->client, "no-such-model", &transition);
  TALLY_ONLY (tally_model_stage_gate, &result, live->client, name, 1, "Production");
  if (live->is_tally && CHECK (NULL != result))
    CHECK (! result->met && 1 == result->missing_count);
  tally_gate_result_free (result);
  result = NULL;
  TALLY_FAILS (TALLY_ERROR_NOT_FOUND, tally_model_stage_gate, &result, live->client, "no-such-model", 1, "Production");
  transition = (struct tally_transition){ .stage = "Production", .version = 1, .reason = "because" };
  TALLY_FAILS (TALLY_ERROR_GATE, tally_model_transition, &result, live->client, name, &transition);
  if (live->is_tally && CHECK (NULL != result))
    CHECK (! result->moved && 1 == result->missing_count && 0 == strcmp ("check", result->missing[0].rule));
  tally_gate_result_free (result);
  result = NULL;
  transition.force = true;
  TALLY_ONLY (tally_model_transition, &result, live->client, name, &transition);
  if (live->is_tally && CHECK (NULL != result))
    CHECK (result->moved && result->forced);
  tally_gate_result_free (result);
  snprintf (uri, sizeof (uri), "models:/%s/%s", name, live->is_tally ? "production" : "staging");
  OK (tally_model_version_get, &version, live->client, uri);
  if (CHECK (NULL != version))
    CHECK (1 == version->version);
  tally_model_version_free (version);
  snprintf (uri, sizeof (uri), "models:/%s/Archived", name);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_version_get, &version, live->client, uri);
  result = NULL;
  ask_gate (live, "DELETE", name, "{\"stage\": \"Production\"}");
  transition = (struct tally_transition){ .stage = "None", .version = 1 };
  OK (tally_model_transition, NULL, live->client, name, &transition);
}

static void
files_of_version (struct live *live, const char *name)
{
  const char *folder = folder_of (live, "version");
  char uri[600];

  snprintf (uri, sizeof (uri), "models:/%s/1", name);
  OK (tally_model_download, live->client, uri, folder, NULL);
  CHECK (live_file_is (below (folder, "one.txt"), "one") && live_file_is (below (folder, "deep/two.txt"), "two"));
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_download, live->client, "models:/no-such-model/1", folder, NULL);
  TALLY_ONLY (tally_model_verify, live->client, uri, folder);
  live_file (live, "version/one.txt", "two");
  TALLY_FAILS (TALLY_ERROR_DIGEST, tally_model_verify, live->client, uri, folder);
}

void
live_registry (struct live *live, const char *run_id)
{
  char name[128];
  char source[128];
  int64_t version = 0;

  snprintf (name, sizeof (name), "%s", live_name (live, "model"));
  snprintf (source, sizeof (source), "runs:/%s/folder", run_id);
  OK (tally_model_create, live->client, name, "made by a test");
  FAILS (TALLY_ERROR_EXISTS, tally_model_create, live->client, name, NULL);
  OK (tally_model_register, &version, live->client, name, source, run_id, NULL, "first");
  CHECK (1 == version);
  OK (tally_model_register, &version, live->client, name, source, run_id, NULL, NULL);
  CHECK (2 == version);
  FAILS (TALLY_ERROR_ARGUMENT, tally_model_register, &version, live->client, NULL, source, NULL, NULL, NULL);
  versions (live, name, run_id);
  gates (live, name);
  stages (live, name);
  files_of_version (live, name);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_delete_alias, live->client, "no-such-model", "prod");
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_version_delete, live->client, name, 99);
  OK (tally_model_version_delete, live->client, name, 2);
  ask_gate (live, "DELETE", name, "{\"alias\": \"live\"}");
  OK (tally_model_delete, live->client, name);
  FAILS (TALLY_ERROR_NOT_FOUND, tally_model_delete, live->client, name);
}
