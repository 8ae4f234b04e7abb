/* Artifacts in the background: checked here, copied into the outbox. */
#include "error.h"
#include "inventory.h"
#include "outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static enum tally_code
check_name (const char *name, struct tally_error *err)
{
  if (NULL != name && artifact_name_valid (name))
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_ARGUMENT, "'%.300s' is no name of an artifact: a relative path without \"..\".",
                    NULL == name ? "" : name);
}

enum tally_code
tally_log_artifact (struct tally_run *run, const char *path, const char *name, struct tally_error *err)
{
  const char *slash = NULL == path ? NULL : strrchr (path, '/');
  struct stat status;
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code && NULL == path)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The path of the file is missing.");
  if (TALLY_OK == code && NULL == name)
    name = NULL == slash ? path : slash + 1;
  if (TALLY_OK == code)
    code = check_name (name, err);
  if (TALLY_OK == code && 0 != stat (path, &status))
    code = error_file (err, errno, "%s", path);
  else if (TALLY_OK == code && ! S_ISREG (status.st_mode))
    code = error_set (err, TALLY_ERROR_FILE, "%s is no regular file.", path);
  return TALLY_OK == code ? outbox_add_file (run->client->outbox, &run->key, path, name, err) : code;
}

enum tally_code
tally_log_artifact_bytes (struct tally_run *run, const char *name, const void *data, size_t bytes,
                          struct tally_error *err)
{
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code)
    code = check_name (name, err);
  if (TALLY_OK == code && NULL == data && bytes > 0)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The bytes are missing.");
  return TALLY_OK == code
             ? outbox_add_bytes (run->client->outbox, &run->key, NULL == data ? "" : data, bytes, name, err)
             : code;
}

static enum tally_code
add_files (struct tally_run *run, const char *folder, const char *name, struct inventory *inventory,
           struct tally_error *err)
{
  enum tally_code code = inventory_scan (inventory, folder, err);

  for (size_t i = 0; TALLY_OK == code && i < inventory->count; i++)
  {
    const char *own = inventory->files[i].name;
    const char *path = arena_printf (inventory->arena, "%s/%s", folder, own);
    const char *whole = NULL == name ? own : arena_printf (inventory->arena, "%s/%s", name, own);

    if (NULL == path || NULL == whole)
      code = error_memory (err);
    else
      code = tally_log_artifact (run, path, whole, err);
  }
  return code;
}

enum tally_code
tally_log_artifacts (struct tally_run *run, const char *folder, const char *name, struct tally_error *err)
{
  struct inventory inventory = { .arena = NULL };
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code && NULL == folder)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The path of the folder is missing.");
  if (TALLY_OK == code && NULL != name)
    code = check_name (name, err);
  if (TALLY_OK == code)
    code = inventory_init (&inventory, err);
  if (TALLY_OK == code)
    code = add_files (run, folder, name, &inventory, err);
  inventory_free (&inventory);
  return code;
}
