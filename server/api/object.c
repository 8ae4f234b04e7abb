/* Where the ids of objects are found.

   DESIGN
   Ids are read with the same schemas, in the same spellings and from the same place as the handle functions read them,
   so that both mean the same object. What could be read in two ways is refused. */
#include "api/object.h"

#include "api/arguments.h"
#include "api/artifact.h"
#include "api/artifact_path.h"
#include "api/decode.h"
#include "api/download.h"
#include "api/names.h"
#include "api/route.h"
#include "api/run.h"

#include <inttypes.h>

/* Runs that one request may name: ten times what the greediest route takes. */
#define RUNS_MAX ((size_t)10000)
/* Where artifacts of other workspaces than default begin. */
#define WORKSPACES_PREFIX "workspaces/"

struct arguments
{
  struct slice experiment_id;
  struct slice experiment_name;
  struct slice run_id;
  struct slice model_id;
  struct slice path;
  struct slice upload_id;
  struct slice name;
  struct slice registered_model;
  struct slice workspace;
  struct slices run_ids;
  struct slices run_id_list;
};

#define TEXT(member)                                                                                                   \
  {                                                                                                                    \
    .name = #member, .type = FIELD_STRING, .offset = offsetof (struct arguments, member)                               \
  }
#define RUN_ID                                                                                                         \
  {                                                                                                                    \
    .name = "run_id", .type = FIELD_STRING, .offset = offsetof (struct arguments, run_id),                             \
    .deprecated_name = "run_uuid"                                                                                      \
  }

static const struct field experiment_fields[] = { TEXT (experiment_id) };
static const struct field experiment_name_fields[] = { TEXT (experiment_name) };
static const struct field run_fields[] = { RUN_ID };
static const struct field runs_fields[] = {
  { .name = "run_ids", .type = FIELD_STRINGS, .offset = offsetof (struct arguments, run_ids) },
  { .name = "run_id", .type = FIELD_STRINGS, .offset = offsetof (struct arguments, run_id_list) },
};
static const struct field run_or_model_fields[] = { RUN_ID, TEXT (model_id), TEXT (path) };
static const struct field path_fields[] = { TEXT (path) };
static const struct field upload_fields[] = { TEXT (path), TEXT (upload_id) };
static const struct field name_fields[] = { TEXT (name) };
static const struct field granted_fields[] = { TEXT (experiment_id), TEXT (registered_model), TEXT (workspace) };

#define FIELDS(fields)                                                                                                 \
  {                                                                                                                    \
    (fields), sizeof (fields) / sizeof ((fields)[0]), sizeof (struct arguments)                                        \
  }

typedef enum err_code extract (struct target *targets, size_t *count, struct api_call *call,
                               const struct arguments *arguments, struct err *err);

/* --- each kind -----------------------------------------------------------------------------------------------------
 */

static enum err_code
missing (const char *name, struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Missing value for required parameter '%s'. See the API docs for more information about request "
                  "parameters.",
                  name);
}

static enum err_code
add_run (struct target *targets, size_t *count, struct slice text, struct err *err)
{
  struct target *target = &targets[*count];

  *target = (struct target){ .kind = TARGET_RUN, .text = text, .experiment_id = -1 };
  (*count)++;
  return 0 == text.len ? missing ("run_id", err) : api_run_id (&target->run_id, text, err);
}

static enum err_code
add_text (struct target *targets, size_t *count, enum target_kind kind, struct slice text)
{
  targets[(*count)++] = (struct target){ .kind = kind, .text = text, .experiment_id = -1 };
  return ERR_OK;
}

static enum err_code
extract_workspace (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                   struct err *err)
{
  (void)arguments;
  (void)err;
  targets[(*count)++] = (struct target){ .kind = TARGET_WORKSPACE,
                                         .text = call->pass->workspace,
                                         .experiment_id = -1,
                                         .workspace_id = call->pass->workspace_id };
  return ERR_OK;
}

static enum err_code
add_experiment (struct target *targets, size_t *count, struct slice text, struct err *err)
{
  struct target *target = &targets[*count];

  *target = (struct target){ .kind = TARGET_EXPERIMENT, .text = text.len > 0 ? text : SLICE ("0") };
  (*count)++;
  return names_experiment_id (&target->experiment_id, text, err);
}

static enum err_code
extract_experiment (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                    struct err *err)
{
  (void)call;
  return add_experiment (targets, count, arguments->experiment_id, err);
}

static enum err_code
extract_experiment_name (struct target *targets, size_t *count, struct api_call *call,
                         const struct arguments *arguments, struct err *err)
{
  (void)call;
  if (0 == arguments->experiment_name.len)
    return missing ("experiment_name", err);
  return add_text (targets, count, TARGET_EXPERIMENT_NAME, arguments->experiment_name);
}

static enum err_code
extract_run (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
             struct err *err)
{
  (void)call;
  return add_run (targets, count, arguments->run_id, err);
}

static enum err_code
extract_runs (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
              struct err *err)
{
  const struct slices *lists[] = { &arguments->run_ids, &arguments->run_id_list };
  enum err_code code = ERR_OK;

  (void)call;
  for (size_t i = 0; i < sizeof (lists) / sizeof (lists[0]); i++)
    for (size_t j = 0; ERR_OK == code && j < lists[i]->count; j++)
      code = add_run (targets, count, lists[i]->items[j], err);
  return code;
}

static enum err_code
add_path (struct target *targets, size_t *count, struct slice given, bool may_be_empty, struct arena *arena,
          struct err *err)
{
  struct slice path;
  enum err_code code = artifact_path_check (&path, given, "path", may_be_empty, arena, err);

  return ERR_OK == code ? add_text (targets, count, TARGET_PATH, path) : code;
}

static enum err_code
extract_run_or_model (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                      struct err *err)
{
  bool is_browse = OBJECT_BROWSE == call->route->object;
  enum err_code code = ERR_OK;

  if (0 == arguments->run_id.len && 0 == arguments->model_id.len)
    return is_browse ? add_path (targets, count, arguments->path, true, call->arena, err) : missing ("run_id", err);
  if (arguments->run_id.len > 0)
    code = add_run (targets, count, arguments->run_id, err);
  if (ERR_OK == code && arguments->model_id.len > 0)
    code = add_text (targets, count, TARGET_LOGGED_MODEL, arguments->model_id);
  return code;
}

static enum err_code
extract_path_run (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                  struct err *err)
{
  (void)arguments;
  return add_run (targets, count, call->path_values[0], err);
}

static enum err_code
extract_path_model (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                    struct err *err)
{
  (void)arguments;
  (void)err;
  return add_text (targets, count, TARGET_LOGGED_MODEL, call->path_values[0]);
}

static enum err_code
extract_path_workspace (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                        struct err *err)
{
  (void)arguments;
  (void)err;
  return add_text (targets, count, TARGET_WORKSPACE_NAME, call->path_values[0]);
}

static enum err_code
extract_artifact (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                  struct err *err)
{
  (void)arguments;
  return add_path (targets, count, call->path_values[0], false, call->arena, err);
}

static enum err_code
extract_directory (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                   struct err *err)
{
  return add_path (targets, count, arguments->path, true, call->arena, err);
}

static enum err_code
extract_upload_path (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                     struct err *err)
{
  struct slice path;
  enum err_code code;

  if (0 == arguments->path.len)
    return missing ("path", err);
  code = api_upload_path (&path, call, arguments->path, err);
  return ERR_OK == code ? add_text (targets, count, TARGET_PATH, path) : code;
}

static enum err_code
add_upload (struct target *targets, size_t *count, struct api_call *call, struct slice upload_id, struct err *err)
{
  struct slice path;
  enum err_code code =
      0 == upload_id.len ? missing ("upload_id", err) : api_upload_target (&path, call, upload_id, err);

  return ERR_OK == code ? add_text (targets, count, TARGET_PATH, path) : code;
}

static enum err_code
extract_upload (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                struct err *err)
{
  enum err_code code = extract_upload_path (targets, count, call, arguments, err);

  return ERR_OK == code ? add_upload (targets, count, call, arguments->upload_id, err) : code;
}

static enum err_code
extract_path_upload (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                     struct err *err)
{
  (void)arguments;
  return add_upload (targets, count, call, call->path_values[0], err);
}

static enum err_code
extract_download (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                  struct err *err)
{
  static const enum target_kind kinds[STORE_OWNER_COUNT] = { TARGET_RUN, TARGET_LOGGED_MODEL, TARGET_REGISTERED_MODEL };
  struct slice id;
  enum store_owner_kind kind;
  enum err_code code = api_download_target (&id, &kind, call, err);

  (void)arguments;
  if (ERR_OK != code)
    return code;
  return STORE_OWNER_RUN == kind ? add_run (targets, count, id, err) : add_text (targets, count, kinds[kind], id);
}

static enum err_code
extract_registered_model (struct target *targets, size_t *count, struct api_call *call,
                          const struct arguments *arguments, struct err *err)
{
  (void)call;
  if (0 == arguments->name.len)
    return missing ("name", err);
  return add_text (targets, count, TARGET_REGISTERED_MODEL, arguments->name);
}

static enum err_code
extract_path_registered_model (struct target *targets, size_t *count, struct api_call *call,
                               const struct arguments *arguments, struct err *err)
{
  (void)arguments;
  (void)err;
  return add_text (targets, count, TARGET_REGISTERED_MODEL, call->path_values[0]);
}

static enum err_code
extract_granted (struct target *targets, size_t *count, struct api_call *call, const struct arguments *arguments,
                 struct err *err)
{
  int given = (NULL != arguments->experiment_id.data) + (NULL != arguments->registered_model.data)
              + (NULL != arguments->workspace.data);

  (void)call;
  if (1 != given)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Exactly one of experiment_id, registered_model and workspace must be given.");
  if (NULL != arguments->experiment_id.data)
    return add_experiment (targets, count, arguments->experiment_id, err);
  return NULL != arguments->workspace.data
             ? add_text (targets, count, TARGET_WORKSPACE_NAME, arguments->workspace)
             : add_text (targets, count, TARGET_REGISTERED_MODEL, arguments->registered_model);
}

struct rule
{
  bool in_path; /* the ids are in the path, or there are none */
  bool in_query; /* always in the query; else there with GET only */
  bool needs_database;
  extract *extract; /* NULL: no object of its own */
  struct schema schema;
};

static const struct rule rules[OBJECT_COUNT] = {
  [OBJECT_NONE] = { .in_path = true },
  [OBJECT_WORKSPACE] = { .in_path = true, .extract = extract_workspace },
  [OBJECT_NEW_EXPERIMENT] = { .in_path = true, .extract = extract_workspace },
  [OBJECT_EXPERIMENT] = { .extract = extract_experiment, .schema = FIELDS (experiment_fields) },
  [OBJECT_EXPERIMENT_NAME] = { .extract = extract_experiment_name, .schema = FIELDS (experiment_name_fields) },
  [OBJECT_RUN] = { .extract = extract_run, .schema = FIELDS (run_fields) },
  [OBJECT_QUERY_RUN] = { .in_query = true, .extract = extract_run, .schema = FIELDS (run_fields) },
  [OBJECT_RUNS] = { .extract = extract_runs, .schema = FIELDS (runs_fields) },
  [OBJECT_RUN_OR_MODEL] = { .extract = extract_run_or_model, .schema = FIELDS (run_or_model_fields) },
  [OBJECT_PATH_RUN] = { .in_path = true, .extract = extract_path_run },
  [OBJECT_PATH_MODEL] = { .in_path = true, .extract = extract_path_model },
  [OBJECT_PATH_WORKSPACE] = { .in_path = true, .extract = extract_path_workspace },
  [OBJECT_ARTIFACT] = { .in_path = true, .extract = extract_artifact },
  [OBJECT_DIRECTORY] = { .extract = extract_directory, .schema = FIELDS (path_fields) },
  [OBJECT_BROWSE] = { .extract = extract_run_or_model, .schema = FIELDS (run_or_model_fields) },
  [OBJECT_UPLOAD_PATH] = { .extract = extract_upload_path, .schema = FIELDS (path_fields) },
  [OBJECT_UPLOAD] = { .needs_database = true, .extract = extract_upload, .schema = FIELDS (upload_fields) },
  [OBJECT_PATH_UPLOAD] = { .in_path = true, .needs_database = true, .extract = extract_path_upload },
  [OBJECT_DOWNLOAD] = { .in_path = true, .extract = extract_download },
  [OBJECT_REGISTERED_MODEL] = { .extract = extract_registered_model, .schema = FIELDS (name_fields) },
  [OBJECT_NEW_REGISTERED_MODEL] = { .in_path = true, .extract = extract_workspace },
  [OBJECT_PATH_REGISTERED_MODEL] = { .in_path = true, .extract = extract_path_registered_model },
  [OBJECT_GRANTED] = { .extract = extract_granted, .schema = FIELDS (granted_fields) },
  [OBJECT_VISIBLE] = { .in_path = true },
};

bool
object_is_early (const struct route *route)
{
  const struct rule *rule = &rules[route->object];

  return rule->in_path || rule->in_query || METHOD_GET == route->method;
}

bool
object_needs_database (enum route_object object)
{
  return rules[object].needs_database;
}

/* --- an id that is there twice -------------------------------------------------------------------------------------
 */

/* The text that a value stands for; numbers are what they print as. */
static struct slice
plain_text (const json_t *value, struct arena *arena)
{
  if (json_is_string (value))
    return (struct slice){ json_string_value (value), json_string_length (value) };
  if (json_is_integer (value))
    return slice_of (arena_printf (arena, "%" JSON_INTEGER_FORMAT, json_integer_value (value)));
  return (struct slice){ NULL, 0 };
}

static enum err_code
note_value (struct slice *seen, const json_t *value, const char *name, struct arena *arena, struct err *err)
{
  struct slice text = plain_text (value, arena);

  if (NULL == text.data)
    return ERR_OK;
  if (NULL != seen->data && ! slice_equal (*seen, text))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The parameter '%s' is given twice and differently, or in two spellings.", name);
  *seen = text;
  return ERR_OK;
}

/* An argument under its name and the deprecated one; both spellings of either api_decode has refused. */
static enum err_code
check_field (const struct field *field, const json_t *arguments, struct arena *arena, struct err *err)
{
  const char *const names[] = { field->name, field->deprecated_name };
  struct slice seen = { NULL, 0 };
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < sizeof (names) / sizeof (names[0]) && NULL != names[i]; i++)
  {
    json_t *value;

    code = api_argument (&value, arguments, names[i], err);
    if (ERR_OK == code && ! json_is_array (value))
      code = note_value (&seen, value, field->name, arena, err);
    for (size_t k = 0; json_is_array (value) && k < json_array_size (value) && ERR_OK == code; k++)
      code = note_value (&seen, json_array_get (value, k), field->name, arena, err);
  }
  return code;
}

static enum err_code
check_twice (const struct rule *rule, const json_t *arguments, struct arena *arena, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < rule->schema.count; i++)
    if (FIELD_STRING == rule->schema.fields[i].type)
      code = check_field (&rule->schema.fields[i], arguments, arena, err);
  return code;
}

enum err_code
object_targets (struct target **targets, size_t *count, struct api_call *call, struct err *err)
{
  const struct rule *rule = &rules[call->route->object];
  struct arguments arguments;
  size_t room = 2;
  enum err_code code = ERR_OK;

  *count = 0;
  *targets = NULL;
  memset (&arguments, 0, sizeof (arguments));
  if (NULL == rule->extract)
    return ERR_OK;
  if (rule->in_query)
    call->arguments_in_query = true;
  if (NULL != rule->schema.fields)
    code = api_decode (&arguments, call, &rule->schema, err);
  if (ERR_OK == code && NULL != rule->schema.fields)
    code = check_twice (rule, call->arguments, call->arena, err);
  if (ERR_OK != code)
    return code;
  room += arguments.run_ids.count + arguments.run_id_list.count;
  if (room > RUNS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "At most %zu runs may be named in one request.", RUNS_MAX);
  *targets = arena_array (call->arena, room, sizeof (**targets));
  if (NULL == *targets)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return rule->extract (*targets, count, call, &arguments, err);
}

/* --- paths ---------------------------------------------------------------------------------------------------------
 */

static struct slice
first_segment (struct slice path)
{
  const char *slash = 0 == path.len ? NULL : memchr (path.data, '/', path.len);

  return (struct slice){ path.data, NULL == slash ? path.len : (size_t)(slash - path.data) };
}

int64_t
object_experiment_of_path (struct slice *workspace, struct slice path)
{
  const size_t prefix = sizeof (WORKSPACES_PREFIX) - 1;
  struct slice digits;
  int64_t number = 0;

  *workspace = (struct slice){ NULL, 0 };
  if (path.len > prefix && 0 == memcmp (path.data, WORKSPACES_PREFIX, prefix))
  {
    path = (struct slice){ path.data + prefix, path.len - prefix };
    *workspace = first_segment (path);
    path = workspace->len < path.len ? (struct slice){ path.data + workspace->len + 1, path.len - workspace->len - 1 }
                                     : (struct slice){ "", 0 };
  }
  digits = first_segment (path);
  /* Eighteen digits are a number for sure. */
  if (0 == digits.len || digits.len > 18)
    return -1;
  for (size_t i = 0; i < digits.len; i++)
  {
    if (digits.data[i] < '0' || digits.data[i] > '9')
      return -1;
    number = number * 10 + (digits.data[i] - '0');
  }
  /* 007 is no experiment. */
  return digits.len > 1 && '0' == digits.data[0] ? -1 : number;
}

bool
object_holds_workspaces (struct slice path)
{
  return path.len + 1 == sizeof (WORKSPACES_PREFIX) - 1 && 0 == memcmp (path.data, WORKSPACES_PREFIX, path.len);
}

/* --- words ---------------------------------------------------------------------------------------------------------
 */

struct wording
{
  const char *not_found;
  const char *prefix;
};

static const struct wording wordings[] = {
  [TARGET_EXPERIMENT] = { "No Experiment with id=%.*s exists", "experiment" },
  [TARGET_EXPERIMENT_NAME] = { "Could not find experiment with name '%.*s'", "experiment-name" },
  [TARGET_RUN] = { "Run with id=%.*s not found", "run" },
  [TARGET_LOGGED_MODEL] = { "Logged model with ID '%.*s' not found.", "logged-model" },
  [TARGET_PATH] = { "No such artifact: '%.*s'", "artifact" },
  [TARGET_WORKSPACE] = { "Workspace '%.*s' not found", "workspace" },
  [TARGET_WORKSPACE_NAME] = { "Workspace '%.*s' not found", "workspace" },
  [TARGET_REGISTERED_MODEL] = { "Registered Model with name=%.*s not found", "registered-model" },
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
enum err_code
object_not_found (const struct target *target, struct err *err)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, wordings[target->kind].not_found, SLICE_ARG (target->text));
}
#pragma GCC diagnostic pop

struct slice
object_name (const struct target *target, struct arena *arena)
{
  return slice_of (arena_printf (arena, "%s:%.*s", wordings[target->kind].prefix, SLICE_ARG (target->text)));
}
