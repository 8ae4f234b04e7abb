/* model-versions/create. */
#include "api/model_version.h"

#include "api/model_version_document.h"
#include "api/model_version_source.h"
#include "api/names.h"
#include "api/registry.h"
#include "registry/version.h"

#include <strings.h>

/* Limits in characters. Sources: a location of artifacts (LOCATION_MAX), and as much for the path in it. Links: the
   column of MLflow's database. */
#define SOURCE_MAX 4096
#define RUN_LINK_MAX 500

struct create_request
{
  struct slice name;
  struct slice source;
  struct slice run_id;
  struct slice run_link;
  struct slice description;
  struct slice model_id;
  struct objects tags;
};

static const struct field create_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct create_request, name) },
  { .name = "source",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct create_request, source) },
  { .name = "run_id", .type = FIELD_STRING, .offset = offsetof (struct create_request, run_id) },
  { .name = "run_link", .type = FIELD_STRING, .offset = offsetof (struct create_request, run_link) },
  { .name = "description", .type = FIELD_STRING, .offset = offsetof (struct create_request, description) },
  { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct create_request, model_id) },
  { .name = "tags",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct create_request, tags),
    .schema = &key_value_schema },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

static struct slice
or_empty (struct slice text)
{
  return NULL == text.data ? SLICE ("") : text;
}

/* Versions of prompts say so themselves; of a tag given twice the last counts. */
static bool
is_prompt (const struct key_value *tags, size_t count)
{
  for (size_t i = count; i > 0; i--)
    if (slice_is (tags[i - 1].key, "mlflow.prompt.is_prompt"))
      return strlen ("true") == tags[i - 1].value.len
             && 0 == strncasecmp (tags[i - 1].value.data, "true", tags[i - 1].value.len);
  return false;
}

static enum err_code
check_lengths (const struct create_request *request, struct err *err)
{
  enum err_code code = names_check_length (request->source, "source", SOURCE_MAX, err);

  if (ERR_OK == code)
    code = names_check_length (request->run_id, "run_id", MODEL_ID_MAX, err);
  if (ERR_OK == code)
    code = names_check_length (request->model_id, "model_id", MODEL_ID_MAX, err);
  if (ERR_OK == code)
    code = names_check_length (request->run_link, "run_link", RUN_LINK_MAX, err);
  if (ERR_OK == code)
    code = api_registry_check_description (request->description, err);
  return code;
}

static enum err_code
fill (struct store_new_model_version *fresh, bool *links_model, const struct create_request *request,
      struct api_call *call, struct err *err)
{
  struct model_version_source source = { .source = request->source,
                                         .run_id = request->run_id,
                                         .model_id = request->model_id };
  enum err_code code =
      model_version_source_check (&source, call, is_prompt (request->tags.items, request->tags.count), err);

  *links_model = source.links_model;
  *fresh = (struct store_new_model_version){
    .description = or_empty (request->description),
    .source = source.source,
    .storage_location = source.storage_location,
    .run_id = or_empty (source.run_id),
    .model_id = or_empty (source.model_id),
    .run_link = or_empty (request->run_link),
    .tags = api_pairs_object (request->tags.items, request->tags.count, 0, call->arena),
  };
  if (ERR_OK == code && arena_overflowed (call->arena))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return code;
}

enum err_code
api_model_version_create (struct api_call *call, struct err *err)
{
  struct create_request request;
  struct registry_change change;
  struct registry_actor actor;
  struct registry_version version = { .links_model = false };
  enum err_code code = api_decode (&request, call, &create_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_name (request.name, "name", call->arena, err);
  if (ERR_OK == code)
    code = api_registry_check_tags (request.tags.items, request.tags.count, call->arena, err);
  if (ERR_OK == code)
    code = check_lengths (&request, err);
  if (ERR_OK == code)
    code = fill (&version.fresh, &version.links_model, &request, call, err);
  if (ERR_OK != code)
    return code;
  api_registry_begin (&change, &actor, call);
  version.name = request.name;
  version.fresh.user_id = actor.name;
  code = api_registry_run (&change, call, registry_version_create, &version, err);
  if (ERR_OK == code)
    code = model_version_reply (call, &version.row, err);
  result_free (&version.result);
  return code;
}
