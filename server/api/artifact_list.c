/* Artifacts: what directories hold. */
#include "api/artifact.h"

#include "api/artifact_path.h"
#include "api/artifact_root.h"
#include "api/decode.h"
#include "api/json.h"
#include "base/token.h"
#include "store/artifact.h"

/* Entries of one page of browsing, unless the request says otherwise, and at most. */
#define PAGE_DEFAULT 1000
#define PAGE_MAX 10000

/* Who writes entries as they come. */
struct listing
{
  struct api_call *call;
  struct json_write w;
  struct slice prefix; /* in front of the names: the directory as the client knows it; "" for none */
  bool with_contents; /* digest, type and time too */
  int64_t left; /* entries that still belong to the page; -1: all do */
  struct slice last; /* the last entry of a full page that another one follows; absent: there is none */
  struct slice last_seen;
  bool any;
};

static enum err_code
write_entry (void *context, const struct store_artifact_entry *entry, struct err *err)
{
  struct listing *listing = context;
  struct json_write *w = &listing->w;
  char digest[DIGEST_TEXT_BYTES];
  struct slice path = entry->name;
  struct arena_mark mark = arena_mark (listing->call->arena);

  if (0 == listing->left)
  {
    listing->last = listing->last_seen;
    return ERR_OK;
  }
  if (listing->prefix.len > 0)
    path = slice_of (
        arena_printf (listing->call->arena, "%.*s/%.*s", SLICE_ARG (listing->prefix), SLICE_ARG (entry->name)));
  if (NULL == path.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (! listing->any)
  {
    json_write_key (w, "files");
    json_write_array (w);
  }
  listing->any = true;
  json_write_object (w);
  json_write_member_string (w, "path", path);
  json_write_member_bool (w, "is_dir", entry->is_directory);
  if (! entry->is_directory)
    json_write_member_int64 (w, "file_size", entry->file.size_bytes);
  if (! entry->is_directory && listing->with_contents)
  {
    digest_format (digest, &entry->file.digest);
    json_write_member_text (w, "sha256", digest);
    json_write_member_text (w, "content_type", artifact_media_type (entry->name));
    json_write_member_int64 (w, "created_at", entry->file.created_at_ms);
  }
  json_write_object_end (w);
  arena_rewind (listing->call->arena, &mark);
  if (1 == listing->left)
  {
    const char *name =
        arena_printf (listing->call->arena, "%.*s%s", SLICE_ARG (entry->name), entry->is_directory ? "/" : "");

    if (NULL == name)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    listing->last_seen = slice_of (name);
  }
  listing->left -= listing->left > 0;
  return api_reply_check (listing->call, err);
}

/* Write "files", when there are any, and what else the answer has. */
static enum err_code
answer (struct listing *listing, struct slice directory, struct slice after, struct slice root_uri, struct err *err)
{
  struct api_call *call = listing->call;
  struct slice token = { NULL, 0 };
  enum err_code code;

  api_reply_start (&listing->w, call);
  if (NULL != root_uri.data)
    json_write_member_string (&listing->w, "root_uri", root_uri);
  code = store_artifact_list (call->connection, directory, after, listing->left < 0 ? INT64_MAX : listing->left + 1,
                              write_entry, listing, call->arena, err);
  if (ERR_OK != code)
    return code;
  if (listing->any)
    json_write_array_end (&listing->w);
  if (NULL != listing->last.data)
  {
    struct buffer text;
    struct json_write w;

    buffer_init (&text, 8 * listing->last.len + 64);
    json_write_init (&w, &text);
    json_write_object (&w);
    json_write_member_string (&w, "after", listing->last);
    json_write_object_end (&w);
    token = text.failed ? token : token_make (text.data, call->arena);
    buffer_free (&text);
    if (NULL == token.data)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    json_write_member_string (&listing->w, "next_page_token", token);
  }
  return api_reply_end (&listing->w, call, err);
}

/* --- MLflow's lists: all of a directory --------------------------------------------------------------------------- */

struct list_request
{
  struct slice run_id;
  struct slice model_id;
  struct slice path;
  struct slice page_token;
  struct optional_int64 max_results;
};

/* Names without their directory. */
enum err_code
api_artifact_list (struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "path", .type = FIELD_STRING, .offset = offsetof (struct list_request, path) }
  };
  static const struct schema schema = SCHEMA (fields, struct list_request);
  struct listing listing = { .call = call, .left = -1 };
  struct list_request request;
  struct slice path;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code)
    code = artifact_path_check (&path, request.path, "path", true, call->arena, err);
  return ERR_OK == code ? answer (&listing, path, (struct slice){ NULL, 0 }, (struct slice){ NULL, 0 }, err) : code;
}

static enum err_code
list_below (struct api_call *call, const struct artifact_root *root, struct slice given, const char *field,
            struct err *err)
{
  struct listing listing = { .call = call, .left = -1 };
  struct slice path;
  enum err_code code = artifact_root_path (&path, &listing.prefix, root, given, field, true, call->arena, err);

  return ERR_OK == code ? answer (&listing, path, (struct slice){ NULL, 0 }, root->uri, err) : code;
}

enum err_code
api_artifact_list_of_run (struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "run_id",
      .type = FIELD_STRING,
      .flags = FIELD_REQUIRED,
      .offset = offsetof (struct list_request, run_id),
      .deprecated_name = "run_uuid" },
    { .name = "path", .type = FIELD_STRING, .offset = offsetof (struct list_request, path) },
  };
  static const struct schema schema = SCHEMA (fields, struct list_request);
  struct list_request request;
  struct artifact_root root;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code)
    code = artifact_root_of_run (&root, call, request.run_id, err);
  return ERR_OK == code ? list_below (call, &root, request.path, "path", err) : code;
}

enum err_code
api_artifact_list_of_model (struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "artifact_directory_path", .type = FIELD_STRING, .offset = offsetof (struct list_request, path) }
  };
  static const struct schema schema = SCHEMA (fields, struct list_request);
  struct list_request request;
  struct artifact_root root;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code)
    code = artifact_root_of_model (&root, call, call->path_values[0], err);
  return ERR_OK == code ? list_below (call, &root, request.path, "artifact_directory_path", err) : code;
}

/* --- browsing: page by page, with contents ------------------------------------------------------------------------ */

/* The entry that the page before ended with. */
static enum err_code
read_token (struct slice *after, struct slice token, struct arena *arena, struct err *err)
{
  json_t *object;
  json_t *member;

  if (0 == token.len)
    return ERR_OK;
  object = token_open (token, arena);
  member = json_object_get (object, "after");
  if (json_is_string (member) && json_string_length (member) > 0
      && json_string_length (member) <= STORE_ARTIFACT_PATH_MAX_BYTES)
    *after = slice_of (arena_copy (arena, json_string_value (member), json_string_length (member)));
  json_decref (object);
  return NULL == after->data ? err_set (err, ERR_INVALID_PARAMETER_VALUE,
                                        "Invalid page token: page_token is none that this server gave.")
                             : ERR_OK;
}

enum err_code
api_artifact_browse (struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "run_id", .type = FIELD_STRING, .offset = offsetof (struct list_request, run_id) },
    { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct list_request, model_id) },
    { .name = "path", .type = FIELD_STRING, .offset = offsetof (struct list_request, path) },
    { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct list_request, page_token) },
    { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct list_request, max_results) },
  };
  static const struct schema schema = SCHEMA (fields, struct list_request);
  struct listing listing = { .call = call, .with_contents = true, .left = PAGE_DEFAULT };
  struct artifact_root root = { .uri = { NULL, 0 } };
  struct slice after = { NULL, 0 };
  struct list_request request;
  struct slice path;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code && request.run_id.len > 0 && request.model_id.len > 0)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "At most one of run_id and model_id may be given.");
  if (ERR_OK == code && request.max_results.present
      && (request.max_results.value < 1 || request.max_results.value > PAGE_MAX))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %lld for parameter 'max_results' supplied: it must be from 1 to %d.",
                    (long long)request.max_results.value, PAGE_MAX);
  if (ERR_OK == code)
    code = read_token (&after, request.page_token, call->arena, err);
  if (ERR_OK == code && request.run_id.len > 0)
    code = artifact_root_of_run (&root, call, request.run_id, err);
  else if (ERR_OK == code && request.model_id.len > 0)
    code = artifact_root_of_model (&root, call, request.model_id, err);
  if (ERR_OK == code)
    code = artifact_root_path (&path, &listing.prefix, &root, request.path, "path", true, call->arena, err);
  if (ERR_OK == code && request.max_results.present)
    listing.left = request.max_results.value;
  return ERR_OK == code ? answer (&listing, path, after, root.uri, err) : code;
}
