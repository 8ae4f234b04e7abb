/* Places, as tallyd and MLflow tell them. */
#include "artifact_place.h"

#include "decode.h"
#include "error.h"
#include "ping.h"
#include "registry.h"

#include "base/hex.h"

#include <string.h>

/* Entries of a page that tallyd is asked for: its default. */
#define LIST_PAGE 1000

/* How often a URI may lead to another one: a version's to a logged model's, that one's to the store. */
#define URI_STEPS_MAX 3

bool
place_digest_valid (const char *digest)
{
  size_t digits = 0;

  while (hex_value (digest[digits]) >= 0)
    digits++;
  return SHA256_TEXT_BYTES - 1 == digits && '\0' == digest[digits];
}

struct finding
{
  struct place *place;
  struct arena *arena;
  struct tally_client *client;
  struct transfer transfer;
};

static enum tally_code find (struct finding *finding, const char *uri, unsigned step, struct tally_error *err);

static enum tally_code
find_logged_model (struct finding *finding, const char *id, struct tally_error *err)
{
  struct tally_logged_model *model;
  enum tally_code code = tally_logged_model_get (&model, finding->client, id, err);

  if (TALLY_OK != code)
    return code;
  code = transfer_place_of_uri (&finding->place->store, finding->arena, &finding->transfer, model->artifact_uri, err);
  tally_logged_model_free (model);
  return code;
}

/* A version of MLflow is where its download URI leads. */
static enum tally_code
follow_version (struct finding *finding, const struct tally_model_version *version, unsigned step,
                struct tally_error *err)
{
  const char *path =
      arena_printf (finding->arena, "/api/2.0/mlflow/model-versions/get-download-uri?name=%s&version=%lld",
                    answer_encode (finding->arena, version->name), (long long)version->version);
  const char *uri;
  json_t *answer = NULL;
  enum tally_code code = decode_end (finding->arena, err);

  if (TALLY_OK == code)
    code = answer_call (&answer, finding->client, "GET", path, NULL, err);
  uri = answer_text (finding->arena, answer, "artifact_uri");
  json_decref (answer);
  if (TALLY_OK != code)
    return code;
  if (0 == strncmp (uri, "models:/", 8) || 0 == strncmp (uri, "runs:/", 6))
    return find (finding, uri, step + 1, err);
  return transfer_place_of_uri (&finding->place->store, finding->arena, &finding->transfer, uri, err);
}

static enum tally_code
find_version (struct finding *finding, const struct root *root, unsigned step, struct tally_error *err)
{
  struct tally_model_version *version;
  enum tally_code code = registry_find_version (&version, finding->client, root, err);

  if (TALLY_OK != code)
    return code;
  finding->place->kind = ROOT_VERSION;
  finding->place->name = arena_copy (finding->arena, version->name, strlen (version->name));
  finding->place->version = version->version;
  if (! finding->place->is_tally)
    code = follow_version (finding, version, step, err);
  tally_model_version_free (version);
  return TALLY_OK == code ? decode_end (finding->arena, err) : code;
}

static enum tally_code
find (struct finding *finding, const char *uri, unsigned step, struct tally_error *err)
{
  struct place *place = finding->place;
  struct root root;
  enum tally_code code = root_parse (&root, finding->arena, uri, err);

  if (TALLY_OK == code && step >= URI_STEPS_MAX)
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The files of a version are nowhere: %.300s leads in a circle.", uri);
  if (TALLY_OK == code && NULL != root.path && '\0' != root.path[0] && 0 == step)
    code = error_set (err, TALLY_ERROR_ARGUMENT,
                      "'%.300s' has a path; that is the name of an artifact, below its root.", uri);
  if (TALLY_OK != code)
    return code;
  place->kind = root.kind;
  place->id = root.id;
  if (ROOT_RUN == root.kind)
    code = transfer_place_of_run (&place->store, finding->arena, &finding->transfer, root.id, err);
  else if (ROOT_LOGGED_MODEL == root.kind)
    code = find_logged_model (finding, root.id, err);
  else
    code = find_version (finding, &root, step, err);
  if (TALLY_OK == code && step > 0 && NULL != root.path && '\0' != root.path[0])
  {
    const char *below = transfer_path (finding->arena, "", place->store, root.path);

    place->store = NULL == below ? NULL : below + 1;
    code = decode_end (finding->arena, err);
  }
  return code;
}

enum tally_code
place_find (struct place *place, struct arena *arena, struct tally_client *client, const char *uri, bool writable,
            struct tally_error *err)
{
  struct finding finding = { .place = place, .arena = arena, .client = client };
  const struct tally_server *server;
  struct root root;
  enum tally_code code = root_parse (&root, arena, uri, err);

  memset (place, 0, sizeof (*place));
  if (TALLY_OK == code && writable && NULL != root.name)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "Versions of registered models are to read only: '%.300s'.", uri);
  if (TALLY_OK == code && ! writable)
    code = ping_known (&server, client, err);
  if (TALLY_OK != code)
    return code;
  place->is_tally = ! writable && server->is_tally;
  transfer_init (&finding.transfer, client->transport, client->options);
  return find (&finding, uri, 0, err);
}

const char *
place_file_path (struct arena *arena, const struct place *place, const char *name)
{
  if (NULL != place->store)
    return transfer_path (arena, STORE_PATH, place->store, name);
  return arena_printf (arena, "/model-versions/get-artifact?name=%s&version=%lld&path=%s",
                       answer_encode (arena, place->name), (long long)place->version, answer_encode (arena, name));
}

static const char *
list_path (struct arena *arena, const struct place *place, const char *folder, const char *token)
{
  const char *path;

  if (! place->is_tally)
  {
    /* The place is encoded once for a path already: in a query it is encoded the same way. */
    path = transfer_path (arena, "", place->store, '\0' == folder[0] ? NULL : folder);
    return NULL == path ? NULL : arena_printf (arena, STORE_PATH "?path=%s", path + 1);
  }
  path = arena_printf (arena, "/api/tally/v1/artifacts?%s=%s&max_results=%d&path=%s",
                       ROOT_RUN == place->kind ? "run_id" : "model_id", answer_encode (arena, place->id), LIST_PAGE,
                       answer_encode (arena, folder));
  return NULL == token ? path : arena_printf (arena, "%s&page_token=%s", path, answer_encode (arena, token));
}

enum tally_code
place_list (json_t **page, struct tally_client *client, const struct place *place, const char *folder,
            const char *token, struct tally_error *err)
{
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  const char *path = NULL == arena ? NULL : list_path (arena, place, folder, token);
  enum tally_code code;

  *page = NULL;
  if (NULL == path)
    code = error_memory (err);
  else
    code = answer_call (page, client, "GET", path, NULL, err);
  if (TALLY_OK == code && NULL != json_object_get (*page, "files")
      && ! json_is_array (json_object_get (*page, "files")))
  {
    code = error_set (err, TALLY_ERROR_PROTOCOL, "'files' in the answer of the server is no list.");
    json_decref (*page);
    *page = NULL;
  }
  arena_free (arena);
  return code;
}

/* Pages of one folder: a million entries of a page of at least one. */
#define PAGES_MAX 1000000

enum tally_code
place_next_token (char **next, const json_t *page, const char *token, struct tally_error *err)
{
  const char *text = json_string_value (json_object_get (page, "next_page_token"));

  *next = NULL;
  if (NULL == text || '\0' == text[0])
    return TALLY_OK;
  if (NULL != token && 0 == strcmp (text, token))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server gives the same page again and again.");
  *next = strdup (text);
  return NULL == *next ? error_memory (err) : TALLY_OK;
}

enum tally_code
place_each (struct tally_client *client, const struct place *place, const char *folder, place_each_file *each,
            void *payload, struct tally_error *err)
{
  char *token = NULL;
  bool stop = false;
  enum tally_code code;
  size_t pages = 0;

  do
  {
    json_t *page = NULL;
    const json_t *files;
    char *next = NULL;

    code = pages++ < PAGES_MAX ? place_list (&page, client, place, folder, token, err)
                               : error_set (err, TALLY_ERROR_PROTOCOL, "A listing has no end.");
    files = json_object_get (page, "files");
    for (size_t i = 0; TALLY_OK == code && ! stop && i < json_array_size (files); i++)
      code = each (payload, folder, json_array_get (files, i), &stop, err);
    if (TALLY_OK == code && ! stop)
      code = place_next_token (&next, page, token, err);
    json_decref (page);
    free (token);
    token = next;
  } while (TALLY_OK == code && ! stop && NULL != token);
  free (token);
  return code;
}

/* The entry's own name: MLflow's listings tell it alone, Tally's behind its folder. NULL when it is elsewhere. */
static const char *
own_name (const struct place *place, const char *folder, const char *path)
{
  size_t length = strlen (folder);

  if (! place->is_tally || 0 == length)
    return path;
  return 0 == strncmp (path, folder, length) && '/' == path[length] ? path + length + 1 : NULL;
}

enum tally_code
place_entry (struct place_entry *entry, struct arena *arena, const struct place *place, const char *folder,
             const json_t *file, struct tally_error *err)
{
  const char *path = json_string_value (json_object_get (file, "path"));
  const char *own = NULL == path ? NULL : own_name (place, folder, path);
  int64_t bytes = answer_int64 (file, "file_size");

  memset (entry, 0, sizeof (*entry));
  if (NULL == own || NULL != strchr (own, '/') || ! artifact_name_valid (own))
    return error_set (err, TALLY_ERROR_PROTOCOL,
                      "The server lists '%.300s', which is no name of something in '%.300s'.", NULL == path ? "" : path,
                      folder);
  entry->name = '\0' == folder[0] ? arena_copy (arena, own, strlen (own)) : arena_printf (arena, "%s/%s", folder, own);
  entry->is_folder = json_is_true (json_object_get (file, "is_dir"));
  entry->has_bytes = ! entry->is_folder && NULL != json_object_get (file, "file_size") && bytes >= 0;
  entry->bytes = entry->has_bytes ? (uint64_t)bytes : 0;
  entry->digest = answer_text (arena, file, "sha256");
  if (TALLY_OK != decode_end (arena, err))
    return decode_end (arena, err);
  if (! artifact_name_valid (entry->name) || ('\0' != entry->digest[0] && ! place_digest_valid (entry->digest)))
    return error_set (err, TALLY_ERROR_PROTOCOL,
                      "The server lists '%.300s' in '%.300s' too deep, or with a digest that "
                      "is none.",
                      own, folder);
  return TALLY_OK;
}

static const char *
manifest_path (struct arena *arena, const struct place *place)
{
  if (ROOT_VERSION == place->kind)
    return arena_printf (arena, "/api/tally/v1/registered-models/%s/versions/%lld/manifest",
                         answer_encode (arena, place->name), (long long)place->version);
  return arena_printf (arena, "/api/tally/v1/%s/%s/manifest", ROOT_RUN == place->kind ? "runs" : "logged-models",
                       answer_encode (arena, place->id));
}

enum tally_code
place_manifest (json_t **manifest, struct tally_client *client, const struct place *place, struct tally_error *err)
{
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  const char *path = NULL == arena ? NULL : manifest_path (arena, place);
  enum tally_code code;

  *manifest = NULL;
  code = NULL == path ? error_memory (err) : answer_call (manifest, client, "GET", path, NULL, err);
  arena_free (arena);
  return code;
}
