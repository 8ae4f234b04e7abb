/* Signed manifests of runs, logged models and versions of registered models, and the key to verify them with.

   DESIGN
   The signature is over bytes, and JSON has many spellings: so the document goes into the answer as one string, and
   whoever verifies it takes the string as it is, without a rule of how to write it anew. */
#include "api/manifest.h"

#include "api/json.h"
#include "artifact/manifest.h"
#include "artifact/sign.h"
#include "base/clock.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

static enum err_code
reply_manifest (struct api_call *call, const struct artifact_owner *owner, struct err *err)
{
  unsigned char signature[MANIFEST_SIGNATURE_BYTES];
  char text[MANIFEST_SIGNATURE_TEXT_BYTES];
  struct buffer document;
  struct json_write w;
  char key[24];
  int64_t key_id = 0;
  enum err_code code;

  buffer_init (&document, (size_t)call->service->config->max_response_bytes);
  code = manifest_write (&document, call->connection, &owner->is, owner->root, (int64_t)clock_wall_ms (), err);
  if (ERR_OK == code)
    code = artifact_sign_document (signature, &key_id, call->service->signing_keys, call->connection,
                                   buffer_slice (&document), err);
  if (ERR_OK == code)
  {
    (void)EVP_EncodeBlock ((unsigned char *)text, signature, sizeof (signature));
    snprintf (key, sizeof (key), "%" PRId64, key_id);
    api_reply_start (&w, call);
    json_write_member_string (&w, "document", buffer_slice (&document));
    json_write_member_text (&w, "signature", text);
    json_write_member_text (&w, "algorithm", MANIFEST_ALGORITHM);
    json_write_member_text (&w, "key_id", key);
    code = api_reply_end (&w, call, err);
  }
  buffer_free (&document);
  return code;
}

enum err_code
api_manifest_run (struct api_call *call, struct err *err)
{
  struct artifact_owner owner;
  enum err_code code = artifact_owner_run (&owner, call, call->path_values[0], err);

  return ERR_OK == code ? reply_manifest (call, &owner, err) : code;
}

enum err_code
api_manifest_model (struct api_call *call, struct err *err)
{
  struct artifact_owner owner;
  enum err_code code = artifact_owner_model (&owner, call, call->path_values[0], err);

  return ERR_OK == code ? reply_manifest (call, &owner, err) : code;
}

enum err_code
api_manifest_version (struct api_call *call, struct err *err)
{
  struct artifact_owner owner;
  enum err_code code = artifact_owner_version (&owner, call, call->path_values[0], call->path_values[1], err);

  return ERR_OK == code ? reply_manifest (call, &owner, err) : code;
}

enum err_code
api_signing_key (struct api_call *call, struct err *err)
{
  int64_t key_id = 0;
  char key[24];
  enum err_code code = artifact_public_key (&call->reply, &key_id, call->service->signing_keys, call->connection, err);

  if (ERR_OK != code)
    return code;
  call->type = "application/x-pem-file";
  snprintf (key, sizeof (key), "%" PRId64, key_id);
  api_header (call, "Tally-Key-Id", slice_of (key));
  return ERR_OK;
}
