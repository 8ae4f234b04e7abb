/* Registered models: create, read, rename, describe, delete, tags. */
#include "api/registered_model.h"

#include "access/access.h"
#include "api/registered_model_document.h"
#include "api/registry.h"
#include "registry/model.h"

/* The tag by which clients tell prompts from models. */
#define PROMPT_TAG "mlflow.prompt.is_prompt"

struct create_request
{
  struct slice name;
  struct objects tags;
  struct slice description;
};

static const struct field create_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct create_request, name) },
  { .name = "tags",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct create_request, tags),
    .schema = &key_value_schema },
  { .name = "description", .type = FIELD_STRING, .offset = offsetof (struct create_request, description) },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

/* Of a tag given twice the last counts. */
static bool
is_prompt (const struct key_value *tags, size_t count)
{
  for (size_t i = count; i > 0; i--)
    if (slice_is (tags[i - 1].key, PROMPT_TAG))
      return slice_is (tags[i - 1].value, "true");
  return false;
}

/* An empty description is none: MLflow shows both the same way. */
static struct slice
description_of (struct slice text)
{
  return text.len > 0 ? text : (struct slice){ NULL, 0 };
}

/* One change and its answer. */
struct answered
{
  struct api_call *call;
  registry_work *work;
  void *context;
  struct slice name; /* absent: the answer is {} */
};

/* The model is shown as the change leaves it. Afterwards another caller might have renamed or deleted it, and who made
   it would hear that it is not there. */
static enum err_code
work_and_reply (struct registry_change *change, void *context, struct err *err)
{
  const struct answered *answered = context;
  enum err_code code = answered->work (change, answered->context, err);

  buffer_clear (&answered->call->reply);
  return ERR_OK == code && NULL != answered->name.data ? registered_model_reply (answered->call, answered->name, err)
                                                       : code;
}

/* Run one change and answer with the model as it is then. */
static enum err_code
change_and_reply (struct api_call *call, registry_work *work, void *context, struct slice name, struct err *err)
{
  struct answered answered = { call, work, context, name };
  struct registry_change change;
  struct registry_actor actor;

  api_registry_begin (&change, &actor, call);
  return api_registry_run (&change, call, work_and_reply, &answered, err);
}

enum err_code
api_registered_model_create (struct api_call *call, struct err *err)
{
  struct create_request request;
  struct registry_new_model fresh;
  const struct key_value *tags;
  enum err_code code = api_decode (&request, call, &create_schema, err);

  if (ERR_OK != code)
    return code;
  tags = request.tags.items;
  code = api_registry_check_name (request.name, "name", call->arena, err);
  if (ERR_OK == code)
    code = api_registry_check_tags (tags, request.tags.count, call->arena, err);
  if (ERR_OK == code)
    code = api_registry_check_description (request.description, err);
  if (ERR_OK != code)
    return code;
  fresh = (struct registry_new_model){ .name = request.name,
                                       .description = description_of (request.description),
                                       .tags = api_pairs_object (tags, request.tags.count, 0, call->arena),
                                       .is_prompt = is_prompt (tags, request.tags.count) };
  if (NULL == fresh.tags.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return change_and_reply (call, registry_model_create, &fresh, request.name, err);
}

struct name_request
{
  struct slice name;
};

static const struct field name_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct name_request, name) },
};

static const struct schema name_schema = SCHEMA (name_fields, struct name_request);

static enum err_code
decode_name (struct slice *name, struct api_call *call, struct err *err)
{
  struct name_request request;
  enum err_code code = api_decode (&request, call, &name_schema, err);

  *name = request.name;
  return ERR_OK == code ? api_registry_check_name (request.name, "name", call->arena, err) : code;
}

enum err_code
api_registered_model_get (struct api_call *call, struct err *err)
{
  struct slice name;
  enum err_code code = decode_name (&name, call, err);

  return ERR_OK == code ? registered_model_reply (call, name, err) : code;
}

enum err_code
api_registered_model_delete (struct api_call *call, struct err *err)
{
  struct slice name;
  enum err_code code = decode_name (&name, call, err);

  if (ERR_OK == code)
    code = change_and_reply (call, registry_model_delete, &name, (struct slice){ NULL, 0 }, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return code;
}

static const struct field rename_fields[] = {
  { .name = "name",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct registry_model_rename, name) },
  { .name = "new_name",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct registry_model_rename, new_name) },
};

static const struct schema rename_schema = SCHEMA (rename_fields, struct registry_model_rename);

enum err_code
api_registered_model_rename (struct api_call *call, struct err *err)
{
  struct registry_model_rename wanted;
  enum err_code code = api_decode (&wanted, call, &rename_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_name (wanted.new_name, "new_name", call->arena, err);
  if (ERR_OK == code)
    code = api_registry_check_name (wanted.name, "name", call->arena, err);
  if (ERR_OK == code)
    code = change_and_reply (call, registry_model_rename, &wanted, wanted.new_name, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return code;
}

static const struct field describe_fields[] = {
  { .name = "name",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct registry_model_describe, name) },
  { .name = "description", .type = FIELD_STRING, .offset = offsetof (struct registry_model_describe, description) },
};

static const struct schema describe_schema = SCHEMA (describe_fields, struct registry_model_describe);

enum err_code
api_registered_model_update (struct api_call *call, struct err *err)
{
  struct registry_model_describe wanted;
  enum err_code code = api_decode (&wanted, call, &describe_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_name (wanted.name, "name", call->arena, err);
  if (ERR_OK == code)
    code = api_registry_check_description (wanted.description, err);
  if (ERR_OK != code)
    return code;
  wanted.description = description_of (wanted.description);
  return change_and_reply (call, registry_model_describe, &wanted, wanted.name, err);
}

static const struct field tag_fields[] = {
  { .name = "name",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct registry_model_tag, name) },
  { .name = "key",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED | FIELD_NUL,
    .offset = offsetof (struct registry_model_tag, key) },
  { .name = "value", .type = FIELD_STRING, .offset = offsetof (struct registry_model_tag, value) },
};

static const struct schema tag_schema = SCHEMA (tag_fields, struct registry_model_tag);
/* delete-tag takes the first two only. */
static const struct schema delete_tag_schema = { tag_fields, 2, sizeof (struct registry_model_tag) };

static enum err_code
change_tag (struct api_call *call, const struct schema *schema, struct slice missing_value, struct err *err)
{
  struct registry_model_tag wanted;
  enum err_code code = api_decode (&wanted, call, schema, err);

  if (ERR_OK == code)
    code = api_registry_check_name (wanted.name, "name", call->arena, err);
  if (ERR_OK == code)
    code = api_registry_check_tag (wanted.key, wanted.value, call->arena, err);
  if (ERR_OK != code)
    return code;
  if (NULL == wanted.value.data)
    wanted.value = missing_value;
  return change_and_reply (call, registry_model_tag, &wanted, (struct slice){ NULL, 0 }, err);
}

enum err_code
api_registered_model_set_tag (struct api_call *call, struct err *err)
{
  return change_tag (call, &tag_schema, SLICE (""), err);
}

enum err_code
api_registered_model_delete_tag (struct api_call *call, struct err *err)
{
  return change_tag (call, &delete_tag_schema, (struct slice){ NULL, 0 }, err);
}
