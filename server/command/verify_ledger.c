/* tallyd verify-ledger: whether the ledger is whole, and whether the registry is what it says. */
#include "command/verify_ledger.h"

#include "artifact/sign.h"
#include "base/clock.h"
#include "base/json_tree.h"
#include "base/log.h"
#include "command/command.h"
#include "registry/checkpoint.h"
#include "registry/verify.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* How often a long walk says how far it is. */
#define REPORT_US 1000000
#define CHECKPOINT_MAX_BYTES 65536
#define SIGNATURE_BYTES 64
/* Base64 of it, which ends in two signs of padding; these count as bytes when it is decoded. */
#define SIGNATURE_TEXT_BYTES 88
#define SIGNATURE_PADDED_BYTES (SIGNATURE_BYTES + 2)

/* What the flags say; of the file, because commands get the settings only. */
static const char *checkpoint_file;

struct progress
{
  uint64_t begun_us;
  uint64_t next_us;
};

static double
rate (const struct registry_verdict *verdict, uint64_t begun_us)
{
  return (double)verdict->count * 1e6 / (double)(clock_monotonic_us () - begun_us + 1);
}

static void
report (void *context, const struct registry_verdict *verdict)
{
  struct progress *progress = context;

  if (clock_monotonic_us () < progress->next_us)
    return;
  progress->next_us = clock_monotonic_us () + REPORT_US;
  printf ("%lld entries are whole so far, %.0f a second\n", (long long)verdict->count,
          rate (verdict, progress->begun_us));
  fflush (stdout);
}

/* --- the checkpoint ----------------------------------------------------------------------------------------------- */

/* Read the file, as GET /ledger/checkpoint has answered. The caller frees with json_decref. */
static enum err_code
read_file (json_t **tree, const char *path, struct err *err)
{
  char bytes[CHECKPOINT_MAX_BYTES];
  bool out_of_memory = false;
  size_t length;
  FILE *file = fopen (path, "rbe");

  if (NULL == file)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s cannot be read: %s", path, strerror (errno));
  length = fread (bytes, 1, sizeof (bytes), file);
  fclose (file);
  *tree = json_tree_load (&out_of_memory, (struct slice){ bytes, length }, JSON_REJECT_DUPLICATES, NULL);
  if (NULL != *tree)
    return ERR_OK;
  return out_of_memory ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                       : err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s is no checkpoint", path);
}

static enum err_code
check_signature (struct store_connection *connection, struct slice document, const char *text, struct err *err)
{
  unsigned char signature[SIGNATURE_PADDED_BYTES];
  struct artifact_keys *keys = artifact_keys_new ();
  bool valid = false;
  enum err_code code = ERR_OK;

  if (NULL == keys)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (NULL != text && SIGNATURE_TEXT_BYTES == strlen (text)
      && SIGNATURE_PADDED_BYTES == EVP_DecodeBlock (signature, (const unsigned char *)text, SIGNATURE_TEXT_BYTES))
    code = artifact_verify_document (&valid, keys, connection, document, signature, err);
  artifact_keys_free (keys);
  if (ERR_OK == code && ! valid)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "the signature of the checkpoint is not one of this database over its document");
  return code;
}

static enum err_code
read_checkpoint (struct store_ledger_head *checkpoint, struct store_connection *connection, struct err *err)
{
  json_t *tree = NULL;
  enum err_code code = read_file (&tree, checkpoint_file, err);
  const char *document = json_string_value (json_object_get (tree, "document"));

  if (ERR_OK == code && NULL == document)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s is no checkpoint: it holds no 'document'", checkpoint_file);
  if (ERR_OK == code)
    code =
        check_signature (connection, slice_of (document), json_string_value (json_object_get (tree, "signature")), err);
  if (ERR_OK == code)
    code = registry_checkpoint_read (checkpoint, slice_of (document), err);
  json_decref (tree);
  return code;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* Say what was found; whether all is well. */
static bool
print_verdict (const struct registry_verdict *verdict, const struct store_ledger_head *checkpoint, uint64_t begun_us)
{
  char sha256[DIGEST_TEXT_BYTES];

  digest_format (sha256, &verdict->head);
  if (BREAK_NONE == verdict->what)
  {
    printf ("The ledger is whole: %lld entries, head %s, %.0f a second.\n", (long long)verdict->count, sha256,
            rate (verdict, begun_us));
    if (NULL != checkpoint)
      printf ("Entry %lld is the one of the checkpoint.\n", (long long)checkpoint->entry);
    printf ("Models, versions, stages and aliases are what it says.\n");
    return true;
  }
  if (BREAK_STATE == verdict->what)
    fprintf (stderr, "tallyd: The ledger is whole (%lld entries, head %s), but the registry is not what it says. %s",
             (long long)verdict->count, sha256, verdict->difference);
  else
    fprintf (stderr, "tallyd: The ledger is broken at entry %lld: %s", (long long)verdict->entry,
             registry_break_text (verdict->what));
  if (BREAK_STATE == verdict->what && 0 != verdict->entry)
    fprintf (stderr, " (entry %lld)", (long long)verdict->entry);
  fputs (".\n", stderr);
  return false;
}

static int
verify_ledger (struct config *config)
{
  struct store *store = store_new (config);
  struct store_connection *connection = NULL == store ? NULL : store_connection_new (store);
  struct progress progress = { clock_monotonic_us (), clock_monotonic_us () + REPORT_US };
  struct registry_verdict verdict = { BREAK_NONE, .count = 0 };
  struct store_ledger_head checkpoint;
  struct err err = { 0 };
  enum err_code code = ERR_OK;
  bool whole = false;

  if (NULL == connection)
    code = err_set (&err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code && NULL != checkpoint_file)
    code = read_checkpoint (&checkpoint, connection, &err);
  if (ERR_OK == code)
    code =
        registry_verify (&verdict, connection, NULL == checkpoint_file ? NULL : &checkpoint, report, &progress, &err);
  store_connection_free (connection);
  store_free (store);
  if (ERR_OK == code)
    whole = print_verdict (&verdict, NULL == checkpoint_file ? NULL : &checkpoint, progress.begun_us);
  else
    fprintf (stderr, "tallyd: %s%s%s\n", err.message, '\0' == err.cause[0] ? "" : ": ", err.cause);
  log_flush ();
  return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
command_verify_ledger (int argc, char **argv)
{
  int kept = 0;

  for (int i = 0; i < argc; i++)
  {
    const char *value = command_flag_value (&i, argc, argv, "--checkpoint");

    if (NULL != value)
      checkpoint_file = value;
    else
      argv[kept++] = argv[i];
  }
  return command_with_config (kept, argv, verify_ledger);
}
