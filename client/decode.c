/* Decoding: tables say which member goes where.

   Source: MLflow's REST API 2.0 (service.proto, model_registry.proto). */
#include "decode.h"

#include "error.h"
#include "result.h"

#include <string.h>

enum member_type
{
  MEMBER_TEXT, /* const char * */
  MEMBER_INT64,
  MEMBER_DOUBLE,
  MEMBER_DELETED, /* bool: a lifecycle_stage */
  MEMBER_RUN_STATUS,
  MEMBER_MODEL_STATUS,
  MEMBER_PAIRS, /* const struct tally_pair *, and their number behind it */
  MEMBER_TEXTS, /* const char *const *, and their number behind it */
  MEMBER_POINTS /* const struct tally_point *, and their number behind it */
};

struct member
{
  const char *name;
  enum member_type type;
  size_t offset;
};

/* A list's number stands behind its pointer in every struct of the public headers. */
#define LIST_COUNT(place) ((size_t *)((char *)(place) + sizeof (void *)))

struct word
{
  const char *text;
  int value;
};

static const struct word run_statuses[] = {
  { "RUNNING", TALLY_STATUS_RUNNING }, { "SCHEDULED", TALLY_STATUS_SCHEDULED }, { "FINISHED", TALLY_STATUS_FINISHED },
  { "FAILED", TALLY_STATUS_FAILED },   { "KILLED", TALLY_STATUS_KILLED },
};

static const struct word model_statuses[] = {
  { "LOGGED_MODEL_PENDING", TALLY_MODEL_PENDING },
  { "LOGGED_MODEL_READY", TALLY_MODEL_READY },
  { "LOGGED_MODEL_UPLOAD_FAILED", TALLY_MODEL_FAILED },
};

#define COUNT(array) (sizeof (array) / sizeof ((array)[0]))

static const char *
plain_text (const json_t *object, const char *name)
{
  const char *text = json_string_value (json_object_get (object, name));

  return NULL == text ? "" : text;
}

/* The value of the word that the member has; the first one's when it has none of them: those begin each life. */
static int
word_value (const struct word *words, size_t count, const char *text)
{
  for (size_t i = 0; i < count; i++)
    if (0 == strcmp (text, words[i].text))
      return words[i].value;
  return words[0].value;
}

static void
take_texts (const char *const **out, size_t *count, struct arena *arena, const json_t *list)
{
  size_t size = json_array_size (list);
  const char **texts = 0 == size ? NULL : arena_array (arena, size, sizeof (*texts));

  *out = texts;
  *count = 0;
  for (size_t i = 0; NULL != texts && i < size; i++)
  {
    const char *text = json_string_value (json_array_get (list, i));

    if (NULL != text)
      texts[(*count)++] = arena_copy (arena, text, strlen (text));
  }
}

static const struct member point_members[] = {
  { "key", MEMBER_TEXT, offsetof (struct tally_point, key) },
  { "value", MEMBER_DOUBLE, offsetof (struct tally_point, value) },
  { "step", MEMBER_INT64, offsetof (struct tally_point, step) },
  { "timestamp", MEMBER_INT64, offsetof (struct tally_point, timestamp_ms) },
};

static void
take_point (struct tally_point *point, struct arena *arena, const json_t *object)
{
  point->key = answer_text (arena, object, "key");
  point->value = answer_double (object, "value");
  point->step = answer_int64 (object, "step");
  point->timestamp_ms = answer_int64 (object, "timestamp");
}

static void
take_points (const struct tally_point **out, size_t *count, struct arena *arena, const json_t *list)
{
  size_t size = json_array_size (list);
  struct tally_point *points = 0 == size ? NULL : arena_array (arena, size, sizeof (*points));

  *out = points;
  *count = 0;
  for (size_t i = 0; NULL != points && i < size; i++)
    if (json_is_string (json_object_get (json_array_get (list, i), "key")))
      take_point (&points[(*count)++], arena, json_array_get (list, i));
}

static void
take_member (void *place, enum member_type type, struct arena *arena, const json_t *object, const char *name)
{
  switch (type)
  {
  case MEMBER_TEXT:
    *(const char **)place = answer_text (arena, object, name);
    break;
  case MEMBER_INT64:
    *(int64_t *)place = answer_int64 (object, name);
    break;
  case MEMBER_DOUBLE:
    *(double *)place = answer_double (object, name);
    break;
  case MEMBER_DELETED:
    *(bool *)place = 0 == strcmp (plain_text (object, name), "deleted");
    break;
  case MEMBER_RUN_STATUS:
    *(enum tally_status *)place =
        (enum tally_status)word_value (run_statuses, COUNT (run_statuses), plain_text (object, name));
    break;
  case MEMBER_MODEL_STATUS:
    *(enum tally_model_status *)place =
        (enum tally_model_status)word_value (model_statuses, COUNT (model_statuses), plain_text (object, name));
    break;
  case MEMBER_PAIRS:
    *(const struct tally_pair **)place = answer_pairs (LIST_COUNT (place), arena, json_object_get (object, name));
    break;
  case MEMBER_TEXTS:
    take_texts (place, LIST_COUNT (place), arena, json_object_get (object, name));
    break;
  case MEMBER_POINTS:
    take_points (place, LIST_COUNT (place), arena, json_object_get (object, name));
    break;
  }
}

static void
take_members (void *out, struct arena *arena, const json_t *object, const struct member *members, size_t count)
{
  for (size_t i = 0; i < count; i++)
    take_member ((char *)out + members[i].offset, members[i].type, arena, object, members[i].name);
}

enum tally_code
decode_end (const struct arena *arena, struct tally_error *err)
{
  if (! arena_overflowed (arena))
    return TALLY_OK;
  if (arena_out_of_memory (arena))
    return error_memory (err);
  return error_set (err, TALLY_ERROR_PROTOCOL, "The answer of the server is larger than %u MiB when decoded.",
                    ANSWER_ARENA_BYTES >> 20);
}

/* PROTOCOL unless `essential` is filled. */
static enum tally_code
end_with (const char *essential, const char *what, const struct arena *arena, struct tally_error *err)
{
  enum tally_code code = decode_end (arena, err);

  if (TALLY_OK != code)
    return code;
  if (NULL != essential && '\0' != essential[0])
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_PROTOCOL, "The answer of the server holds no %s.", what);
}

static const struct member experiment_members[] = {
  { "experiment_id", MEMBER_TEXT, offsetof (struct tally_experiment, id) },
  { "name", MEMBER_TEXT, offsetof (struct tally_experiment, name) },
  { "artifact_location", MEMBER_TEXT, offsetof (struct tally_experiment, artifact_location) },
  { "lifecycle_stage", MEMBER_DELETED, offsetof (struct tally_experiment, deleted) },
  { "creation_time", MEMBER_INT64, offsetof (struct tally_experiment, created_ms) },
  { "last_update_time", MEMBER_INT64, offsetof (struct tally_experiment, updated_ms) },
  { "tags", MEMBER_PAIRS, offsetof (struct tally_experiment, tags) },
};

enum tally_code
decode_experiment (void *out, struct arena *arena, const json_t *object, struct tally_error *err)
{
  struct tally_experiment *experiment = out;

  take_members (experiment, arena, object, experiment_members, COUNT (experiment_members));
  return end_with (experiment->id, "experiment_id", arena, err);
}

static const struct member run_info_members[] = {
  { "run_id", MEMBER_TEXT, offsetof (struct tally_run_data, run_id) },
  { "run_name", MEMBER_TEXT, offsetof (struct tally_run_data, name) },
  { "experiment_id", MEMBER_TEXT, offsetof (struct tally_run_data, experiment_id) },
  { "user_id", MEMBER_TEXT, offsetof (struct tally_run_data, user) },
  { "artifact_uri", MEMBER_TEXT, offsetof (struct tally_run_data, artifact_uri) },
  { "status", MEMBER_RUN_STATUS, offsetof (struct tally_run_data, status) },
  { "lifecycle_stage", MEMBER_DELETED, offsetof (struct tally_run_data, deleted) },
  { "start_time", MEMBER_INT64, offsetof (struct tally_run_data, start_ms) },
  { "end_time", MEMBER_INT64, offsetof (struct tally_run_data, end_ms) },
};

static const struct member run_data_members[] = {
  { "metrics", MEMBER_POINTS, offsetof (struct tally_run_data, metrics) },
  { "params", MEMBER_PAIRS, offsetof (struct tally_run_data, params) },
  { "tags", MEMBER_PAIRS, offsetof (struct tally_run_data, tags) },
};

enum tally_code
decode_run (void *out, struct arena *arena, const json_t *object, struct tally_error *err)
{
  struct tally_run_data *run = out;

  take_members (run, arena, json_object_get (object, "info"), run_info_members, COUNT (run_info_members));
  take_members (run, arena, json_object_get (object, "data"), run_data_members, COUNT (run_data_members));
  return end_with (run->run_id, "run_id", arena, err);
}

enum tally_code
decode_point (void *out, struct arena *arena, const json_t *object, struct tally_error *err)
{
  struct tally_point *point = out;

  take_members (point, arena, object, point_members, COUNT (point_members));
  return end_with (point->key, "key of a point", arena, err);
}

static const struct member model_info_members[] = {
  { "model_id", MEMBER_TEXT, offsetof (struct tally_logged_model, model_id) },
  { "name", MEMBER_TEXT, offsetof (struct tally_logged_model, name) },
  { "experiment_id", MEMBER_TEXT, offsetof (struct tally_logged_model, experiment_id) },
  { "source_run_id", MEMBER_TEXT, offsetof (struct tally_logged_model, run_id) },
  { "model_type", MEMBER_TEXT, offsetof (struct tally_logged_model, type) },
  { "artifact_uri", MEMBER_TEXT, offsetof (struct tally_logged_model, artifact_uri) },
  { "status", MEMBER_MODEL_STATUS, offsetof (struct tally_logged_model, status) },
  { "creation_timestamp_ms", MEMBER_INT64, offsetof (struct tally_logged_model, created_ms) },
  { "last_updated_timestamp_ms", MEMBER_INT64, offsetof (struct tally_logged_model, updated_ms) },
  { "tags", MEMBER_PAIRS, offsetof (struct tally_logged_model, tags) },
};

enum tally_code
decode_logged_model (void *out, struct arena *arena, const json_t *object, struct tally_error *err)
{
  struct tally_logged_model *model = out;
  const json_t *params = json_object_get (json_object_get (object, "data"), "params");

  take_members (model, arena, json_object_get (object, "info"), model_info_members, COUNT (model_info_members));
  model->params = answer_pairs (&model->param_count, arena, params);
  return end_with (model->model_id, "model_id", arena, err);
}

static const struct member version_members[] = {
  { "name", MEMBER_TEXT, offsetof (struct tally_model_version, name) },
  { "version", MEMBER_INT64, offsetof (struct tally_model_version, version) },
  { "source", MEMBER_TEXT, offsetof (struct tally_model_version, source) },
  { "run_id", MEMBER_TEXT, offsetof (struct tally_model_version, run_id) },
  { "model_id", MEMBER_TEXT, offsetof (struct tally_model_version, model_id) },
  { "status", MEMBER_TEXT, offsetof (struct tally_model_version, status) },
  { "current_stage", MEMBER_TEXT, offsetof (struct tally_model_version, stage) },
  { "description", MEMBER_TEXT, offsetof (struct tally_model_version, description) },
  { "user_id", MEMBER_TEXT, offsetof (struct tally_model_version, user) },
  { "creation_timestamp", MEMBER_INT64, offsetof (struct tally_model_version, created_ms) },
  { "last_updated_timestamp", MEMBER_INT64, offsetof (struct tally_model_version, updated_ms) },
  { "tags", MEMBER_PAIRS, offsetof (struct tally_model_version, tags) },
  { "aliases", MEMBER_TEXTS, offsetof (struct tally_model_version, aliases) },
};

enum tally_code
decode_model_version (void *out, struct arena *arena, const json_t *object, struct tally_error *err)
{
  struct tally_model_version *version = out;

  take_members (version, arena, object, version_members, COUNT (version_members));
  if (version->version <= 0)
    return end_with (NULL, "version", arena, err);
  return end_with (version->name, "name of a version", arena, err);
}

static void
take_missing (struct tally_gate_result *result, struct arena *arena, const json_t *list)
{
  size_t size = json_array_size (list);
  struct tally_missing *missing = 0 == size ? NULL : arena_array (arena, size, sizeof (*missing));

  result->missing = missing;
  for (size_t i = 0; NULL != missing && i < size; i++)
  {
    const json_t *item = json_array_get (list, i);

    if (! json_is_object (item))
      continue;
    missing[result->missing_count].rule = answer_text (arena, item, "rule");
    missing[result->missing_count++].message = answer_text (arena, item, "text");
  }
}

enum tally_code
decode_gate_result (void *out, struct arena *arena, const json_t *object, struct tally_error *err)
{
  struct tally_gate_result *result = out;
  const json_t *moved = json_array_get (json_object_get (object, "moved"), 0);
  const json_t *current = json_array_get (json_object_get (object, "current"), 0);

  take_missing (result, arena, json_object_get (object, "missing"));
  /* A transition, which is MLflow's call, answers with the version. */
  result->moved = NULL != moved || json_is_object (json_object_get (object, "model_version"));
  result->met = result->moved || json_is_true (json_object_get (object, "allowed"));
  result->forced = json_is_true (json_object_get (object, "forced"));
  if (NULL != moved)
  {
    result->version = result->current = answer_int64 (moved, "version");
    result->previous = answer_int64 (moved, "previous");
  }
  else
    result->current = NULL != current ? answer_int64 (current, "version") : answer_int64 (object, "holder");
  return decode_end (arena, err);
}

enum tally_code
decode_result (void **result, size_t bytes, decode_function *decode, const json_t *answer, const char *member,
               struct tally_error *err)
{
  void *made = result_new (bytes);
  enum tally_code code;

  *result = NULL;
  if (NULL == made)
    return error_memory (err);
  code = decode (made, result_arena (made), NULL == member ? answer : json_object_get (answer, member), err);
  if (TALLY_OK == code)
    *result = made;
  else
    result_free (made);
  return code;
}
