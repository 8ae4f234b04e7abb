/* Uploads: a file or a folder to a run or logged model, now. */
#include "artifact_place.h"
#include "artifact_pool.h"
#include "error.h"
#include "inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct uploading
{
  struct transfer transfer;
  const char *place;
  const char *path; /* of the file or folder */
  const char *name; /* that it becomes; NULL: the top */
  bool is_folder;
  const struct inventory *inventory;
};

static enum tally_code
check_parts (const struct tally_transfer *settings, struct tally_error *err)
{
  /* As option part-bytes has it. */
  if (NULL == settings || 0 == settings->part_bytes
      || (settings->part_bytes >= 5242880 && settings->part_bytes <= 5368709120))
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_ARGUMENT, "Parts have 5 MiB to 5 GiB.");
}

static enum tally_code
send_open (const struct transfer *transfer, const char *place, const char *name, const char *path, int file,
           struct tally_error *err)
{
  struct transfer_source source = { .file = file };
  struct stat status;

  if (0 != fstat (file, &status))
    return error_file (err, errno, "%s", path);
  if (! S_ISREG (status.st_mode))
    return error_set (err, TALLY_ERROR_FILE, "%s is no regular file.", path);
  source.bytes = (uint64_t)status.st_size;
  return transfer_send (transfer, place, name, &source, err);
}

static enum tally_code
send_one (void *payload, size_t index, struct pool_file *file, struct tally_error *err)
{
  const struct uploading *uploading = payload;
  struct transfer transfer = uploading->transfer;
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  const char *own = uploading->is_folder ? uploading->inventory->files[index].name : NULL;
  const char *path = uploading->path;
  const char *name = uploading->name;
  int opened;
  enum tally_code code;

  if (NULL == arena)
    return error_memory (err);
  if (uploading->is_folder)
  {
    path = arena_printf (arena, "%s/%s", uploading->path, own);
    name = NULL == uploading->name ? own : arena_printf (arena, "%s/%s", uploading->name, own);
  }
  if (NULL == path || NULL == name)
    code = error_memory (err);
  else if ((opened = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
    code = error_file (err, errno, "%s", path);
  else
  {
    file->name = name;
    transfer.moved = pool_moved;
    transfer.payload = file;
    code = send_open (&transfer, uploading->place, name, path, opened, err);
    close (opened);
    pool_moved (file, uploading->inventory->files[index].bytes);
    file->name = NULL;
  }
  arena_free (arena);
  return code;
}

/* What there is to send, and by which name. */
static enum tally_code
look (struct uploading *uploading, struct inventory *inventory, struct tally_error *err)
{
  const char *slash = strrchr (uploading->path, '/');
  struct stat status;
  struct inventory_file file = { .has_bytes = true, .digest = "" };

  if (0 != stat (uploading->path, &status))
    return error_file (err, errno, "%s", uploading->path);
  uploading->is_folder = S_ISDIR (status.st_mode);
  if (NULL == uploading->name && ! uploading->is_folder)
    uploading->name = NULL == slash ? uploading->path : slash + 1;
  if (NULL != uploading->name && ! artifact_name_valid (uploading->name))
    return error_set (err, TALLY_ERROR_ARGUMENT, "'%.300s' is no name of an artifact: a relative path without \"..\".",
                      uploading->name);
  if (uploading->is_folder)
    return inventory_scan (inventory, uploading->path, err);
  file.name = uploading->name;
  file.bytes = (uint64_t)status.st_size;
  return inventory_add (inventory, &file, err);
}

enum tally_code
tally_artifact_upload (struct tally_client *client, const char *root, const char *path, const char *name,
                       const struct tally_transfer *transfer, struct tally_error *err)
{
  struct inventory inventory = { .arena = NULL };
  struct uploading uploading = { .path = path, .name = name, .inventory = &inventory };
  struct place place;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code && (NULL == root || NULL == path))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "The root or the path is missing.");
  if (TALLY_OK == code)
    code = check_parts (transfer, err);
  if (TALLY_OK == code)
    code = inventory_init (&inventory, err);
  if (TALLY_OK == code)
    code = look (&uploading, &inventory, err);
  if (TALLY_OK == code)
    code = place_find (&place, inventory.arena, client, root, true, err);
  if (TALLY_OK == code)
  {
    transfer_init (&uploading.transfer, client->transport, client->options);
    if (NULL != transfer && transfer->part_bytes > 0)
      uploading.transfer.part_bytes = transfer->part_bytes;
    uploading.place = place.store;
    code = pool_run (transfer, inventory.count, inventory.bytes, send_one, &uploading, err);
  }
  inventory_free (&inventory);
  return code;
}
