/* Manifests: which files, with which contents, a run or logged model had at one moment. Source: docs/artifacts.md. */
#include "artifact/manifest.h"

#include "base/json_write.h"

#include <inttypes.h>
#include <jansson.h>

/* Files that are read at a time. */
#define PAGE_FILES 1000
/* A page of the longest paths, and what its statement needs. */
#define PAGE_ARENA_BYTES ((size_t)8 * 1024 * 1024)

static const char *const kind_members[STORE_OWNER_COUNT] = { "run_id", "model_id", "model_version" };

/* --- writing ----------------------------------------------------------------------------------------------------- */

struct writing
{
  struct buffer *document;
  const struct store_owner *owner;
  struct slice root;
  int64_t now_ms;
  struct json_write w;
  size_t files;
  size_t page_files;
  char last[STORE_ARTIFACT_PATH_MAX_BYTES];
  size_t last_bytes;
};

static enum err_code
write_file (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct writing *writing = context;
  size_t skip = 0 == writing->root.len ? 0 : writing->root.len + 1;
  char digest[DIGEST_TEXT_BYTES];

  (void)err;
  digest_format (digest, &artifact->digest);
  json_write_object (&writing->w);
  json_write_member_string (&writing->w, "path",
                            (struct slice){ artifact->path.data + skip, artifact->path.len - skip });
  json_write_member_text (&writing->w, "sha256", digest);
  json_write_member_int64 (&writing->w, "size", artifact->size_bytes);
  json_write_object_end (&writing->w);
  writing->files++;
  writing->page_files++;
  memcpy (writing->last, artifact->path.data, artifact->path.len);
  writing->last_bytes = artifact->path.len;
  return ERR_OK;
}

static enum err_code
write_files (struct writing *writing, struct store_connection *connection, struct arena *arena, struct err *err)
{
  enum err_code code;

  do
  {
    char after[STORE_ARTIFACT_PATH_MAX_BYTES];
    size_t after_bytes = writing->last_bytes;

    memcpy (after, writing->last, after_bytes);
    arena_reset (arena);
    writing->page_files = 0;
    code =
        store_artifact_tree (connection, writing->root, (struct slice){ 0 == after_bytes ? NULL : after, after_bytes },
                             PAGE_FILES, write_file, writing, arena, err);
    if (ERR_OK == code && writing->files > MANIFEST_FILES_MAX)
      code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "There are more than %d files; a manifest holds at most %d.",
                      MANIFEST_FILES_MAX, MANIFEST_FILES_MAX);
  } while (ERR_OK == code && PAGE_FILES == writing->page_files && ! writing->document->failed);
  return code;
}

/* In a snapshot; may run again. */
static enum err_code
write_work (struct store_connection *connection, void *context, struct err *err)
{
  struct writing *writing = context;
  struct arena *arena = arena_new (PAGE_ARENA_BYTES);
  char experiment[24];
  enum err_code code;

  if (NULL == arena)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  buffer_clear (writing->document);
  writing->files = 0;
  writing->last_bytes = 0;
  json_write_init (&writing->w, writing->document);
  json_write_object (&writing->w);
  json_write_member_int64 (&writing->w, "created_at", writing->now_ms);
  json_write_key (&writing->w, "files");
  json_write_array (&writing->w);
  code = write_files (writing, connection, arena, err);
  json_write_array_end (&writing->w);
  json_write_member_text (&writing->w, "format", MANIFEST_FORMAT);
  json_write_key (&writing->w, "subject");
  json_write_object (&writing->w);
  snprintf (experiment, sizeof (experiment), "%" PRId64, writing->owner->experiment_id);
  if (STORE_OWNER_VERSION != writing->owner->kind)
    json_write_member_text (&writing->w, "experiment_id", experiment);
  json_write_member_string (&writing->w, kind_members[writing->owner->kind], writing->owner->id);
  json_write_object_end (&writing->w);
  json_write_object_end (&writing->w);
  arena_free (arena);
  return code;
}

enum err_code
manifest_write (struct buffer *document, struct store_connection *connection, const struct store_owner *owner,
                struct slice root, int64_t now_ms, struct err *err)
{
  struct writing writing = { .document = document, .owner = owner, .root = root, .now_ms = now_ms };
  enum err_code code = store_transaction (connection, STORE_SNAPSHOT, write_work, &writing, err);

  if (ERR_OK == code && document->failed)
    code = document->out_of_memory
               ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
               : err_set (err, ERR_INVALID_PARAMETER_VALUE, "The manifest would be larger than the limit of %zu bytes.",
                          document->max_bytes);
  return code;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static enum err_code
malformed (struct err *err, const char *what)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The document of the manifest is not one: %s.", what);
}

/* A text of the tree, copied. */
static bool
copy_text (struct slice *text, const json_t *value, struct arena *arena)
{
  text->data =
      json_is_string (value) ? arena_copy (arena, json_string_value (value), json_string_length (value)) : NULL;
  text->len = NULL == text->data ? 0 : json_string_length (value);
  return text->len > 0;
}

static enum err_code
read_files (struct manifest *manifest, const json_t *files, struct arena *arena, struct err *err)
{
  size_t count = json_array_size (files);

  if (! json_is_array (files))
    return malformed (err, "'files' is no list");
  if (count > MANIFEST_FILES_MAX)
    return malformed (err, "it names too many files");
  manifest->files = arena_array (arena, count, sizeof (struct manifest_file));
  if (NULL == manifest->files)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    const json_t *item = json_array_get (files, i);
    const json_t *size = json_object_get (item, "size");
    struct manifest_file *file = &manifest->files[i];

    if (! copy_text (&file->path, json_object_get (item, "path"), arena)
        || ! digest_parse (&file->digest, slice_of (json_string_value (json_object_get (item, "sha256"))))
        || ! json_is_integer (size) || json_integer_value (size) < 0)
      return arena_overflowed (arena) ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                                      : malformed (err, "a file lacks its path, sha256 or size");
    file->size_bytes = json_integer_value (size);
    if (i > 0 && slice_compare (manifest->files[i - 1].path, file->path) >= 0)
      return malformed (err, "its files are not in the order of their paths");
  }
  manifest->count = count;
  return ERR_OK;
}

static enum err_code
read_tree (struct manifest *manifest, const json_t *tree, struct arena *arena, struct err *err)
{
  const json_t *subject = json_object_get (tree, "subject");
  const json_t *created = json_object_get (tree, "created_at");

  if (! slice_is (slice_of (json_string_value (json_object_get (tree, "format"))), MANIFEST_FORMAT))
    return malformed (err, "'format' is not " MANIFEST_FORMAT);
  if (! json_is_integer (created))
    return malformed (err, "'created_at' is no time");
  manifest->created_at_ms = json_integer_value (created);
  manifest->kind = STORE_OWNER_RUN;
  while (manifest->kind + 1 < STORE_OWNER_COUNT && NULL == json_object_get (subject, kind_members[manifest->kind]))
    manifest->kind++;
  if (! copy_text (&manifest->id, json_object_get (subject, kind_members[manifest->kind]), arena))
    return malformed (err, "'subject' names neither a run, a logged model nor a model version");
  return read_files (manifest, json_object_get (tree, "files"), arena, err);
}

enum err_code
manifest_read (struct manifest *manifest, struct slice document, struct arena *arena, struct err *err)
{
  json_t *tree = json_loadb (document.data, document.len, JSON_REJECT_DUPLICATES, NULL);
  enum err_code code;

  *manifest = (struct manifest){ .files = NULL };
  code = json_is_object (tree) ? read_tree (manifest, tree, arena, err) : malformed (err, "it is no JSON object");
  json_decref (tree);
  return code;
}
