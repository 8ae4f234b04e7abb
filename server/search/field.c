/* The fields of the five resources. */
#include "search/field.h"

#include "base/number.h"

#include <math.h>
#include <strings.h>

#define COUNT(array) (sizeof (array) / sizeof ((array)[0]))

const char *const search_part_names[SEARCH_COUNT + 1] = { NULL, "min", "max", "first", "count" };

/* Status sorts by its name, as clients see it. */
#define STATUS_NAME "(ARRAY['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'])[status] COLLATE \"C\""

static const struct search_attribute run_attributes[] = {
  { "run_id", "run_id", SEARCH_UUID, false, false, RUN_ATTRIBUTE_ID, false },
  { "run_name", "name", SEARCH_TEXT, false, false, RUN_ATTRIBUTE_NAME, false },
  { "run name", "name", SEARCH_TEXT, false, false, RUN_ATTRIBUTE_NAME, false },
  { "Run name", "name", SEARCH_TEXT, false, false, RUN_ATTRIBUTE_NAME, false },
  { "Run Name", "name", SEARCH_TEXT, false, false, RUN_ATTRIBUTE_NAME, false },
  { "user_id", "user_id", SEARCH_TEXT, false, false, RUN_ATTRIBUTE_USER, false },
  { "status", STATUS_NAME, SEARCH_TEXT, false, false, RUN_ATTRIBUTE_STATUS, false },
  { "artifact_uri", "artifact_uri", SEARCH_TEXT, false, false, RUN_ATTRIBUTE_ARTIFACT_URI, false },
  { "start_time", "started_at_ms", SEARCH_INT64, false, true, RUN_ATTRIBUTE_START, false },
  { "created", "started_at_ms", SEARCH_INT64, false, true, RUN_ATTRIBUTE_START, false },
  { "Created", "started_at_ms", SEARCH_INT64, false, true, RUN_ATTRIBUTE_START, false },
  { "end_time", "ended_at_ms", SEARCH_INT64, true, true, RUN_ATTRIBUTE_END, false },
};

static const struct search_attribute run_datasets[] = {
  { "name", NULL, SEARCH_TEXT, false, false, RUN_DATASET_NAME, false },
  { "digest", NULL, SEARCH_TEXT, false, false, RUN_DATASET_DIGEST, false },
  { "context", NULL, SEARCH_TEXT, true, false, RUN_DATASET_CONTEXT, false },
};

static const struct search_alias run_aliases[] = {
  { "metric", SEARCH_METRIC },
  { "metrics", SEARCH_METRIC },
  { "parameter", SEARCH_PARAM },
  { "parameters", SEARCH_PARAM },
  { "param", SEARCH_PARAM },
  { "params", SEARCH_PARAM },
  { "tag", SEARCH_TAG },
  { "tags", SEARCH_TAG },
  { "attribute", SEARCH_ATTRIBUTE },
  { "attributes", SEARCH_ATTRIBUTE },
  { "attr", SEARCH_ATTRIBUTE },
  { "run", SEARCH_ATTRIBUTE },
  { "dataset", SEARCH_DATASET },
  { "datasets", SEARCH_DATASET },
};

#define BOTH (SEARCH_CAN_FILTER | SEARCH_CAN_ORDER)

const struct search_resource search_runs = {
  .name = "runs",
  .attributes = run_attributes,
  .attribute_count = COUNT (run_attributes),
  .datasets = run_datasets,
  .dataset_count = COUNT (run_datasets),
  .aliases = run_aliases,
  .alias_count = COUNT (run_aliases),
  .abilities = { [SEARCH_ATTRIBUTE] = BOTH,
                 [SEARCH_METRIC] = BOTH,
                 [SEARCH_PARAM] = BOTH,
                 [SEARCH_TAG] = BOTH,
                 [SEARCH_DATASET] = SEARCH_CAN_FILTER },
  .entities = "Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
};

static const struct search_attribute experiment_attributes[] = {
  { "name", "name", SEARCH_TEXT, false, false, EXPERIMENT_ATTRIBUTE_NAME, false },
  { "experiment_id", "experiment_id", SEARCH_INT64, false, false, EXPERIMENT_ATTRIBUTE_ID, false },
  { "creation_time", "created_at_ms", SEARCH_INT64, false, true, EXPERIMENT_ATTRIBUTE_CREATED, false },
  { "last_update_time", "updated_at_ms", SEARCH_INT64, false, true, EXPERIMENT_ATTRIBUTE_UPDATED, false },
};

/* What experiments, registered models and their versions know besides attributes. */
static const struct search_alias tag_aliases[] = {
  { "tag", SEARCH_TAG },
  { "tags", SEARCH_TAG },
  { "attribute", SEARCH_ATTRIBUTE },
};

#define TAG_ENTITIES "Valid entity types are ('attribute', 'tag', 'tags')"

const struct search_resource search_experiments = {
  .name = "experiments",
  .attributes = experiment_attributes,
  .attribute_count = COUNT (experiment_attributes),
  .aliases = tag_aliases,
  .alias_count = COUNT (tag_aliases),
  .abilities = { [SEARCH_ATTRIBUTE] = BOTH, [SEARCH_TAG] = SEARCH_CAN_FILTER },
  .entities = TAG_ENTITIES,
};

static const struct search_attribute model_attributes[] = {
  { "name", "name", SEARCH_TEXT, false, false, REGISTERED_MODEL_ATTRIBUTE_NAME, false },
  { "creation_timestamp", "created_at_ms", SEARCH_INT64, false, true, REGISTERED_MODEL_ATTRIBUTE_CREATED, true },
  { "last_updated_timestamp", "updated_at_ms", SEARCH_INT64, false, true, REGISTERED_MODEL_ATTRIBUTE_UPDATED, true },
  { "timestamp", "updated_at_ms", SEARCH_INT64, false, true, REGISTERED_MODEL_ATTRIBUTE_UPDATED, true },
};

const struct search_resource search_registered_models = {
  .name = "registered models",
  .attributes = model_attributes,
  .attribute_count = COUNT (model_attributes),
  .aliases = tag_aliases,
  .alias_count = COUNT (tag_aliases),
  .abilities = { [SEARCH_ATTRIBUTE] = BOTH, [SEARCH_TAG] = SEARCH_CAN_FILTER },
  .entities = TAG_ENTITIES,
};

/* Over model_version AS v and registered_model AS m. */
static const struct search_attribute version_attributes[] = {
  { "name", "m.name", SEARCH_TEXT, false, false, MODEL_VERSION_ATTRIBUTE_NAME, false },
  { "version_number", "v.version", SEARCH_INT64, false, false, MODEL_VERSION_ATTRIBUTE_VERSION, false },
  { "run_id", "v.run_id", SEARCH_TEXT, true, false, MODEL_VERSION_ATTRIBUTE_RUN, false },
  { "source_path", "v.source", SEARCH_TEXT, true, false, MODEL_VERSION_ATTRIBUTE_SOURCE, false },
  { "creation_timestamp", "v.created_at_ms", SEARCH_INT64, false, true, MODEL_VERSION_ATTRIBUTE_CREATED, true },
  { "last_updated_timestamp", "v.updated_at_ms", SEARCH_INT64, false, true, MODEL_VERSION_ATTRIBUTE_UPDATED, true },
};

const struct search_resource search_model_versions = {
  .name = "model versions",
  .attributes = version_attributes,
  .attribute_count = COUNT (version_attributes),
  .aliases = tag_aliases,
  .alias_count = COUNT (tag_aliases),
  .abilities = { [SEARCH_ATTRIBUTE] = BOTH, [SEARCH_TAG] = SEARCH_CAN_FILTER },
  .entities = TAG_ENTITIES,
};

#define MODEL_STATUS_NAME                                                                                              \
  "(ARRAY['LOGGED_MODEL_STATUS_UNSPECIFIED', 'LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY',"                            \
  " 'LOGGED_MODEL_UPLOAD_FAILED'])[status + 1] COLLATE \"C\""

static const struct search_attribute logged_model_attributes[] = {
  { "name", "name", SEARCH_TEXT, false, false, LOGGED_MODEL_ATTRIBUTE_NAME, false },
  { "model_id", "model_id", SEARCH_TEXT, false, false, LOGGED_MODEL_ATTRIBUTE_ID, false },
  { "model_type", "model_type", SEARCH_TEXT, false, false, LOGGED_MODEL_ATTRIBUTE_TYPE, false },
  { "status", MODEL_STATUS_NAME, SEARCH_TEXT, false, false, LOGGED_MODEL_ATTRIBUTE_STATUS, false },
  { "source_run_id", "source_run_id", SEARCH_TEXT, false, false, LOGGED_MODEL_ATTRIBUTE_SOURCE_RUN, false },
  { "creation_time", "created_at_ms", SEARCH_INT64, false, true, LOGGED_MODEL_ATTRIBUTE_CREATED, false },
  { "creation_timestamp", "created_at_ms", SEARCH_INT64, false, true, LOGGED_MODEL_ATTRIBUTE_CREATED, false },
  { "creation_timestamp_ms", "created_at_ms", SEARCH_INT64, false, true, LOGGED_MODEL_ATTRIBUTE_CREATED, false },
  { "last_updated_timestamp", "updated_at_ms", SEARCH_INT64, false, true, LOGGED_MODEL_ATTRIBUTE_UPDATED, false },
  { "last_updated_timestamp_ms", "updated_at_ms", SEARCH_INT64, false, true, LOGGED_MODEL_ATTRIBUTE_UPDATED, false },
};

static const struct search_alias logged_model_aliases[] = {
  { "attributes", SEARCH_ATTRIBUTE },
  { "metrics", SEARCH_METRIC },
  { "params", SEARCH_PARAM },
  { "tags", SEARCH_TAG },
};

const struct search_resource search_logged_models = {
  .name = "logged models",
  .attributes = logged_model_attributes,
  .attribute_count = COUNT (logged_model_attributes),
  .aliases = logged_model_aliases,
  .alias_count = COUNT (logged_model_aliases),
  .abilities = { [SEARCH_ATTRIBUTE] = BOTH,
                 [SEARCH_METRIC] = BOTH,
                 [SEARCH_PARAM] = SEARCH_CAN_FILTER,
                 [SEARCH_TAG] = SEARCH_CAN_FILTER },
  .entities = "Expected one of ['attributes', 'metrics', 'params', 'tags'].",
};

const struct search_attribute *
search_attribute_find (const struct search_resource *resource, struct slice name)
{
  for (size_t i = 0; i < resource->attribute_count; i++)
    if (NULL != resource->attributes[i].name && slice_is (name, resource->attributes[i].name))
      return &resource->attributes[i];
  return NULL;
}

/* Attributes of the same number are the same under two names. */
static bool
same_attribute (const struct search_attribute *a, const struct search_attribute *b)
{
  return a == b || (NULL != a && NULL != b && a->number == b->number);
}

bool
search_field_same (const struct search_field *a, const struct search_field *b)
{
  return a->entity == b->entity && same_attribute (a->attribute, b->attribute) && slice_equal (a->key, b->key)
         && a->as_number == b->as_number && a->part == b->part
         && (NULL == a->part_key.data) == (NULL == b->part_key.data);
}

static size_t
skip_digits (struct slice text, size_t at)
{
  while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9')
    at++;
  return at;
}

/* Whether a text is a decimal number, also one that no double can hold. */
static bool
is_decimal (struct slice text)
{
  size_t at = text.len > 0 && ('-' == text.data[0] || '+' == text.data[0]);
  size_t end = skip_digits (text, at);
  size_t digits = end - at;

  if (end < text.len && '.' == text.data[end])
  {
    at = end + 1;
    end = skip_digits (text, at);
    digits += end - at;
  }
  if (0 == digits)
    return false;
  if (end < text.len && ('e' == text.data[end] || 'E' == text.data[end]))
  {
    at = end + 1;
    at += at < text.len && ('-' == text.data[at] || '+' == text.data[at]);
    end = skip_digits (text, at);
    if (end == at)
      return false;
  }
  return end == text.len;
}

bool
search_number (double *out, struct slice text)
{
  static const struct slice infinities[] = { SLICE ("inf"), SLICE ("infinity") };
  struct slice rest;
  bool negative;

  while (text.len > 0 && NULL != memchr (" \t\r\n", text.data[0], 4))
    text = (struct slice){ text.data + 1, text.len - 1 };
  while (text.len > 0 && NULL != memchr (" \t\r\n", text.data[text.len - 1], 4))
    text.len--;
  if (number_parse_double (text, out))
    return true;
  if (0 == text.len)
    return false;
  negative = '-' == text.data[0];
  if (is_decimal (text))
  {
    *out = negative ? -INFINITY : INFINITY;
    return true;
  }
  rest = negative || '+' == text.data[0] ? (struct slice){ text.data + 1, text.len - 1 } : text;
  if (3 == rest.len && 0 == strncasecmp (rest.data, "nan", 3))
  {
    *out = NAN;
    return true;
  }
  for (size_t i = 0; i < COUNT (infinities); i++)
    if (rest.len == infinities[i].len && 0 == strncasecmp (rest.data, infinities[i].data, rest.len))
    {
      *out = negative ? -INFINITY : INFINITY;
      return true;
    }
  return false;
}
