/* Data sets of runs: one element of "datasets" of MLflow's runs/log-inputs each. */
#include "error.h"
#include "handle.h"
#include "name.h"

#include "tally/artifact.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"

#include <string.h>

/* Most JSON of one data set: a record of the spool has 32 MiB. */
#define DATASET_JSON_MAX_BYTES ((size_t)31 << 20)

/* The tag of an input that says what it was used for. */
#define CONTEXT_TAG "mlflow.data.context"

struct texts
{
  struct slice name;
  struct slice digest;
  struct slice source_type;
  struct slice source;
  struct slice schema;
  struct slice profile;
  struct slice context;
};

static enum tally_code
check_optional (struct slice *value, const char *text, size_t max, const char *what, struct tally_error *err)
{
  *value = (struct slice){ NULL, 0 };
  return NULL == text ? TALLY_OK : name_check_value (value, text, max, what, *value, err);
}

static enum tally_code
check_required (struct slice *value, const char *text, size_t max, const char *what, struct tally_error *err)
{
  enum tally_code code = name_check_value (value, text, max, what, (struct slice){ NULL, 0 }, err);

  if (TALLY_OK == code && 0 == value->len)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The %s must not be empty.", what);
  return code;
}

static enum tally_code
check (struct texts *texts, const struct tally_dataset *dataset, const char *context, struct tally_error *err)
{
  enum tally_code code;

  if (NULL == dataset)
    return error_set (err, TALLY_ERROR_ARGUMENT, "dataset must not be NULL.");
  code = check_required (&texts->name, dataset->name, DATASET_NAME_MAX, "name of a data set", err);
  if (TALLY_OK == code)
    code = check_required (&texts->digest, dataset->digest, DATASET_DIGEST_MAX, "digest of a data set", err);
  if (TALLY_OK == code)
    code = check_optional (&texts->source_type, dataset->source_type, DATASET_SOURCE_TYPE_MAX,
                           "source_type of a data set", err);
  if (TALLY_OK == code)
    code = check_optional (&texts->source, dataset->source, DATASET_SOURCE_MAX, "source of a data set", err);
  if (TALLY_OK == code)
    code = check_optional (&texts->schema, dataset->schema, DATASET_SCHEMA_MAX, "schema of a data set", err);
  if (TALLY_OK == code)
    code = check_optional (&texts->profile, dataset->profile, DATASET_PROFILE_MAX, "profile of a data set", err);
  if (TALLY_OK == code)
    code = check_optional (&texts->context, context, INPUT_TAG_VALUE_MAX, "context of a data set", err);
  return code;
}

/* A path or URL becomes what MLflow's sources are: an object with "uri". */
static void
write_source (struct json_write *json, struct slice source)
{
  struct json_write inner;
  struct buffer object;

  if (source.len > 0 && '{' == source.data[0])
  {
    json_write_member_string (json, "source", source);
    return;
  }
  buffer_init (&object, DATASET_JSON_MAX_BYTES);
  json_write_init (&inner, &object);
  json_write_object (&inner);
  json_write_member_string (&inner, "uri", source);
  json_write_object_end (&inner);
  json_write_member_string (json, "source", buffer_slice (&object));
  json->out->failed = json->out->failed || object.failed;
  json->out->out_of_memory = json->out->out_of_memory || object.out_of_memory;
  buffer_free (&object);
}

static void
write_dataset (struct buffer *out, const struct texts *texts)
{
  struct json_write json;

  json_write_init (&json, out);
  json_write_object (&json);
  json_write_key (&json, "tags");
  json_write_array (&json);
  if (NULL != texts->context.data)
  {
    json_write_object (&json);
    json_write_member_text (&json, "key", CONTEXT_TAG);
    json_write_member_string (&json, "value", texts->context);
    json_write_object_end (&json);
  }
  json_write_array_end (&json);
  json_write_key (&json, "dataset");
  json_write_object (&json);
  json_write_member_string (&json, "name", texts->name);
  json_write_member_string (&json, "digest", texts->digest);
  json_write_member_string (&json, "source_type",
                            NULL == texts->source_type.data ? SLICE ("local") : texts->source_type);
  write_source (&json, NULL == texts->source.data ? texts->name : texts->source);
  if (NULL != texts->schema.data)
    json_write_member_string (&json, "schema", texts->schema);
  if (NULL != texts->profile.data)
    json_write_member_string (&json, "profile", texts->profile);
  json_write_object_end (&json);
  json_write_object_end (&json);
}

enum tally_code
tally_log_dataset (struct tally_run *run, const struct tally_dataset *dataset, const char *context,
                   struct tally_error *err)
{
  enum tally_code code = run_check (run, err);
  struct texts texts;
  struct buffer out;

  if (TALLY_OK == code)
    code = check (&texts, dataset, context, err);
  if (TALLY_OK != code)
    return code;
  buffer_init (&out, DATASET_JSON_MAX_BYTES);
  write_dataset (&out, &texts);
  if (out.out_of_memory)
    code = error_memory (err);
  else if (out.failed)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The data set %.*s has more than %zu bytes as JSON.",
                      SLICE_ARG (texts.name), DATASET_JSON_MAX_BYTES);
  else
  {
    struct record record = {
      .kind = RECORD_DATASET, .run = run->key, .time_ms = clock_wall_ms (), .dataset = { buffer_slice (&out) }
    };

    if (! ring_put (run->client->ring, &record))
      code = ring_refuse (run->client->ring, out.len, err);
  }
  buffer_free (&out);
  return code;
}

enum tally_code
tally_dataset_digest_file (char digest[TALLY_DATASET_DIGEST_BYTES], const char *path, struct tally_error *err)
{
  char whole[TALLY_DIGEST_BYTES];
  enum tally_code code = tally_digest_file (whole, path, err);

  if (TALLY_OK != code)
    return code;
  memcpy (digest, whole, TALLY_DATASET_DIGEST_BYTES - 1);
  digest[TALLY_DATASET_DIGEST_BYTES - 1] = '\0';
  return TALLY_OK;
}
