/* Models by name: downloaded and compared with the server's manifest. */
#include "decode.h"
#include "error.h"
#include "inventory.h"
#include "ping.h"
#include "registry.h"

#include <string.h>

enum tally_code
tally_model_download (struct tally_client *client, const char *uri, const char *folder,
                      const struct tally_transfer *transfer, struct tally_error *err)
{
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code && (NULL == uri || NULL == folder || '\0' == folder[0]))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The URI of the model or the folder is missing.");
  if (TALLY_OK == code && 0 != strncmp (uri, "models:/", 8))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "'%.300s' is no URI of a model.", uri);
  return TALLY_OK == code ? tally_artifact_download (client, uri, NULL, folder, transfer, err) : code;
}

/* Both in the order of their names: the first that is in one of them only, or differs. */
static enum tally_code
compare (const struct inventory *promised, const struct inventory *found, const char *folder, struct tally_error *err)
{
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  enum tally_code code = NULL == arena ? error_memory (err) : TALLY_OK;

  for (size_t i = 0; TALLY_OK == code && (i < promised->count || i < found->count); i++)
  {
    const struct inventory_file *ours = i < found->count ? &found->files[i] : NULL;
    const struct inventory_file *theirs = i < promised->count ? &promised->files[i] : NULL;
    int order = NULL == ours ? 1 : NULL == theirs ? -1 : strcmp (ours->name, theirs->name);
    char digest[TALLY_DIGEST_BYTES];
    const char *path = NULL == ours ? NULL : arena_printf (arena, "%s/%s", folder, ours->name);

    if (order > 0)
      code = error_set (err, TALLY_ERROR_DIGEST, "%s is missing.", theirs->name);
    else if (order < 0)
      code = error_set (err, TALLY_ERROR_DIGEST, "%s is too many: the manifest does not have it.", ours->name);
    else if (NULL == path)
      code = error_memory (err);
    else if (ours->bytes != theirs->bytes)
      code = error_set (err, TALLY_ERROR_DIGEST, "%s has %llu bytes, in the manifest %llu.", ours->name,
                        (unsigned long long)ours->bytes, (unsigned long long)theirs->bytes);
    else
    {
      code = tally_digest_file (digest, path, err);
      if (TALLY_OK == code && 0 != strcmp (digest, theirs->digest))
        code = error_set (err, TALLY_ERROR_DIGEST, "%s differs: SHA-256 %s, in the manifest %s.", ours->name, digest,
                          theirs->digest);
    }
  }
  arena_free (arena);
  return code;
}

enum tally_code
tally_model_verify (struct tally_client *client, const char *uri, const char *folder, struct tally_error *err)
{
  struct inventory promised = { .arena = NULL };
  struct inventory found = { .arena = NULL };
  const struct tally_server *server;
  struct place place;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code && (NULL == uri || NULL == folder))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The URI of the model or the folder is missing.");
  if (TALLY_OK == code)
    code = ping_known (&server, client, err);
  if (TALLY_OK == code && ! server->is_tally)
    code = registry_explain (TALLY_ERROR_UNSUPPORTED, client, "To verify a model", err);
  if (TALLY_OK == code)
    code = inventory_init (&promised, err);
  if (TALLY_OK == code)
    code = inventory_init (&found, err);
  if (TALLY_OK == code)
    code = place_find (&place, promised.arena, client, uri, false, err);
  if (TALLY_OK == code)
    code = inventory_manifest (&promised, client, &place, err);
  if (TALLY_OK == code)
    code = inventory_scan (&found, folder, err);
  inventory_sort (&promised);
  if (TALLY_OK == code)
    code = compare (&promised, &found, folder, err);
  /* Another look finds the same files. */
  if (TALLY_ERROR_DIGEST == code && NULL != err)
    err->retryable = false;
  inventory_free (&promised);
  inventory_free (&found);
  return code;
}
