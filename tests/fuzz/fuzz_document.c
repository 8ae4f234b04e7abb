/* Documents that come back to us: manifests and checkpoints of the ledger are read without harm, and one that is
   accepted is what it must be. The input is a byte that picks one of them, then the document. */
#include "fuzz.h"

#include "artifact/manifest.h"
#include "base/buffer.h"
#include "registry/checkpoint.h"

#define ARENA_BYTES ((size_t)8 * 1024 * 1024)
/* More than a checkpoint takes: its members, two hashes' worth of digits and three numbers. */
#define CHECKPOINT_MAX_BYTES 1024

static void
check_refused (enum err_code code, const struct err *err)
{
  REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err->code && '\0' != err->message[0]);
}

static void
run_manifest (struct slice document)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  struct manifest manifest;
  struct err err = { 0 };
  enum err_code code;

  REQUIRE (NULL != arena);
  code = manifest_read (&manifest, document, arena, &err);
  if (ERR_OK != code)
    check_refused (code, &err);
  else
  {
    REQUIRE (manifest.kind < STORE_OWNER_COUNT && manifest.id.len > 0 && manifest.count <= MANIFEST_FILES_MAX);
    for (size_t i = 0; i < manifest.count; i++)
    {
      const struct manifest_file *file = &manifest.files[i];

      REQUIRE (file->path.len > 0 && file->size_bytes >= 0);
      REQUIRE (0 == i || slice_compare (manifest.files[i - 1].path, file->path) < 0);
    }
  }
  arena_free (arena);
}

static void
run_checkpoint (struct slice document)
{
  struct store_ledger_head head;
  struct store_ledger_head again;
  struct buffer written;
  struct err err = { 0 };
  enum err_code code = registry_checkpoint_read (&head, document, &err);

  if (ERR_OK != code)
  {
    check_refused (code, &err);
    return;
  }
  REQUIRE (head.entry >= 0);
  buffer_init (&written, CHECKPOINT_MAX_BYTES);
  registry_checkpoint_write (&written, &head, 0);
  REQUIRE (! written.failed);
  REQUIRE (ERR_OK == registry_checkpoint_read (&again, buffer_slice (&written), NULL));
  REQUIRE (head.entry == again.entry && head.at_ms == again.at_ms && digest_equal (&head.sha256, &again.sha256));
  buffer_free (&written);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice document;

  if (0 == size)
    return 0;
  document = (struct slice){ (const char *)data + 1, size - 1 };
  if ('c' == data[0])
    run_checkpoint (document);
  else
    run_manifest (document);
  return 0;
}
