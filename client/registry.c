/* The registry: registered models, and what all calls of it share. */
#include "registry.h"

#include "decode.h"
#include "error.h"
#include "ping.h"
#include "text.h"

#include <string.h>

/* As servers have it. */
#define NAME_MAX_BYTES 1024

enum tally_code
registry_check_name (const char *name, struct tally_error *err)
{
  if (NULL != name && '\0' != name[0] && NULL == strpbrk (name, "/:") && strlen (name) <= NAME_MAX_BYTES)
    return TEXT_CHECK (err, name);
  return error_set (err, TALLY_ERROR_ARGUMENT, "'%.100s' is no name of a registered model: not empty, without / and :.",
                    NULL == name ? "" : name);
}

enum tally_code
registry_check_version (int64_t version, struct tally_error *err)
{
  if (version > 0)
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_ARGUMENT, "Versions are numbered from 1.");
}

enum tally_code
registry_call (json_t **answer, struct tally_client *client, const char *method, const char *path, json_t *body,
               struct tally_error *err)
{
  enum tally_code code;

  *answer = NULL;
  if (NULL == body)
    return error_memory (err);
  code = answer_call (answer, client, method, path, body, err);
  json_decref (body);
  return code;
}

enum tally_code
registry_explain (enum tally_code code, struct tally_client *client, const char *what, struct tally_error *err)
{
  const struct tally_server *server;

  /* A Tally server that has the route says so with a code of its own: NOT_IMPLEMENTED, RESOURCE_DOES_NOT_EXIST. */
  if ((TALLY_ERROR_UNSUPPORTED != code && TALLY_ERROR_NOT_FOUND != code && TALLY_ERROR_PROTOCOL != code)
      || TALLY_OK != ping_known (&server, client, NULL) || server->is_tally)
    return code;
  return error_set (err, TALLY_ERROR_UNSUPPORTED, "%s needs a Tally server; %s is MLflow%s%s.", what, server->url,
                    '\0' == server->version[0] ? "" : " ", server->version);
}

enum tally_code
registry_tally_call (json_t **answer, struct tally_client *client, const char *method, const char *what,
                     const char *name, const char *behind, json_t *body, struct tally_error *err)
{
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  const char *path;
  enum tally_code code = registry_check_name (name, err);

  *answer = NULL;
  if (TALLY_OK == code && (NULL == arena || (NULL == body && 0 != strcmp (method, "GET"))))
    code = error_memory (err);
  if (TALLY_OK != code)
    goto out;
  path = arena_printf (arena, "/api/tally/v1/registered-models/%s%s", answer_encode (arena, name), behind);
  code = decode_end (arena, err);
  if (TALLY_OK == code)
    code = answer_call_details (answer, client, method, path, body, err);
  code = registry_explain (code, client, what, err);
out:
  json_decref (body);
  arena_free (arena);
  return code;
}

static enum tally_code
ignore (struct tally_client *client, const char *method, const char *path, json_t *body, struct tally_error *err)
{
  json_t *answer;
  enum tally_code code = registry_call (&answer, client, method, path, body, err);

  json_decref (answer);
  return code;
}

enum tally_code
tally_model_create (struct tally_client *client, const char *name, const char *description, struct tally_error *err)
{
  enum tally_code code = registry_check_name (name, err);

  if (TALLY_OK == code)
    code = TEXT_CHECK (err, description);
  if (TALLY_OK != code)
    return code;
  return ignore (client, "POST", "/api/2.0/mlflow/registered-models/create",
                 json_pack ("{s:s, s:s}", "name", name, "description", NULL == description ? "" : description), err);
}

enum tally_code
tally_model_delete (struct tally_client *client, const char *name, struct tally_error *err)
{
  enum tally_code code = registry_check_name (name, err);

  if (TALLY_OK != code)
    return code;
  return ignore (client, "DELETE", "/api/2.0/mlflow/registered-models/delete", json_pack ("{s:s}", "name", name), err);
}

static enum tally_code
check_alias (const char *alias, struct tally_error *err)
{
  if (NULL != alias && '\0' != alias[0])
    return TEXT_CHECK (err, alias);
  return error_set (err, TALLY_ERROR_ARGUMENT, "The alias is missing.");
}

enum tally_code
tally_model_set_alias (struct tally_client *client, const char *name, const char *alias, int64_t version,
                       struct tally_error *err)
{
  char number[24];
  enum tally_code code = registry_check_name (name, err);

  if (TALLY_OK == code)
    code = registry_check_version (version, err);
  if (TALLY_OK == code)
    code = check_alias (alias, err);
  if (TALLY_OK != code)
    return code;
  snprintf (number, sizeof (number), "%lld", (long long)version);
  return ignore (client, "POST", "/api/2.0/mlflow/registered-models/alias",
                 json_pack ("{s:s, s:s, s:s}", "name", name, "alias", alias, "version", number), err);
}

enum tally_code
tally_model_delete_alias (struct tally_client *client, const char *name, const char *alias, struct tally_error *err)
{
  enum tally_code code = registry_check_name (name, err);

  if (TALLY_OK == code)
    code = check_alias (alias, err);
  if (TALLY_OK != code)
    return code;
  return ignore (client, "DELETE", "/api/2.0/mlflow/registered-models/alias",
                 json_pack ("{s:s, s:s}", "name", name, "alias", alias), err);
}
