/* Versions of registered models: registered once, found by number, alias and filter. */
#include "decode.h"
#include "error.h"
#include "registry.h"
#include "result.h"
#include "search.h"
#include "text.h"

#include <string.h>

#define VERSIONS_PATH "/api/2.0/mlflow/model-versions"

/* A version with its tags is small; MLflow would give 200,000 of them at once. */
#define VERSIONS_PAGE 1000

/* Tag by which a version is found whose answer was lost, and how often one is asked for when it was not done: each try
   waits as long as option request-timeout-ms says. */
#define REGISTRATION_TAG "tally.registration_id"
#define REGISTRATION_TRIES 3

/* "runs:/<id>/<path>" as the place where the server keeps it: MLflow takes a source as it is and serves files of places
   only. */
static enum tally_code
resolve_run (const char **source, struct arena *arena, struct tally_client *client, const struct root *root,
             struct tally_error *err)
{
  struct tally_run_data *run;
  enum tally_code code = tally_run_get (&run, client, root->id, err);

  if (TALLY_OK != code)
    return code;
  *source = '\0' == root->path[0] ? arena_copy (arena, run->artifact_uri, strlen (run->artifact_uri))
                                  : arena_printf (arena, "%s/%s", run->artifact_uri, root->path);
  tally_run_data_free (run);
  return decode_end (arena, err);
}

struct registration
{
  const char *name;
  const char *source;
  const char *run_id; /* NULL: none */
  const char *model_id; /* NULL: none */
  const char *description; /* NULL: none */
};

/* What the server wants to know of a source: where it is, and whose it is. */
static enum tally_code
resolve (struct registration *registration, struct arena *arena, struct tally_client *client, struct tally_error *err)
{
  struct root root;

  if (TALLY_OK != root_parse (&root, arena, registration->source, NULL))
    return decode_end (arena, err);
  if (ROOT_RUN == root.kind && NULL == registration->run_id)
    registration->run_id = root.id;
  if (ROOT_LOGGED_MODEL == root.kind && NULL == registration->model_id)
    registration->model_id = root.id;
  return ROOT_RUN == root.kind ? resolve_run (&registration->source, arena, client, &root, err) : TALLY_OK;
}

/* The body that registers it, with the id by which it is found when the answer is lost. */
static json_t *
registration_body (const struct registration *registration, const char *id)
{
  json_t *body = json_pack ("{s:s, s:s, s:[{s:s, s:s}]}", "name", registration->name, "source", registration->source,
                            "tags", "key", REGISTRATION_TAG, "value", id);

  if (NULL != body && search_put_text (body, "run_id", registration->run_id)
      && search_put_text (body, "model_id", registration->model_id)
      && search_put_text (body, "description", registration->description))
    return body;
  json_decref (body);
  return NULL;
}

/* The version that a lost answer was about; 0: there is none. */
static enum tally_code
find_registered (int64_t *version, struct tally_client *client, const char *id, struct tally_error *err)
{
  struct tally_search *search;
  const struct tally_model_version *found = NULL;
  char filter[128];
  enum tally_code code;

  snprintf (filter, sizeof (filter), "tags.`" REGISTRATION_TAG "` = '%s'", id);
  code = tally_search_model_versions (&search, client, filter, NULL, 1, err);
  if (TALLY_OK == code)
    code = tally_search_next_model_version (&found, search, err);
  *version = NULL == found ? 0 : found->version;
  tally_search_free (search);
  return code;
}

static enum tally_code
create_once (int64_t *version, struct tally_client *client, const json_t *body, struct tally_error *err)
{
  json_t *answer = NULL;
  enum tally_code code = answer_call_once (&answer, client, "POST", VERSIONS_PATH "/create", body, err);

  *version = answer_int64 (json_object_get (answer, "model_version"), "version");
  json_decref (answer);
  if (TALLY_OK != code || *version > 0)
    return code;
  code = error_set (err, TALLY_ERROR_PROTOCOL, "The answer of the server holds no version.");
  if (NULL != err)
    err->retryable = false;
  return code;
}

static enum tally_code
create (int64_t *version, struct tally_client *client, const struct registration *registration, struct tally_error *err)
{
  char id[TALLY_RUN_ID_BYTES];
  struct run_key key;
  struct tally_error own;
  json_t *body;
  enum tally_code code = TALLY_OK;

  if (NULL == err)
    err = &own;
  if (! run_key_new (&key))
    return error_set (err, TALLY_ERROR_FILE, "The system has no random number.");
  run_key_format (id, &key);
  body = registration_body (registration, id);
  if (NULL == body)
    return error_memory (err);
  for (unsigned attempt = 1;; attempt++)
  {
    code = create_once (version, client, body, err);
    if (TALLY_OK == code || ! err->retryable || TALLY_ERROR_MEMORY == code || attempt == REGISTRATION_TRIES)
      break;
    code = find_registered (version, client, id, err);
    if (TALLY_OK != code || *version > 0)
      break;
  }
  json_decref (body);
  return code;
}

enum tally_code
tally_model_register (int64_t *version, struct tally_client *client, const char *name, const char *source,
                      const char *run_id, const char *model_id, const char *description, struct tally_error *err)
{
  struct registration registration = { name, source, run_id, model_id, description };
  struct arena *arena = NULL;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code)
    code = registry_check_name (name, err);
  if (TALLY_OK == code && (NULL == source || '\0' == source[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The source of the version is missing.");
  if (TALLY_OK == code)
    code = TEXT_CHECK (err, source, run_id, model_id, description);
  if (TALLY_OK == code && NULL == (arena = arena_new (ANSWER_ARENA_BYTES)))
    code = error_memory (err);
  if (TALLY_OK == code)
    code = resolve (&registration, arena, client, err);
  if (TALLY_OK == code)
    code = tally_model_create (client, name, NULL, err);
  if (TALLY_OK == code || TALLY_ERROR_EXISTS == code)
    code = create (version, client, &registration, err);
  arena_free (arena);
  return code;
}

/* The version of the greatest number among those that get-latest-versions tells: one of each stage that is asked for.
 */
static const json_t *
greatest (const json_t *list)
{
  const json_t *best = NULL;

  for (size_t i = 0; i < json_array_size (list); i++)
    if (NULL == best || answer_int64 (json_array_get (list, i), "version") > answer_int64 (best, "version"))
      best = json_array_get (list, i);
  return best;
}

static enum tally_code
find_latest (void **result, struct tally_client *client, const struct root *root, struct tally_error *err)
{
  json_t *answer = NULL;
  const json_t *version;
  enum tally_code code =
      registry_call (&answer, client, "POST", "/api/2.0/mlflow/registered-models/get-latest-versions",
                     NULL == root->stage ? json_pack ("{s:s}", "name", root->name)
                                         : json_pack ("{s:s, s:[s]}", "name", root->name, "stages", root->stage),
                     err);

  version = greatest (json_object_get (answer, "model_versions"));
  if (TALLY_OK == code && NULL == version)
    code = NULL == root->stage
               ? error_set (err, TALLY_ERROR_NOT_FOUND, "Registered model '%s' has no versions.", root->name)
               : error_set (err, TALLY_ERROR_NOT_FOUND, "Registered model '%s' has no version in stage %s.", root->name,
                            root->stage);
  if (TALLY_OK == code)
    code = decode_result (result, sizeof (struct tally_model_version), decode_model_version, version, NULL, err);
  json_decref (answer);
  return code;
}

/* MLflow answers 400 where an alias is not there. */
static enum tally_code
alias_error (enum tally_code code, const struct root *root, struct tally_error *err)
{
  struct tally_error reason = { 0 };

  if (NULL != err)
    reason = *err;
  if (TALLY_ERROR_REFUSED != code || ROOT_ALIAS != root->kind || NULL == strstr (reason.message, "not found"))
    return code;
  error_set (err, TALLY_ERROR_NOT_FOUND, "%s", reason.message);
  if (NULL != err)
  {
    err->http_status = reason.http_status;
    memcpy (err->server_code, reason.server_code, sizeof (err->server_code));
  }
  return TALLY_ERROR_NOT_FOUND;
}

static enum tally_code
find (void **result, struct tally_client *client, const struct root *root, struct tally_error *err)
{
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  const char *path;
  json_t *answer = NULL;
  enum tally_code code;

  if (NULL == arena)
    return error_memory (err);
  if (ROOT_ALIAS == root->kind)
    path = arena_printf (arena, "/api/2.0/mlflow/registered-models/alias?name=%s&alias=%s",
                         answer_encode (arena, root->name), answer_encode (arena, root->alias));
  else
    path = arena_printf (arena, VERSIONS_PATH "/get?name=%s&version=%lld", answer_encode (arena, root->name),
                         (long long)root->version);
  code = decode_end (arena, err);
  if (TALLY_OK == code)
    code = alias_error (answer_call (&answer, client, "GET", path, NULL, err), root, err);
  if (TALLY_OK == code)
    code =
        decode_result (result, sizeof (struct tally_model_version), decode_model_version, answer, "model_version", err);
  json_decref (answer);
  arena_free (arena);
  return code;
}

enum tally_code
registry_find_version (struct tally_model_version **version, struct tally_client *client, const struct root *root,
                       struct tally_error *err)
{
  struct tally_error own;
  void *result = NULL;
  enum tally_code code = registry_check_name (root->name, err);

  if (NULL == err)
    err = &own;
  if (TALLY_OK == code)
    code = ROOT_LATEST == root->kind || ROOT_STAGE == root->kind ? find_latest (&result, client, root, err)
                                                                 : find (&result, client, root, err);
  *version = result;
  return code;
}

enum tally_code
tally_model_version_get (struct tally_model_version **version, struct tally_client *client, const char *uri,
                         struct tally_error *err)
{
  struct root root;
  struct arena *arena = NULL;
  enum tally_code code = client_check (client, err);

  *version = NULL;
  if (TALLY_OK == code && NULL == (arena = arena_new (ANSWER_ARENA_BYTES)))
    code = error_memory (err);
  if (TALLY_OK == code)
    code = root_parse (&root, arena, uri, err);
  if (TALLY_OK == code && NULL == root.name)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "'%s' is no version of a registered model.", uri);
  if (TALLY_OK == code)
    code = registry_find_version (version, client, &root, err);
  arena_free (arena);
  return code;
}

void
tally_model_version_free (struct tally_model_version *version)
{
  result_free (version);
}

/* Send a body, whose reference is stolen, about a version. */
static enum tally_code
change (struct tally_client *client, const char *method, const char *path, const char *name, int64_t version,
        json_t *body, struct tally_error *err)
{
  char number[24];
  json_t *answer = NULL;
  enum tally_code code = registry_check_name (name, err);

  if (TALLY_OK == code)
    code = registry_check_version (version, err);
  snprintf (number, sizeof (number), "%lld", (long long)version);
  if (TALLY_OK == code
      && (NULL == body || 0 != json_object_set_new (body, "name", json_string (name))
          || 0 != json_object_set_new (body, "version", json_string (number))))
    code = error_memory (err);
  if (TALLY_OK != code)
    json_decref (body);
  else
    code = registry_call (&answer, client, method, path, body, err);
  json_decref (answer);
  return code;
}

enum tally_code
tally_model_version_set_tag (struct tally_client *client, const char *name, int64_t version, const char *key,
                             const char *value, struct tally_error *err)
{
  if (NULL == key || '\0' == key[0] || NULL == value)
    return error_set (err, TALLY_ERROR_ARGUMENT, "A tag needs a key and a value.");
  if (TALLY_OK != TEXT_CHECK (err, key, value))
    return TALLY_ERROR_ARGUMENT;
  return change (client, "POST", VERSIONS_PATH "/set-tag", name, version,
                 json_pack ("{s:s, s:s}", "key", key, "value", value), err);
}

enum tally_code
tally_model_version_delete (struct tally_client *client, const char *name, int64_t version, struct tally_error *err)
{
  return change (client, "DELETE", VERSIONS_PATH "/delete", name, version, json_object (), err);
}

static const struct search_kind version_kind = {
  .method = "GET",
  .path = VERSIONS_PATH "/search",
  .list = "model_versions",
  .page_size = VERSIONS_PAGE,
  .item_bytes = sizeof (struct tally_model_version),
  .decode = decode_model_version,
};

enum tally_code
tally_search_model_versions (struct tally_search **search, struct tally_client *client, const char *filter,
                             const char *order_by, size_t max_results, struct tally_error *err)
{
  json_t *request;

  *search = NULL;
  if (TALLY_OK != TEXT_CHECK (err, filter, order_by))
    return TALLY_ERROR_ARGUMENT;
  request = json_pack ("{s:o}", "order_by", search_order (order_by));

  if (NULL != request && ! search_put_text (request, "filter", filter))
  {
    json_decref (request);
    request = NULL;
  }
  return search_new (search, client, &version_kind, request, max_results, err);
}

enum tally_code
tally_search_next_model_version (const struct tally_model_version **version, struct tally_search *search,
                                 struct tally_error *err)
{
  const void *item;
  enum tally_code code = search_next (&item, search, &version_kind, err);

  *version = item;
  return code;
}
