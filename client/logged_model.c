/* Logged models: made for a run, finalized, tagged, found. */
#include "decode.h"
#include "error.h"
#include "result.h"
#include "root.h"
#include "search.h"
#include "text.h"

#include <string.h>

/* Params that MLflow's clients send with the creation; the rest goes to …/params in as many at a time. */
#define PARAMS_AT_A_TIME 100

/* Each model of a page carries all points of its metrics. */
#define MODELS_PAGE 50

#define MODELS_PATH "/api/2.0/mlflow/logged-models"

static enum tally_code
check_id (const char *model_id, struct tally_error *err)
{
  if (NULL != model_id && root_model_id_valid (model_id))
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_ARGUMENT, "'%.100s' is no id of a logged model (m- and 32 hexadecimal digits).",
                    NULL == model_id ? "" : model_id);
}

/* [{key, value}, …]; NULL when memory is out. */
static json_t *
pairs (const struct tally_pair *items, size_t count)
{
  json_t *list = json_array ();

  for (size_t i = 0; NULL != list && i < count; i++)
    if (0 != json_array_append_new (list, json_pack ("{s:s, s:s}", "key", items[i].key, "value", items[i].value)))
    {
      json_decref (list);
      list = NULL;
    }
  return list;
}

static enum tally_code
check_params (const struct tally_pair *params, size_t count, struct tally_error *err)
{
  for (size_t i = 0; i < count; i++)
    if (NULL == params[i].key || '\0' == params[i].key[0] || NULL == params[i].value)
      return error_set (err, TALLY_ERROR_ARGUMENT, "Param %zu has no key or no value.", i);
    else if (TALLY_OK != TEXT_CHECK (err, params[i].key, params[i].value))
      return TALLY_ERROR_ARGUMENT;
  return TALLY_OK;
}

/* The experiment of a run, as the server has it. */
static enum tally_code
experiment_of (char id[TALLY_EXPERIMENT_ID_BYTES], struct tally_client *client, const char *run_id,
               struct tally_error *err)
{
  struct tally_run_data *run;
  enum tally_code code = tally_run_get (&run, client, run_id, err);

  if (TALLY_OK != code)
    return code;
  if (strlen (run->experiment_id) >= TALLY_EXPERIMENT_ID_BYTES)
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The server's id of an experiment is too long.");
  else
    memcpy (id, run->experiment_id, strlen (run->experiment_id) + 1);
  tally_run_data_free (run);
  return code;
}

static enum tally_code
take_id (char model_id[TALLY_MODEL_ID_BYTES], const json_t *answer, struct tally_error *err)
{
  const json_t *info = json_object_get (json_object_get (answer, "model"), "info");
  const char *id = json_string_value (json_object_get (info, "model_id"));

  if (NULL == id || ! root_model_id_valid (id))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The answer of the server holds no model_id.");
  memcpy (model_id, id, strlen (id) + 1);
  return TALLY_OK;
}

static enum tally_code
send_params (struct tally_client *client, const char *model_id, const struct tally_pair *params, size_t count,
             struct tally_error *err)
{
  char path[128];
  enum tally_code code = TALLY_OK;

  snprintf (path, sizeof (path), MODELS_PATH "/%s/params", model_id);
  for (size_t done = 0; TALLY_OK == code && done < count; done += PARAMS_AT_A_TIME)
  {
    size_t some = count - done < PARAMS_AT_A_TIME ? count - done : PARAMS_AT_A_TIME;
    json_t *body = json_pack ("{s:s, s:o}", "model_id", model_id, "params", pairs (params + done, some));

    code = NULL == body ? error_memory (err) : answer_ignore (client, "POST", path, body, err);
    json_decref (body);
  }
  return code;
}

struct new_model
{
  const char *run_id;
  const char *name;
  const char *type;
  const struct tally_pair *params;
  size_t param_count;
};

static enum tally_code
create (char model_id[TALLY_MODEL_ID_BYTES], struct tally_client *client, const struct new_model *model,
        struct tally_error *err)
{
  char experiment[TALLY_EXPERIMENT_ID_BYTES];
  size_t first = model->param_count < PARAMS_AT_A_TIME ? model->param_count : PARAMS_AT_A_TIME;
  json_t *answer = NULL;
  json_t *body = NULL;
  enum tally_code code = experiment_of (experiment, client, model->run_id, err);

  if (TALLY_OK != code)
    return code;
  body = json_pack ("{s:s, s:s, s:o}", "experiment_id", experiment, "source_run_id", model->run_id, "params",
                    pairs (model->params, first));
  if (NULL == body || ! search_put_text (body, "name", model->name)
      || ! search_put_text (body, "model_type", model->type))
    code = error_memory (err);
  else
    code = answer_call_once (&answer, client, "POST", MODELS_PATH, body, err);
  if (TALLY_OK == code)
    code = take_id (model_id, answer, err);
  if (TALLY_OK == code)
    code = send_params (client, model_id, model->params + first, model->param_count - first, err);
  json_decref (answer);
  json_decref (body);
  return code;
}

/* Note on the run that it made the model, as MLflow's clients do. */
static enum tally_code
link_to_run (struct tally_client *client, const char *run_id, const char *model_id, struct tally_error *err)
{
  json_t *body = json_pack ("{s:s, s:[{s:s, s:i}]}", "run_id", run_id, "models", "model_id", model_id, "step", 0);
  enum tally_code code =
      NULL == body ? error_memory (err) : answer_ignore (client, "POST", "/api/2.0/mlflow/runs/outputs", body, err);

  json_decref (body);
  return code;
}

enum tally_code
tally_logged_model_create (char model_id[TALLY_MODEL_ID_BYTES], struct tally_run *run, const char *name,
                           const char *type, const struct tally_pair *params, size_t param_count, int64_t deadline_ms,
                           struct tally_error *err)
{
  char run_id[TALLY_RUN_ID_BYTES];
  struct new_model model = { run_id, name, type, params, param_count };
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code)
    code = check_params (params, param_count, err);
  if (TALLY_OK == code)
    code = TEXT_CHECK (err, name, type);
  if (TALLY_OK == code)
    code = tally_run_server_id (run_id, run, deadline_ms, err);
  if (TALLY_OK == code)
    code = create (model_id, run->client, &model, err);
  return TALLY_OK == code ? link_to_run (run->client, run_id, model_id, err) : code;
}

/* Send a body, whose reference is stolen, about the model of this id. */
static enum tally_code
change (struct tally_client *client, const char *method, const char *model_id, const char *behind, json_t *body,
        struct tally_error *err)
{
  char path[128];
  enum tally_code code = check_id (model_id, err);

  if (TALLY_OK == code && NULL == body)
    code = error_memory (err);
  if (TALLY_OK == code)
  {
    snprintf (path, sizeof (path), MODELS_PATH "/%s%s", model_id, behind);
    code = answer_ignore (client, method, path, body, err);
  }
  json_decref (body);
  return code;
}

enum tally_code
tally_logged_model_finalize (struct tally_client *client, const char *model_id, enum tally_model_status status,
                             struct tally_error *err)
{
  static const char *const words[] = { [TALLY_MODEL_PENDING] = "LOGGED_MODEL_PENDING",
                                       [TALLY_MODEL_READY] = "LOGGED_MODEL_READY",
                                       [TALLY_MODEL_FAILED] = "LOGGED_MODEL_UPLOAD_FAILED" };

  if ((unsigned)status >= sizeof (words) / sizeof (words[0]) || NULL == words[status] || NULL == model_id)
    return error_set (err, TALLY_ERROR_ARGUMENT, "A logged model is finalized as READY or FAILED.");
  return change (client, "PATCH", model_id, "", json_pack ("{s:s, s:s}", "model_id", model_id, "status", words[status]),
                 err);
}

enum tally_code
tally_logged_model_set_tag (struct tally_client *client, const char *model_id, const char *key, const char *value,
                            struct tally_error *err)
{
  if (NULL == key || '\0' == key[0] || NULL == value)
    return error_set (err, TALLY_ERROR_ARGUMENT, "A tag needs a key and a value.");
  if (TALLY_OK != TEXT_CHECK (err, key, value))
    return TALLY_ERROR_ARGUMENT;
  return change (client, "PATCH", model_id, "/tags", json_pack ("{s:[{s:s, s:s}]}", "tags", "key", key, "value", value),
                 err);
}

enum tally_code
tally_logged_model_delete (struct tally_client *client, const char *model_id, struct tally_error *err)
{
  return change (client, "DELETE", model_id, "", json_object (), err);
}

enum tally_code
tally_logged_model_get (struct tally_logged_model **model, struct tally_client *client, const char *model_id,
                        struct tally_error *err)
{
  char path[128];
  void *result = NULL;
  json_t *answer = NULL;
  enum tally_code code = check_id (model_id, err);

  if (TALLY_OK == code)
  {
    snprintf (path, sizeof (path), MODELS_PATH "/%s", model_id);
    code = answer_call (&answer, client, "GET", path, NULL, err);
  }
  if (TALLY_OK == code)
    code = decode_result (&result, sizeof (**model), decode_logged_model, answer, "model", err);
  json_decref (answer);
  *model = result;
  return code;
}

void
tally_logged_model_free (struct tally_logged_model *model)
{
  result_free (model);
}

static const struct search_kind model_kind = {
  .method = "POST",
  .path = MODELS_PATH "/search",
  .list = "models",
  .page_size = MODELS_PAGE,
  .item_bytes = sizeof (struct tally_logged_model),
  .decode = decode_logged_model,
};

enum tally_code
tally_search_logged_models (struct tally_search **search, struct tally_client *client,
                            const char *const *experiment_ids, size_t experiment_count, const char *filter,
                            size_t max_results, struct tally_error *err)
{
  json_t *request;
  enum tally_code code = TEXT_CHECK (err, filter);

  *search = NULL;
  if (TALLY_OK == code)
    code = text_check (experiment_ids, experiment_count, err);
  if (TALLY_OK != code)
    return code;
  request = json_pack ("{s:o}", "experiment_ids", search_texts (experiment_ids, experiment_count));

  if (NULL != request && ! search_put_text (request, "filter", filter))
  {
    json_decref (request);
    request = NULL;
  }
  code = search_new (search, client, &model_kind, request, max_results, err);
  if (TALLY_OK == code && 0 == experiment_count)
    search_all_experiments (*search);
  return code;
}

enum tally_code
tally_search_next_logged_model (const struct tally_logged_model **model, struct tally_search *search,
                                struct tally_error *err)
{
  const void *item;
  enum tally_code code = search_next (&item, search, &model_kind, err);

  *model = item;
  return code;
}
