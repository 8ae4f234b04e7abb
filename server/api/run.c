/* Runs: read, search, change, delete, restore. */
#include "api/run.h"

#include "api/names.h"
#include "api/run_document.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "ingest/metric_flush.h"

#include <ctype.h>
#include <inttypes.h>

enum err_code
api_run_id (struct uuid *run_id, struct slice text, struct err *err)
{
  if (uuid_parse (run_id, text))
    return ERR_OK;
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Run with id=%.*s not found", SLICE_ARG (text));
}

enum err_code
api_run_check_shape (struct slice text, struct arena *arena, struct err *err)
{
  bool fine = text.len > 0 && text.len <= 256 && isalnum ((unsigned char)text.data[0]);

  for (size_t i = 1; i < text.len && fine; i++)
    fine = isalnum ((unsigned char)text.data[i]) || '_' == text.data[i] || '-' == text.data[i];
  if (fine)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid value %s for parameter 'run_id' supplied.",
                  api_python_string (text, arena));
}

enum err_code
api_run_not_active (struct api_call *call, const struct uuid *run_id, struct err *err)
{
  bool exists;
  bool deleted;
  enum err_code code = store_run_state (&exists, &deleted, call->connection, run_id, err);

  /* Restored between the two statements: the caller's next try will find it. */
  if (ERR_OK == code && exists && ! deleted)
    return err_set (err, ERR_RESOURCE_CONFLICT, "The run was just changed by another request; try again.");
  return ERR_OK == code ? metric_run_refused (err, run_id, exists) : code;
}

enum err_code
api_run_limit_value (struct slice *value, const struct api_call *call, const char *what, size_t max, struct err *err)
{
  if (NULL == value->data)
    *value = SLICE ("");
  if (! call->service->config->truncate_long_values)
    return names_check_length (*value, what, max, err);
  if (value->len > max)
    *value = utf8_cut (*value, max);
  return ERR_OK;
}

struct id_request
{
  struct slice run_id;
};

static const struct field id_fields[] = { RUN_ID_FIELD (struct id_request) };
static const struct schema id_schema = SCHEMA (id_fields, struct id_request);

static enum err_code
decode_id (struct uuid *run_id, struct api_call *call, struct err *err)
{
  struct id_request request;
  enum err_code code = api_decode (&request, call, &id_schema, err);

  return ERR_OK == code ? api_run_id (run_id, request.run_id, err) : code;
}

static enum err_code
not_found (struct err *err, const struct uuid *run_id)
{
  return metric_run_refused (err, run_id, false);
}

struct get_call
{
  struct api_call *call;
  const struct uuid *run_id;
};

static enum err_code
get_work (struct store_connection *connection, void *context, struct err *err)
{
  struct get_call *get = context;
  struct api_call *call = get->call;
  struct run_extras extras = { .latest_count = 0 };
  struct result result = { NULL };
  struct store_run run;
  struct json_write w;
  size_t next_latest = 0;
  enum err_code code;

  buffer_clear (&call->reply);
  code = store_run_get (&run, &result, connection, get->run_id, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = not_found (err, get->run_id);
  if (ERR_OK == code)
    code = run_extras_load (&extras, call, &run, 1, &run_projection_everything, err);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "run");
    run_document_write (&w, &run, &extras, 0, &next_latest, &run_projection_everything, call->arena);
    code = api_reply_end (&w, call, err);
  }
  run_extras_free (&extras);
  result_free (&result);
  return code;
}

enum err_code
api_run_reply (struct api_call *call, const struct uuid *run_id, struct err *err)
{
  struct get_call get = { call, run_id };

  return store_transaction (call->connection, STORE_SNAPSHOT, get_work, &get, err);
}

enum err_code
api_run_get (struct api_call *call, struct err *err)
{
  struct uuid run_id;
  enum err_code code = decode_id (&run_id, call, err);

  return ERR_OK == code ? api_run_reply (call, &run_id, err) : code;
}

struct update_request
{
  struct slice run_id;
  struct optional_int64 end_time;
  struct optional_int64 status;
  struct slice run_name;
};

static const struct field update_fields[] = {
  RUN_ID_FIELD (struct update_request),
  { .name = "end_time", .type = FIELD_INT64, .offset = offsetof (struct update_request, end_time) },
  { .name = "status",
    .type = FIELD_ENUM,
    .offset = offsetof (struct update_request, status),
    .names = run_status_names,
    .name_count = RUN_STATUS_COUNT },
  { .name = "run_name", .type = FIELD_STRING, .offset = offsetof (struct update_request, run_name) },
};

static const struct schema update_schema = SCHEMA (update_fields, struct update_request);

enum err_code
api_run_update (struct api_call *call, struct err *err)
{
  struct update_request request;
  struct store_run_change change = { .name = { NULL, 0 } };
  struct store_run run;
  struct result result = { NULL };
  struct uuid run_id;
  struct json_write w;
  bool changed = false;
  enum err_code code = api_decode (&request, call, &update_schema, err);

  if (ERR_OK == code)
    code = api_run_id (&run_id, request.run_id, err);
  if (ERR_OK == code && slice_filled (request.run_name))
  {
    code = api_run_limit_value (&request.run_name, call, "run_name", RUN_TAG_VALUE_MAX, err);
    change.name = request.run_name;
  }
  if (ERR_OK != code)
    return code;
  change.status = request.status;
  change.ended_at_ms = request.end_time;
  code = store_run_update (&changed, &run, &result, call->connection, &run_id, &change, err);
  if (ERR_OK == code && ! changed)
    code = api_run_not_active (call, &run_id, err);
  if (ERR_OK == code && (RUN_FINISHED == run.status || RUN_FAILED == run.status || RUN_KILLED == run.status))
    folder_note_end (call->service->metrics->folder, &run_id);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "run_info");
    run_info_write (&w, &run);
    code = api_reply_end (&w, call, err);
  }
  result_free (&result);
  return code;
}

static enum err_code
set_deleted (struct api_call *call, bool deleted, struct err *err)
{
  struct uuid run_id;
  bool found;
  enum err_code code = decode_id (&run_id, call, err);

  if (ERR_OK == code)
    code = store_run_set_deleted (&found, call->connection, &run_id, deleted, clock_wall_ms (), err);
  return ERR_OK != code || found ? code : not_found (err, &run_id);
}

enum err_code
api_run_delete (struct api_call *call, struct err *err)
{
  return set_deleted (call, true, err);
}

enum err_code
api_run_restore (struct api_call *call, struct err *err)
{
  return set_deleted (call, false, err);
}
