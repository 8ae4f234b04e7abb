/* Whether the stored files of a run, logged model or model version are what they should be.

   DESIGN
   Hashing a model takes as long as its bytes do, so an answer is a page: files in the order of their paths, until some
   seconds are over or there are a thousand. Its token names the last of them, so that whoever was interrupted goes on
   from there, with any daemon. Stored files and those of a manifest are walked side by side. */
#include "api/manifest.h"

#include "api/json.h"
#include "api/path_token.h"
#include "artifact/manifest.h"
#include "artifact/sign.h"
#include "base/clock.h"
#include "blob/blob.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* Files of one answer. */
#define PAGE_FILES 1000
/* After which time no further file is begun: well below the time-outs of clients and proxies. */
#define PAGE_TIME_US ((uint64_t)5 * 1000 * 1000)

enum file_status
{
  FILE_INTACT,
  FILE_DAMAGED,
  FILE_MISSING,
  FILE_CHANGED,
  FILE_ADDED
};

static const char *const status_names[] = { [FILE_INTACT] = "intact",
                                            [FILE_DAMAGED] = "damaged",
                                            [FILE_MISSING] = "missing",
                                            [FILE_CHANGED] = "changed",
                                            [FILE_ADDED] = "added" };

struct given_manifest
{
  struct slice document;
  struct slice signature;
};

struct verify_request
{
  struct given_manifest *manifest;
  struct slice page_token;
};

static const struct field given_fields[] = {
  { .name = "document",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct given_manifest, document) },
  { .name = "signature",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct given_manifest, signature) },
};

static const struct schema given_schema = SCHEMA (given_fields, struct given_manifest);

static const struct field verify_fields[] = {
  { .name = "manifest",
    .type = FIELD_OBJECT,
    .offset = offsetof (struct verify_request, manifest),
    .schema = &given_schema },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct verify_request, page_token) },
};

static const struct schema verify_schema = SCHEMA (verify_fields, struct verify_request);

/* One verification on its way. */
struct verifying
{
  struct api_call *call;
  const struct artifact_owner *owner;
  bool has_manifest;
  struct manifest manifest;
  struct slice after; /* path of the page before; absent: from the first */
  struct manifest_file *stored; /* the next page of files */
  size_t stored_count;
};

/* --- what is asked ----------------------------------------------------------------------------------------------- */

/* The signature of a manifest, and whose it is. */
static enum err_code
check_manifest (struct verifying *verifying, const struct given_manifest *given, struct err *err)
{
  struct api_call *call = verifying->call;
  const struct store_owner *owner = &verifying->owner->is;
  /* Base64 of 64 bytes ends in two signs of padding, which count as bytes here. */
  unsigned char signature[MANIFEST_SIGNATURE_BYTES + 2];
  bool valid = false;
  enum err_code code = ERR_OK;

  if (MANIFEST_SIGNATURE_TEXT_BYTES - 1 == given->signature.len
      && (int)sizeof (signature)
             == EVP_DecodeBlock (signature, (const unsigned char *)given->signature.data, (int)given->signature.len))
    code = artifact_verify_document (&valid, call->service->signing_keys, call->connection, given->document, signature,
                                     err);
  if (ERR_OK != code)
    return code;
  if (! valid)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The signature of the manifest is not one of this server over its document.");
  code = manifest_read (&verifying->manifest, given->document, call->arena, err);
  if (ERR_OK == code && (owner->kind != verifying->manifest.kind || ! slice_equal (owner->id, verifying->manifest.id)))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "The manifest is that of another %s: %.*s.",
                    artifact_owner_word (verifying->manifest.kind), SLICE_ARG (verifying->manifest.id));
  verifying->has_manifest = true;
  return code;
}

/* --- what is stored ---------------------------------------------------------------------------------------------- */

static enum err_code
add_stored (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct verifying *verifying = context;
  size_t skip = 0 == verifying->owner->root.len ? 0 : verifying->owner->root.len + 1;
  struct manifest_file *file = &verifying->stored[verifying->stored_count++];

  file->path.len = artifact->path.len - skip;
  file->path.data = arena_copy (verifying->call->arena, artifact->path.data + skip, file->path.len);
  file->digest = artifact->digest;
  file->size_bytes = artifact->size_bytes;
  return NULL == file->path.data ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

static enum err_code
read_stored (struct verifying *verifying, struct err *err)
{
  struct api_call *call = verifying->call;
  struct slice root = verifying->owner->root;
  struct slice after = verifying->after;

  verifying->stored = arena_array (call->arena, PAGE_FILES, sizeof (struct manifest_file));
  if (NULL != after.data && root.len > 0)
    after = slice_of (arena_printf (call->arena, "%.*s/%.*s", SLICE_ARG (root), SLICE_ARG (after)));
  if (arena_overflowed (call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return store_artifact_tree (call->connection, root, after, PAGE_FILES, add_stored, verifying, call->arena, err);
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

static void
write_file (struct json_write *w, struct slice path, enum file_status status, const struct manifest_file *stored,
            const struct manifest_file *expected)
{
  char digest[DIGEST_TEXT_BYTES];

  json_write_object (w);
  json_write_member_string (w, "path", path);
  json_write_member_text (w, "status", status_names[status]);
  if (NULL != stored)
  {
    digest_format (digest, &stored->digest);
    json_write_member_text (w, "sha256", digest);
    json_write_member_int64 (w, "size", stored->size_bytes);
  }
  if (NULL != expected && FILE_INTACT != status && FILE_DAMAGED != status)
  {
    digest_format (digest, &expected->digest);
    json_write_member_text (w, "expected_sha256", digest);
    json_write_member_int64 (w, "expected_size", expected->size_bytes);
  }
  json_write_object_end (w);
}

/* What is to be said of a file that is stored, expected, or both. */
static enum err_code
judge_file (enum file_status *status, const struct verifying *verifying, const struct manifest_file *stored,
            const struct manifest_file *expected, struct err *err)
{
  bool intact;
  enum err_code code;

  *status = FILE_MISSING;
  if (NULL == stored)
    return ERR_OK;
  *status = NULL == expected ? FILE_ADDED : FILE_CHANGED;
  if (verifying->has_manifest && (NULL == expected || ! digest_equal (&stored->digest, &expected->digest)))
    return ERR_OK;
  code = blob_verify (&intact, verifying->call->service->blobs, &stored->digest, stored->size_bytes, err);
  *status = intact ? FILE_INTACT : FILE_DAMAGED;
  return code;
}

/* The first file of the manifest behind the page before. */
static size_t
first_expected (const struct verifying *verifying)
{
  size_t low = 0;
  size_t high = verifying->manifest.count;

  while (NULL != verifying->after.data && low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (slice_compare (verifying->manifest.files[middle].path, verifying->after) <= 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Walk stored and expected files side by side; `last` receives the path of the last one when others are left. */
static enum err_code
write_files (struct json_write *w, bool *ok, struct slice *last, const struct verifying *verifying, struct err *err)
{
  const struct manifest *manifest = &verifying->manifest;
  uint64_t until_us = clock_monotonic_us () + PAGE_TIME_US;
  bool is_last_page = verifying->stored_count < PAGE_FILES;
  size_t i = 0;
  size_t j = first_expected (verifying);
  struct slice path = { NULL, 0 };

  for (size_t files = 0;; files++)
  {
    bool has_stored = i < verifying->stored_count;
    bool has_expected = j < manifest->count;
    const struct manifest_file *stored = has_stored ? &verifying->stored[i] : NULL;
    const struct manifest_file *expected = has_expected ? &manifest->files[j] : NULL;
    enum file_status status;
    enum err_code code;
    int order;

    if (! has_stored && ! has_expected && is_last_page)
      return ERR_OK;
    /* Behind the last stored file of this page others may come before what is expected. */
    if ((! has_stored && ! is_last_page) || PAGE_FILES == files || (files > 0 && clock_monotonic_us () >= until_us))
    {
      *last = path;
      return ERR_OK;
    }
    order = ! has_stored ? 1 : ! has_expected ? -1 : slice_compare (stored->path, expected->path);
    if (order > 0)
      stored = NULL;
    if (order < 0)
      expected = NULL;
    path = NULL == stored ? expected->path : stored->path;
    code = judge_file (&status, verifying, stored, expected, err);
    if (ERR_OK != code)
      return code;
    write_file (w, path, status, stored, expected);
    *ok = *ok && FILE_INTACT == status;
    i += NULL != stored;
    j += NULL != expected;
  }
}

static enum err_code
verify (struct api_call *call, const struct artifact_owner *owner, const struct verify_request *request,
        struct err *err)
{
  struct verifying verifying = { .call = call, .owner = owner };
  struct slice last = { NULL, 0 };
  struct buffer files;
  struct json_write w;
  bool ok = true;
  enum err_code code = path_token_read (&verifying.after, request->page_token, call->arena, err);

  buffer_init (&files, (size_t)call->service->config->max_response_bytes);
  if (ERR_OK == code && NULL != request->manifest)
    code = check_manifest (&verifying, request->manifest, err);
  if (ERR_OK == code)
    code = read_stored (&verifying, err);
  if (ERR_OK == code)
  {
    json_write_init (&w, &files);
    json_write_array (&w);
    code = write_files (&w, &ok, &last, &verifying, err);
    json_write_array_end (&w);
  }
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_member_bool (&w, "ok", ok);
    /* The two brackets are a list without files. */
    if (files.len > 2)
    {
      json_write_key (&w, "files");
      json_write_raw (&w, buffer_slice (&files));
    }
    if (NULL != last.data)
      json_write_member_string (&w, "next_page_token", path_token_make (last, call->arena));
    call->reply.failed = call->reply.failed || files.failed;
    code = api_reply_end (&w, call, err);
  }
  buffer_free (&files);
  return code;
}

enum err_code
api_verify_run (struct api_call *call, struct err *err)
{
  struct verify_request request;
  struct artifact_owner owner;
  enum err_code code = api_decode (&request, call, &verify_schema, err);

  if (ERR_OK == code)
    code = artifact_owner_run (&owner, call, call->path_values[0], err);
  return ERR_OK == code ? verify (call, &owner, &request, err) : code;
}

enum err_code
api_verify_model (struct api_call *call, struct err *err)
{
  struct verify_request request;
  struct artifact_owner owner;
  enum err_code code = api_decode (&request, call, &verify_schema, err);

  if (ERR_OK == code)
    code = artifact_owner_model (&owner, call, call->path_values[0], err);
  return ERR_OK == code ? verify (call, &owner, &request, err) : code;
}

enum err_code
api_verify_version (struct api_call *call, struct err *err)
{
  struct verify_request request;
  struct artifact_owner owner;
  enum err_code code = api_decode (&request, call, &verify_schema, err);

  if (ERR_OK == code)
    code = artifact_owner_version (&owner, call, call->path_values[0], call->path_values[1], err);
  return ERR_OK == code ? verify (call, &owner, &request, err) : code;
}
