/* Versions of registered models as JSON documents. */
#include "api/model_version_document.h"

#include "base/number.h"

/* Fields that MLflow leaves out when they say nothing. */
static void
write_filled (struct json_write *w, const char *name, struct slice text)
{
  if (slice_filled (text))
    json_write_member_string (w, name, text);
}

/* Aliases are stored as an array of JSON already. */
static void
write_aliases (struct json_write *w, struct slice aliases)
{
  if (aliases.len <= strlen ("[]"))
    return;
  json_write_key (w, "aliases");
  json_write_compact (w, aliases);
}

void
model_version_write (struct json_write *w, const struct store_model_version *version, struct arena *arena)
{
  char number[NUMBER_INT64_BYTES];

  number_format_int64 (number, version->version);
  json_write_object (w);
  json_write_member_string (w, "name", version->name);
  json_write_member_text (w, "version", number);
  json_write_member_int64 (w, "creation_timestamp", version->created_at_ms);
  json_write_member_int64 (w, "last_updated_timestamp", version->updated_at_ms);
  write_filled (w, "user_id", version->user_id);
  json_write_member_text (w, "current_stage", model_stage_names[version->stage]);
  /* An empty description was written; without one there is none. */
  if (NULL != version->description.data)
    json_write_member_string (w, "description", version->description);
  json_write_member_string (w, "source", version->source);
  json_write_member_string (w, "run_id", version->run_id);
  json_write_member_text (w, "status", model_version_status_names[version->status]);
  write_filled (w, "status_message", version->status_message);
  api_write_pairs (w, "tags", version->tags, arena);
  json_write_member_string (w, "run_link", version->run_link);
  write_aliases (w, version->aliases);
  write_filled (w, "model_id", version->model_id);
  json_write_object_end (w);
}

enum err_code
model_version_reply (struct api_call *call, const struct store_model_version *version, struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  json_write_key (&w, "model_version");
  model_version_write (&w, version, call->arena);
  return api_reply_end (&w, call, err);
}
