/* Data sets and models of runs: link inputs and outputs, list the data sets of experiments. */
#include "api/dataset.h"

#include "api/gate.h"
#include "api/json.h"
#include "api/names.h"
#include "api/run.h"
#include "base/number.h"
#include "store/dataset.h"

/* Data sets, and models, of one request; MLflow's client never sends more. */
#define LINKS_MAX 1000
/* Experiments of one search and data sets of its answer; MLflow's. */
#define SEARCH_EXPERIMENTS_MAX 20
#define SEARCH_RESULTS_MAX 1000

struct dataset_request
{
  struct slice name;
  struct slice digest;
  struct slice source_type;
  struct slice source;
  struct slice schema;
  struct slice profile;
};

#define REQUIRED_TEXT(member)                                                                                          \
  {                                                                                                                    \
    .name = #member, .type = FIELD_STRING, .flags = FIELD_REQUIRED,                                                    \
    .offset = offsetof (struct dataset_request, member)                                                                \
  }

static const struct field dataset_fields[] = {
  REQUIRED_TEXT (name),
  REQUIRED_TEXT (digest),
  REQUIRED_TEXT (source_type),
  REQUIRED_TEXT (source),
  { .name = "schema", .type = FIELD_STRING, .offset = offsetof (struct dataset_request, schema) },
  { .name = "profile", .type = FIELD_STRING, .offset = offsetof (struct dataset_request, profile) },
};

static const struct schema dataset_schema = SCHEMA (dataset_fields, struct dataset_request);

static const struct field input_tag_fields[] = {
  { .name = "key", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct key_value, key) },
  { .name = "value",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED | FIELD_EMPTY,
    .offset = offsetof (struct key_value, value) },
};

static const struct schema input_tag_schema = SCHEMA (input_tag_fields, struct key_value);

struct input_request
{
  struct objects tags; /* struct key_value */
  struct dataset_request *dataset;
};

static const struct field input_fields[] = {
  { .name = "tags",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct input_request, tags),
    .schema = &input_tag_schema },
  { .name = "dataset",
    .type = FIELD_OBJECT,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct input_request, dataset),
    .schema = &dataset_schema },
};

static const struct schema input_schema = SCHEMA (input_fields, struct input_request);

struct model_request
{
  struct slice model_id;
  struct optional_int64 step;
};

static const struct field model_fields[] = {
  { .name = "model_id",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct model_request, model_id) },
  { .name = "step", .type = FIELD_INT64, .flags = FIELD_REQUIRED, .offset = offsetof (struct model_request, step) },
};

static const struct schema output_model_schema = SCHEMA (model_fields, struct model_request);
/* Inputs have no step. */
static const struct schema input_model_schema = { model_fields, 1, sizeof (struct model_request) };

struct inputs_request
{
  struct slice run_id;
  struct objects datasets; /* struct input_request */
  struct objects models; /* struct model_request */
};

static const struct field inputs_fields[] = {
  RUN_ID_FIELD (struct inputs_request),
  { .name = "datasets",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct inputs_request, datasets),
    .schema = &input_schema },
  { .name = "models",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct inputs_request, models),
    .schema = &input_model_schema },
};

static const struct schema inputs_schema = SCHEMA (inputs_fields, struct inputs_request);

static const struct field outputs_fields[] = {
  RUN_ID_FIELD (struct inputs_request),
  { .name = "models",
    .type = FIELD_OBJECTS,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct inputs_request, models),
    .schema = &output_model_schema },
};

static const struct schema outputs_schema = SCHEMA (outputs_fields, struct inputs_request);

static enum err_code
check_dataset (const struct dataset_request *dataset, struct err *err)
{
  const struct
  {
    struct slice text;
    const char *what;
    size_t max;
  } rules[] = {
    { dataset->name, "name", DATASET_NAME_MAX },
    { dataset->digest, "digest", DATASET_DIGEST_MAX },
    { dataset->source_type, "source_type", DATASET_SOURCE_TYPE_MAX },
    { dataset->source, "source", DATASET_SOURCE_MAX },
    { dataset->schema, "schema", DATASET_SCHEMA_MAX },
    { dataset->profile, "profile", DATASET_PROFILE_MAX },
  };
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < sizeof (rules) / sizeof (rules[0]); i++)
    code = names_check_length (rules[i].text, rules[i].what, rules[i].max, err);
  return code;
}

static enum err_code
check_tags (const struct key_value *tags, size_t count, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = names_check_length (tags[i].key, "key", INPUT_TAG_KEY_MAX, err);
    if (ERR_OK == code)
      code = names_check_length (tags[i].value, "value", INPUT_TAG_VALUE_MAX, err);
  }
  return code;
}

static enum err_code
convert_datasets (struct store_dataset **out, const struct objects *inputs, struct arena *arena, struct err *err)
{
  const struct input_request *requests = inputs->items;
  struct store_dataset *datasets = arena_array (arena, inputs->count, sizeof (struct store_dataset));
  enum err_code code = ERR_OK;

  if (NULL == datasets)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < inputs->count; i++)
  {
    const struct dataset_request *dataset = requests[i].dataset;

    code = check_dataset (dataset, err);
    if (ERR_OK == code)
      code = check_tags (requests[i].tags.items, requests[i].tags.count, err);
    datasets[i] = (struct store_dataset){
      dataset->name,
      dataset->digest,
      dataset->source_type,
      dataset->source,
      dataset->schema,
      dataset->profile,
      api_pairs_object (requests[i].tags.items, requests[i].tags.count, 0, arena),
    };
    if (ERR_OK == code && NULL == datasets[i].tags.data)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  *out = datasets;
  return code;
}

/* Of models that are named twice the last counts. */
static enum err_code
convert_models (struct store_model_link **out, size_t *count, const struct objects *models, struct arena *arena,
                struct err *err)
{
  const struct model_request *requests = models->items;
  struct store_model_link *links = arena_array (arena, models->count, sizeof (struct store_model_link));

  *count = 0;
  if (NULL == links)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < models->count; i++)
  {
    size_t at = 0;

    while (at < *count && ! slice_equal (links[at].model_id, requests[i].model_id))
      at++;
    if (at == *count)
      (*count)++;
    links[at] = (struct store_model_link){ requests[i].model_id, requests[i].step.value };
  }
  *out = links;
  return ERR_OK;
}

/* Who links a model may read it. */
static enum err_code
require_models (struct api_call *call, const struct store_model_link *links, size_t count, struct err *err)
{
  struct slice *model_ids = arena_array (call->arena, count, sizeof (struct slice));

  if (NULL == model_ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
    model_ids[i] = links[i].model_id;
  return gate_require_models (call, model_ids, count, PERMISSION_READ, err);
}

static enum err_code
link_run (struct api_call *call, const struct schema *schema, bool outputs, struct err *err)
{
  struct inputs_request request;
  struct store_dataset *datasets = NULL;
  struct store_model_link *models = NULL;
  size_t model_count = 0;
  struct uuid run_id;
  bool changed = false;
  enum err_code code = api_decode (&request, call, schema, err);

  if (ERR_OK == code && ! outputs)
    code = api_run_check_shape (request.run_id, call->arena, err);
  if (ERR_OK == code && (request.datasets.count > LINKS_MAX || request.models.count > LINKS_MAX))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "A request can link at most %d datasets and %d models. Got %zu datasets and %zu models.", LINKS_MAX,
                    LINKS_MAX, request.datasets.count, request.models.count);
  if (ERR_OK == code)
    code = convert_datasets (&datasets, &request.datasets, call->arena, err);
  if (ERR_OK == code)
    code = convert_models (&models, &model_count, &request.models, call->arena, err);
  if (ERR_OK == code)
    code = api_run_id (&run_id, request.run_id, err);
  if (ERR_OK == code)
    code = require_models (call, models, model_count, err);
  if (ERR_OK == code)
    code = store_run_link (&changed, call->connection, &run_id, datasets, request.datasets.count, models, model_count,
                           outputs, call->arena, err);
  return ERR_OK != code || changed ? code : api_run_not_active (call, &run_id, err);
}

enum err_code
api_run_log_inputs (struct api_call *call, struct err *err)
{
  return link_run (call, &inputs_schema, false, err);
}

enum err_code
api_run_outputs (struct api_call *call, struct err *err)
{
  return link_run (call, &outputs_schema, true, err);
}

struct search_request
{
  struct slices experiment_ids;
};

static const struct field search_fields[] = {
  { .name = "experiment_ids", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, experiment_ids) },
};

static const struct schema search_schema = SCHEMA (search_fields, struct search_request);

struct summary_writer
{
  struct json_write w;
  bool any;
};

static enum err_code
write_summary (void *context, const struct store_dataset_summary *summary, struct err *err)
{
  struct summary_writer *writer = context;
  struct json_write *w = &writer->w;
  char id[NUMBER_INT64_BYTES];

  (void)err;
  if (! writer->any)
  {
    json_write_key (w, "dataset_summaries");
    json_write_array (w);
    writer->any = true;
  }
  number_format_int64 (id, summary->experiment_id);
  json_write_object (w);
  json_write_member_text (w, "experiment_id", id);
  json_write_member_string (w, "name", summary->name);
  json_write_member_string (w, "digest", summary->digest);
  if (NULL != summary->context.data)
    json_write_member_string (w, "context", summary->context);
  json_write_object_end (w);
  return ERR_OK;
}

enum err_code
api_dataset_search (struct api_call *call, struct err *err)
{
  struct search_request request;
  struct summary_writer writer = { .any = false };
  int64_t ids[SEARCH_EXPERIMENTS_MAX];
  size_t count = 0;
  enum err_code code = api_decode (&request, call, &search_schema, err);

  if (ERR_OK == code && 0 == request.experiment_ids.count)
    code =
        err_set (err, ERR_INVALID_PARAMETER_VALUE, "SearchDatasets request must specify at least one experiment_id.");
  if (ERR_OK == code && request.experiment_ids.count > SEARCH_EXPERIMENTS_MAX)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "SearchDatasets request cannot specify more than %d experiment_ids. Received %zu experiment_ids.",
                    SEARCH_EXPERIMENTS_MAX, request.experiment_ids.count);
  if (ERR_OK != code)
    return code;
  code = names_experiment_ids (ids, &count, request.experiment_ids.items, request.experiment_ids.count, err);
  if (ERR_OK == code)
    code = gate_keep_readable (ids, &count, call, err);
  if (ERR_OK != code)
    return code;
  api_reply_start (&writer.w, call);
  code =
      store_dataset_search (call->connection, ids, count, SEARCH_RESULTS_MAX, write_summary, &writer, call->arena, err);
  if (ERR_OK != code)
    return code;
  if (writer.any)
    json_write_array_end (&writer.w);
  return api_reply_end (&writer.w, call, err);
}
