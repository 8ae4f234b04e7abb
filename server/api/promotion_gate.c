/* Gates of registered models. Source: docs/api/gate.md. */
#include "api/promotion_gate.h"

#include "api/check_result.h"
#include "api/names.h"
#include "api/principal.h"
#include "api/registry.h"
#include "base/clock.h"
#include "registry/gate_change.h"
#include "registry/rules.h"
#include "registry/transition.h"
#include "store/alias_history.h"
#include "store/model_alias.h"

#define PATTERN_MAX 256
#define RULES_MAX_BYTES ((size_t)512 * 1024)
/* Gates that a list of those of one model holds, and aliases and stages that a document of a version looks at. */
#define OF_MODEL_MAX 1000
#define DOCUMENT_GATES_MAX 50

/* --- requests ---------------------------------------------------------------------------------------------------- */

struct gate_request
{
  struct slice model_pattern;
  struct slice alias;
  struct optional_int64 stage;
  struct optional_int64 rollback;
  struct optional_int64 archives;
  struct optional_int64 max_results;
  struct slice page_token;
};

#define GUARDED                                                                                                        \
  { .name = "alias", .type = FIELD_STRING, .offset = offsetof (struct gate_request, alias) },                          \
  {                                                                                                                    \
    .name = "stage", .type = FIELD_ENUM, .offset = offsetof (struct gate_request, stage), .names = model_stage_names,  \
    .name_count = MODEL_STAGE_COUNT                                                                                    \
  }

static const struct field gate_fields[] = {
  GUARDED,
  { .name = "model_pattern", .type = FIELD_STRING, .offset = offsetof (struct gate_request, model_pattern) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct gate_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct gate_request, page_token) },
};

static const struct schema gate_schema = SCHEMA (gate_fields, struct gate_request);

static const struct field try_fields[] = {
  GUARDED,
  { .name = "rollback", .type = FIELD_BOOL, .offset = offsetof (struct gate_request, rollback) },
  { .name = "archive_existing_versions", .type = FIELD_BOOL, .offset = offsetof (struct gate_request, archives) },
};

static const struct schema try_schema = SCHEMA (try_fields, struct gate_request);

/* Exactly one of alias and stage. */
static enum err_code
read_target (struct gate_request *request, struct api_call *call, const struct schema *schema, struct err *err)
{
  enum err_code code = api_decode (request, call, schema, err);

  if (ERR_OK != code)
    return code;
  if ((NULL != request->alias.data) == request->stage.present)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Exactly one of alias and stage must be given.");
  return request->stage.present ? ERR_OK : api_registry_check_alias (request->alias, err);
}

/* What is guarded: None is no stage that anything could stand before. */
static enum err_code
read_guarded (struct gate_request *request, struct api_call *call, struct err *err)
{
  enum err_code code = read_target (request, call, &gate_schema, err);

  if (ERR_OK == code && request->stage.present && MODEL_STAGE_NONE == request->stage.value)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "A gate guards Staging, Production or Archived.");
  return code;
}

/* What might be moved, as the calls that move take it. */
static enum err_code
read_trial (struct gate_request *request, struct api_call *call, struct err *err)
{
  enum err_code code = read_target (request, call, &try_schema, err);

  if (ERR_OK != code)
    return code;
  if (request->stage.present && request->rollback.present)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "rollback belongs to alias.");
  if (! request->stage.present && request->archives.present)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "archive_existing_versions belongs to stage.");
  return 1 == request->archives.value ? api_registry_check_archives (
             (int16_t)request->stage.value, slice_of (model_stage_names[request->stage.value]), err)
                                      : ERR_OK;
}

static enum err_code
check_pattern (struct slice pattern, struct err *err)
{
  if (0 == pattern.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Missing value for required parameter 'model_pattern'. See the API docs for more information about "
                    "request parameters.");
  for (size_t i = 0; i < pattern.len; i++)
    if ((unsigned char)pattern.data[i] < ' ' || '/' == pattern.data[i] || ':' == pattern.data[i])
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "'model_pattern' is the name of a registered model, in which * stands for any characters.");
  return names_check_length (pattern, "model_pattern", PATTERN_MAX, err);
}

static struct store_gate_key
key_of (const struct api_call *call, struct slice pattern, const struct gate_request *request)
{
  return (struct store_gate_key){ .workspace_id = call->pass->workspace_id,
                                  .model_pattern = pattern,
                                  .alias = request->alias,
                                  .stage = (int16_t)request->stage.value };
}

/* Write a JSON value as it was sent, but numbers at their shortest. It is one that rules_read took, so it is not deep.
 */
static void
write_tree (struct json_write *w, const json_t *value)
{
  const char *name;
  json_t *item;

  if (json_is_object (value))
  {
    json_write_object (w);
    json_object_foreach ((json_t *)(uintptr_t)value, name, item)
    {
      json_write_key_slice (w, slice_of (name));
      write_tree (w, item);
    }
    json_write_object_end (w);
  }
  else if (json_is_array (value))
  {
    json_write_array (w);
    for (size_t i = 0; i < json_array_size (value); i++)
      write_tree (w, json_array_get (value, i));
    json_write_array_end (w);
  }
  else if (json_is_string (value))
    json_write_string (w, (struct slice){ json_string_value (value), json_string_length (value) });
  else if (json_is_integer (value))
    json_write_int64 (w, json_integer_value (value));
  else if (json_is_real (value))
    json_write_double (w, json_real_value (value));
  else
    json_write_bool (w, json_is_true (value));
}

/* The argument "rules", which must be ones that can be followed, as text in the arena. */
static enum err_code
read_rules (struct slice *text, struct api_call *call, struct err *err)
{
  struct rules rules;
  struct buffer buffer;
  struct json_write w;
  json_t *value;
  enum err_code code = api_argument (&value, call->arguments, "rules", err);

  if (ERR_OK == code && NULL == value)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Missing value for required parameter 'rules'. See the API docs for more information about request "
                    "parameters.");
  if (ERR_OK == code)
    code = rules_read (&rules, value, call->arena, err);
  if (ERR_OK != code)
    return code;
  buffer_init (&buffer, RULES_MAX_BYTES);
  json_write_init (&w, &buffer);
  write_tree (&w, value);
  if (buffer.failed)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "rules: they are too large.");
  else
    *text = (struct slice){ arena_copy (call->arena, buffer.data, buffer.len), buffer.len };
  buffer_free (&buffer);
  return ERR_OK == code && NULL == text->data ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : code;
}

/* --- documents --------------------------------------------------------------------------------------------------- */

static void
write_guarded (struct json_write *w, struct slice alias, int16_t stage)
{
  if (NULL != alias.data)
    json_write_member_string (w, "alias", alias);
  else
    json_write_member_text (w, "stage", model_stage_names[stage]);
}

static void
write_gate (struct json_write *w, const struct store_promotion_gate *gate)
{
  json_write_object (w);
  json_write_member_int64 (w, "gate_id", gate->gate_id);
  json_write_member_string (w, "model_pattern", gate->model_pattern);
  write_guarded (w, gate->alias, gate->stage);
  json_write_key (w, "rules");
  json_write_compact (w, gate->rules);
  json_write_member_int64 (w, "created_at", gate->created_at_ms);
  json_write_member_int64 (w, "updated_at", gate->updated_at_ms);
  json_write_object_end (w);
}

/* Answer with gates: those that bind a model, or (absent) a page of all. */
static enum err_code
reply_gates (struct api_call *call, struct slice model, const struct principal_page *page, struct err *err)
{
  struct store_promotion_gate gate;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = store_gate_list (&result, call->connection, call->pass->workspace_id, model, page->after_number,
                                        page->most + 1, err);
  size_t count = ERR_OK == code ? result_count (&result) : 0;

  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "gates");
    json_write_array (&w);
  }
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)page->most; i++)
  {
    code = result_row (&gate, &result, i, store_promotion_gate_columns, STORE_PROMOTION_GATE_COLUMNS, err);
    if (ERR_OK == code)
      write_gate (&w, &gate);
  }
  if (count > 0)
    json_write_array_end (&w);
  if (ERR_OK == code && count > (size_t)page->most)
    principal_page_write_number (&w, gate.gate_id, call->arena);
  result_free (&result);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

static enum err_code
set_gate (struct api_call *call, struct slice pattern, const struct gate_request *request, struct err *err)
{
  struct registry_gate_change wanted = { .key = key_of (call, pattern, request) };
  struct registry_actor actor;
  struct registry_change change;
  struct json_write w;
  enum err_code code = read_rules (&wanted.rules, call, err);

  if (ERR_OK != code)
    return code;
  api_registry_begin (&change, &actor, call);
  code = api_registry_run (&change, call, registry_gate_set, &wanted, err);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "gate");
    write_gate (&w, &wanted.gate);
    code = api_reply_end (&w, call, err);
  }
  result_free (&wanted.result);
  return code;
}

static enum err_code
delete_gate (struct api_call *call, struct slice pattern, const struct gate_request *request, struct err *err)
{
  struct registry_gate_change wanted = { .key = key_of (call, pattern, request) };
  struct registry_actor actor;
  struct registry_change change;

  api_registry_begin (&change, &actor, call);
  return api_registry_run (&change, call, registry_gate_remove, &wanted, err);
}

/* --- routes ------------------------------------------------------------------------------------------------------ */

static enum err_code
require_model (struct api_call *call, struct err *err)
{
  struct store_registered_model model;
  struct result result = { NULL };
  enum err_code code = store_registered_model_get (&model, &result, call->connection, call->pass->workspace_id,
                                                   call->path_values[0], err);

  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? api_registry_no_model (err, call->path_values[0]) : code;
}

enum err_code
api_gates_of_model (struct api_call *call, struct err *err)
{
  const struct principal_page all = { .most = OF_MODEL_MAX };
  enum err_code code = require_model (call, err);

  return ERR_OK == code ? reply_gates (call, call->path_values[0], &all, err) : code;
}

enum err_code
api_gate_set_of_model (struct api_call *call, struct err *err)
{
  struct gate_request request;
  enum err_code code = read_guarded (&request, call, err);

  if (ERR_OK == code)
    code = require_model (call, err);
  return ERR_OK == code ? set_gate (call, call->path_values[0], &request, err) : code;
}

enum err_code
api_gate_delete_of_model (struct api_call *call, struct err *err)
{
  struct gate_request request;
  enum err_code code = read_guarded (&request, call, err);

  return ERR_OK == code ? delete_gate (call, call->path_values[0], &request, err) : code;
}

enum err_code
api_gates_of_workspace (struct api_call *call, struct err *err)
{
  struct gate_request request;
  struct principal_page page;
  enum err_code code = api_decode (&request, call, &gate_schema, err);

  if (ERR_OK == code)
    code = principal_page_read (&page, &request.max_results, request.page_token, true, call->arena, err);
  return ERR_OK == code ? reply_gates (call, (struct slice){ NULL, 0 }, &page, err) : code;
}

enum err_code
api_gate_set_of_workspace (struct api_call *call, struct err *err)
{
  struct gate_request request;
  enum err_code code = read_guarded (&request, call, err);

  if (ERR_OK == code)
    code = check_pattern (request.model_pattern, err);
  return ERR_OK == code ? set_gate (call, request.model_pattern, &request, err) : code;
}

enum err_code
api_gate_delete_of_workspace (struct api_call *call, struct err *err)
{
  struct gate_request request;
  enum err_code code = read_guarded (&request, call, err);

  if (ERR_OK == code)
    code = check_pattern (request.model_pattern, err);
  return ERR_OK == code ? delete_gate (call, request.model_pattern, &request, err) : code;
}

/* --- what would happen ------------------------------------------------------------------------------------------- */

/* A change that is not made: for who wants to know what gates say. */
static void
begin_trial (struct registry_change *change, struct registry_actor *actor, struct store_registered_model *model,
             struct api_call *call, const struct store_model_version *version)
{
  api_registry_begin (change, actor, call);
  change->now_ms = (int64_t)clock_wall_ms ();
  *model = (struct store_registered_model){ .registered_model_id = version->registered_model_id,
                                            .workspace_id = change->workspace_id,
                                            .name = version->name };
}

struct trial
{
  struct api_call *call;
  struct gate_request request;
  struct registry_gate_answer answer;
  int64_t holder;
};

/* What gates say of an alias. A rollback is one back to where the alias was, by a promotion that was not forced. */
static enum err_code
try_alias (struct trial *trial, struct registry_change *change, const struct store_registered_model *model,
           int64_t version, struct err *err)
{
  struct registry_move move = { .model = model, .alias = trial->request.alias, .version = version };
  int64_t model_id = model->registered_model_id;
  enum err_code code = store_model_alias_holder (&trial->holder, change->connection, model_id, move.alias, err);

  move.holder = trial->holder;
  if (ERR_OK == code && 1 == trial->request.rollback.value)
    code = store_alias_passed (&move.is_rollback, change->connection, model_id, move.alias, version, model->name, err);
  return ERR_OK == code ? registry_gate_try (&trial->answer, change, &move, 1, err) : code;
}

/* What they say of a stage. */
static enum err_code
try_stage (struct trial *trial, struct registry_change *change, const struct store_registered_model *model,
           const struct store_model_version *row, struct err *err)
{
  const struct registry_version version = { .number = row->version,
                                            .row = *row,
                                            .stage = (int16_t)trial->request.stage.value,
                                            .archives = 1 == trial->request.archives.value };
  struct registry_transition transition;
  enum err_code code = registry_transition_read (&transition, change, model, &version, false, err);

  return ERR_OK == code ? registry_gate_try (&trial->answer, change, transition.moves, transition.move_count, err)
                        : code;
}

/* A list of findings; none is left out. */
static void
write_findings (struct json_write *w, const char *name, struct slice list, size_t count)
{
  if (0 == count)
    return;
  json_write_member_raw (w, name, list);
}

static enum err_code
trial_work (struct store_connection *connection, void *context, struct err *err)
{
  struct trial *trial = context;
  struct registry_actor actor;
  struct registry_change change;
  struct store_registered_model model;
  struct store_model_version version;
  struct result result = { NULL };
  enum err_code code = api_version_of_path (&version, &result, trial->call, err);

  (void)connection;
  if (ERR_OK == code)
  {
    begin_trial (&change, &actor, &model, trial->call, &version);
    code = trial->request.stage.present ? try_stage (trial, &change, &model, &version, err)
                                        : try_alias (trial, &change, &model, version.version, err);
  }
  result_free (&result);
  return code;
}

enum err_code
api_gate_try (struct api_call *call, struct err *err)
{
  struct trial trial = { .call = call };
  struct json_write w;
  enum err_code code = read_trial (&trial.request, call, err);

  if (ERR_OK == code)
    code = store_transaction (call->connection, STORE_SNAPSHOT, trial_work, &trial, err);
  if (ERR_OK != code)
    return code;
  api_reply_start (&w, call);
  json_write_member_bool (&w, "allowed", 0 == trial.answer.missing_count);
  write_findings (&w, "missing", trial.answer.missing, trial.answer.missing_count);
  write_findings (&w, "met", trial.answer.met, trial.answer.met_count);
  if (NULL != trial.request.alias.data)
    json_write_member_int64 (&w, "holder", trial.holder);
  return api_reply_end (&w, call, err);
}

/* Several gates may guard the same; it is asked about once. */
static bool
is_new (const struct registry_move *moves, size_t count, const struct store_promotion_gate *gate)
{
  for (size_t i = 0; i < count; i++)
    if (moves[i].stage == gate->stage && slice_equal (moves[i].alias, gate->alias))
      return false;
  return true;
}

static enum err_code
write_state (struct json_write *w, struct registry_change *change, const struct registry_move *move, struct err *err)
{
  struct registry_gate_answer answer;
  enum err_code code = registry_gate_try (&answer, change, move, 1, err);

  if (ERR_OK != code)
    return code;
  json_write_object (w);
  write_guarded (w, move->alias, move->stage);
  json_write_member_bool (w, "allowed", 0 == answer.missing_count);
  write_findings (w, "missing", answer.missing, answer.missing_count);
  json_write_object_end (w);
  return ERR_OK;
}

enum err_code
promotion_gate_write_state (struct json_write *w, struct api_call *call, const struct store_model_version *version,
                            struct err *err)
{
  struct registry_move moves[DOCUMENT_GATES_MAX];
  struct registry_actor actor;
  struct registry_change change;
  struct store_registered_model model;
  struct result result = { NULL };
  size_t count = 0;
  enum err_code code =
      store_gate_list (&result, call->connection, call->pass->workspace_id, version->name, 0, OF_MODEL_MAX, err);

  begin_trial (&change, &actor, &model, call, version);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result) && count < DOCUMENT_GATES_MAX; i++)
  {
    struct store_promotion_gate gate;

    code = result_row (&gate, &result, i, store_promotion_gate_columns, STORE_PROMOTION_GATE_COLUMNS, err);
    if (ERR_OK != code || ! is_new (moves, count, &gate))
      continue;
    if (0 == count)
    {
      json_write_key (w, "gates");
      json_write_array (w);
    }
    moves[count] = (struct registry_move){
      .model = &model, .alias = gate.alias, .stage = gate.stage, .version = version->version
    };
    code = write_state (w, &change, &moves[count++], err);
  }
  if (count > 0)
    json_write_array_end (w);
  result_free (&result);
  return code;
}
