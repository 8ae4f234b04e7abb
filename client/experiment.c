/* Experiments: by name and id, changed and deleted. */
#include "decode.h"
#include "error.h"
#include "result.h"
#include "text.h"

#include <string.h>

/* Digits of the ids that servers give; longer ones do not fit the caller's array. */
#define ID_DIGITS_MAX (TALLY_EXPERIMENT_ID_BYTES - 1)

static enum tally_code
check_id (const char *id, struct tally_error *err)
{
  size_t length = NULL == id ? 0 : strspn (id, "0123456789");

  if (length > 0 && length <= ID_DIGITS_MAX && '\0' == id[length])
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_ARGUMENT, "'%.100s' is no id of an experiment.", NULL == id ? "" : id);
}

/* Copy the id that an answer tells. */
static enum tally_code
take_id (char id[TALLY_EXPERIMENT_ID_BYTES], const json_t *object, struct tally_error *err)
{
  const char *told = json_string_value (json_object_get (object, "experiment_id"));

  if (NULL == told || TALLY_OK != check_id (told, NULL))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The answer of the server holds no experiment_id.");
  memcpy (id, told, strlen (told) + 1);
  return TALLY_OK;
}

static enum tally_code
find (char id[TALLY_EXPERIMENT_ID_BYTES], struct tally_client *client, const char *name, struct tally_error *err)
{
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  const json_t *experiment;
  const char *stage;
  const char *path;
  json_t *answer = NULL;
  enum tally_code code;

  if (NULL == arena)
    return error_memory (err);
  path =
      arena_printf (arena, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=%s", answer_encode (arena, name));
  code = decode_end (arena, err);
  if (TALLY_OK == code)
    code = answer_call (&answer, client, "GET", path, NULL, err);
  experiment = json_object_get (answer, "experiment");
  stage = json_string_value (json_object_get (experiment, "lifecycle_stage"));
  if (TALLY_OK == code && NULL != stage && 0 == strcmp (stage, "deleted"))
    code = error_set (err, TALLY_ERROR_REFUSED, "Experiment '%s' is deleted: restore it or choose another name.", name);
  if (TALLY_OK == code)
    code = take_id (id, experiment, err);
  json_decref (answer);
  arena_free (arena);
  return code;
}

static enum tally_code
create (char id[TALLY_EXPERIMENT_ID_BYTES], struct tally_client *client, const char *name, struct tally_error *err)
{
  json_t *body = json_pack ("{s:s}", "name", name);
  json_t *answer = NULL;
  enum tally_code code = NULL == body
                             ? error_memory (err)
                             : answer_call (&answer, client, "POST", "/api/2.0/mlflow/experiments/create", body, err);

  if (TALLY_OK == code)
    code = take_id (id, answer, err);
  json_decref (answer);
  json_decref (body);
  return code;
}

enum tally_code
tally_experiment_id (char id[TALLY_EXPERIMENT_ID_BYTES], struct tally_client *client, const char *name, bool make,
                     struct tally_error *err)
{
  enum tally_code code = client_check (client, err);

  if (TALLY_OK != code)
    return code;
  if (NULL == name || '\0' == name[0])
    return error_set (err, TALLY_ERROR_ARGUMENT, "The name of the experiment is missing.");
  code = TEXT_CHECK (err, name);
  if (TALLY_OK == code)
    code = find (id, client, name, err);
  if (TALLY_ERROR_NOT_FOUND != code || ! make)
    return code;
  code = create (id, client, name, err);
  /* Somebody else made it meanwhile, or our own try whose answer was lost. */
  return TALLY_ERROR_EXISTS == code ? find (id, client, name, err) : code;
}

enum tally_code
tally_experiment_get (struct tally_experiment **experiment, struct tally_client *client, const char *id,
                      struct tally_error *err)
{
  char path[128];
  void *result = NULL;
  json_t *answer = NULL;
  enum tally_code code = check_id (id, err);

  if (TALLY_OK == code)
  {
    snprintf (path, sizeof (path), "/api/2.0/mlflow/experiments/get?experiment_id=%s", id);
    code = answer_call (&answer, client, "GET", path, NULL, err);
  }
  if (TALLY_OK == code)
    code = decode_result (&result, sizeof (**experiment), decode_experiment, answer, "experiment", err);
  json_decref (answer);
  *experiment = result;
  return code;
}

void
tally_experiment_free (struct tally_experiment *experiment)
{
  result_free (experiment);
}

/* Send a body made of the texts, whose reference is stolen, about the experiment of this id. */
static enum tally_code
change (struct tally_client *client, const char *id, const char *path, const char *const texts[2], json_t *body,
        struct tally_error *err)
{
  enum tally_code code = check_id (id, err);

  if (TALLY_OK == code)
    code = text_check (texts, 2, err);
  if (TALLY_OK == code && (NULL == body || 0 != json_object_set_new (body, "experiment_id", json_string (id))))
    code = error_memory (err);
  if (TALLY_OK == code)
    code = answer_ignore (client, "POST", path, body, err);
  json_decref (body);
  return code;
}

enum tally_code
tally_experiment_rename (struct tally_client *client, const char *id, const char *name, struct tally_error *err)
{
  if (NULL == name || '\0' == name[0])
    return error_set (err, TALLY_ERROR_ARGUMENT, "The name of the experiment is missing.");
  return change (client, id, "/api/2.0/mlflow/experiments/update", (const char *const[2]){ name, NULL },
                 json_pack ("{s:s}", "new_name", name), err);
}

enum tally_code
tally_experiment_set_tag (struct tally_client *client, const char *id, const char *key, const char *value,
                          struct tally_error *err)
{
  if (NULL == key || '\0' == key[0] || NULL == value)
    return error_set (err, TALLY_ERROR_ARGUMENT, "A tag needs a key and a value.");
  return change (client, id, "/api/2.0/mlflow/experiments/set-experiment-tag", (const char *const[2]){ key, value },
                 json_pack ("{s:s, s:s}", "key", key, "value", value), err);
}

enum tally_code
tally_experiment_delete (struct tally_client *client, const char *id, struct tally_error *err)
{
  return change (client, id, "/api/2.0/mlflow/experiments/delete", (const char *const[2]){ NULL, NULL }, json_object (),
                 err);
}

enum tally_code
tally_experiment_restore (struct tally_client *client, const char *id, struct tally_error *err)
{
  return change (client, id, "/api/2.0/mlflow/experiments/restore", (const char *const[2]){ NULL, NULL },
                 json_object (), err);
}
