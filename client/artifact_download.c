/* Downloads: files of a run, logged model or version into a folder. */
#include "artifact_pool.h"
#include "beneath.h"
#include "decode.h"
#include "error.h"
#include "inventory.h"

#include <string.h>
#include <unistd.h>

struct downloading
{
  struct transfer transfer;
  const struct place *place;
  const struct inventory *inventory;
  size_t cut;
  int top;
  bool overwrite;
};

static enum tally_code
receive (const struct downloading *downloading, const struct inventory_file *file, struct pool_file *told,
         struct arena *arena, struct tally_error *err)
{
  struct transfer transfer = downloading->transfer;
  struct transfer_wanted wanted = { .path = place_file_path (arena, downloading->place, file->name),
                                    .name = file->name,
                                    .has_bytes = file->has_bytes,
                                    .bytes = file->bytes,
                                    .digest = file->digest };
  struct beneath_file target;
  enum tally_code code = decode_end (arena, err);

  if (TALLY_OK == code)
    code = beneath_begin (&target, downloading->top, file->name + downloading->cut, downloading->overwrite, err);
  if (TALLY_OK != code)
    return code;
  transfer.moved = pool_moved;
  transfer.payload = told;
  code = transfer_receive (&transfer, &wanted, target.file, err);
  if (TALLY_OK == code)
    return beneath_finish (&target, downloading->overwrite, err);
  beneath_drop (&target);
  return code;
}

static enum tally_code
receive_one (void *payload, size_t index, struct pool_file *told, struct tally_error *err)
{
  const struct downloading *downloading = payload;
  const struct inventory_file *file = &downloading->inventory->files[index];
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  enum tally_code code;

  if (NULL == arena)
    return error_memory (err);
  told->name = file->name;
  code = receive (downloading, file, told, arena, err);
  if (TALLY_OK == code && file->has_bytes)
    pool_moved (told, file->bytes);
  arena_free (arena);
  return code;
}

static enum tally_code
download_files (struct tally_client *client, const struct place *place, const struct inventory *inventory, size_t cut,
                const char *path, const struct tally_transfer *settings, struct tally_error *err)
{
  struct downloading downloading = { .place = place, .inventory = inventory, .cut = cut, .top = -1 };
  enum tally_code code = beneath_open (&downloading.top, path, err);

  if (TALLY_OK != code)
    return code;
  transfer_init (&downloading.transfer, client->transport, client->options);
  downloading.overwrite = NULL != settings && settings->overwrite;
  code =
      pool_run (settings, inventory->count, inventory->complete ? inventory->bytes : 0, receive_one, &downloading, err);
  close (downloading.top);
  return code;
}

/* What is to be fetched: everything, one file, or what is below a folder. */
struct selection
{
  struct inventory inventory;
  size_t cut; /* bytes of each name that the local one does not have */
};

/* Bytes of a name up to and with its last slash. */
static size_t
folder_length (const char *name)
{
  const char *slash = strrchr (name, '/');

  return NULL == slash ? 0 : (size_t)(slash - name) + 1;
}

static enum tally_code
not_found (const struct place *place, const char *name, struct tally_error *err)
{
  return error_set (err, TALLY_ERROR_NOT_FOUND, "There is no artifact '%.300s' of %s %s.", name,
                    NULL == place->id ? "registered model" : "run or model",
                    NULL == place->id ? place->name : place->id);
}

/* Of all files of a version those that are wanted. */
static enum tally_code
select_of_manifest (struct selection *selection, struct tally_client *client, const struct place *place,
                    const char *name, struct tally_error *err)
{
  struct inventory *all = &selection->inventory;
  enum tally_code code = inventory_manifest (all, client, place, err);
  size_t length = NULL == name ? 0 : strlen (name);
  size_t kept = 0;
  bool is_folder = false;

  if (TALLY_OK != code || NULL == name)
    return code;
  all->bytes = 0;
  /* The file of this name, or what is below the folder of this name. */
  for (size_t i = 0; i < all->count; i++)
    if (0 == strncmp (all->files[i].name, name, length)
        && ('/' == all->files[i].name[length] || '\0' == all->files[i].name[length]))
    {
      is_folder = '/' == all->files[i].name[length];
      all->files[kept++] = all->files[i];
      all->bytes += all->files[i].bytes;
    }
  all->count = kept;
  selection->cut = is_folder ? length + 1 : folder_length (name);
  return 0 == kept ? not_found (place, name, err) : TALLY_OK;
}

/* An entry that is looked for by its name. */
struct seeking
{
  const struct place *place;
  const char *name;
  struct arena *arena;
  struct place_entry entry;
  bool found;
};

static enum tally_code
is_it (void *payload, const char *folder, const json_t *file, bool *stop, struct tally_error *err)
{
  struct seeking *seeking = payload;
  enum tally_code code = place_entry (&seeking->entry, seeking->arena, seeking->place, folder, file, err);

  seeking->found = TALLY_OK == code && 0 == strcmp (seeking->entry.name, seeking->name);
  *stop = seeking->found;
  return code;
}

/* Look the name up in the folder that holds it: that tells whether it is a file, and its size and digest. */
static enum tally_code
find_entry (struct place_entry *entry, struct tally_client *client, const struct place *place, const char *name,
            struct arena *arena, struct tally_error *err)
{
  struct seeking seeking = { .place = place, .name = name, .arena = arena };
  size_t length = folder_length (name);
  const char *folder = 0 == length ? "" : arena_copy (arena, name, length - 1);
  enum tally_code code = NULL == folder ? error_memory (err) : place_each (client, place, folder, is_it, &seeking, err);

  *entry = seeking.entry;
  return TALLY_OK == code && ! seeking.found ? not_found (place, name, err) : code;
}

static enum tally_code
select_entry (struct selection *selection, struct tally_client *client, const struct place *place, const char *name,
              struct tally_error *err)
{
  struct place_entry entry;
  struct inventory_file file;
  enum tally_code code = find_entry (&entry, client, place, name, selection->inventory.arena, err);

  if (TALLY_OK != code)
    return code;
  selection->cut = entry.is_folder ? strlen (name) + 1 : folder_length (name);
  if (entry.is_folder)
    return inventory_list (&selection->inventory, client, place, entry.name, err);
  file = (struct inventory_file){ entry.name, entry.bytes, entry.has_bytes, entry.digest };
  return inventory_add (&selection->inventory, &file, err);
}

/* The source of a version may be a single file ("runs:/<id>/model.bin"), below which MLflow lists nothing: then the
   place becomes the folder that holds it. */
static enum tally_code
select_source_file (struct selection *selection, struct tally_client *client, struct place *place,
                    struct tally_error *err)
{
  size_t length = folder_length (place->store);
  const char *name = arena_printf (selection->inventory.arena, "%s", place->store + length);
  const char *folder = 0 == length ? NULL : arena_copy (selection->inventory.arena, place->store, length - 1);
  struct place holder = *place;
  enum tally_code code;

  if (0 == length)
    return TALLY_OK;
  if (NULL == name || NULL == folder)
    return error_memory (err);
  holder.store = folder;
  code = select_entry (selection, client, &holder, name, err);
  /* An empty folder, or none: as the server has it, nothing is there to be fetched. */
  if (TALLY_ERROR_NOT_FOUND == code)
    return TALLY_OK;
  *place = holder;
  return code;
}

static enum tally_code
select_of_listing (struct selection *selection, struct tally_client *client, struct place *place, const char *name,
                   struct tally_error *err)
{
  enum tally_code code;

  if (NULL != name)
    return select_entry (selection, client, place, name, err);
  code = inventory_list (&selection->inventory, client, place, "", err);
  if (TALLY_OK == code && 0 == selection->inventory.count && NULL != place->name)
    code = select_source_file (selection, client, place, err);
  return code;
}

static enum tally_code
check_arguments (const char *root, const char *name, const char *path, struct tally_error *err)
{
  if (NULL == root || NULL == path || '\0' == path[0])
    return error_set (err, TALLY_ERROR_ARGUMENT, "The root or the path is missing.");
  if (NULL != name && ! artifact_name_valid (name))
    return error_set (err, TALLY_ERROR_ARGUMENT, "'%.300s' is no name of an artifact: a relative path without \"..\".",
                      name);
  return TALLY_OK;
}

/* A manifest lists all files with their digests at once: of versions, and of whole logged models. */
static bool
is_promised (const struct place *place, const char *name)
{
  return NULL == place->store || (NULL == name && place->is_tally && ROOT_LOGGED_MODEL == place->kind);
}

enum tally_code
tally_artifact_download (struct tally_client *client, const char *root, const char *name, const char *path,
                         const struct tally_transfer *transfer, struct tally_error *err)
{
  struct selection selection = { .cut = 0 };
  struct place place;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code)
    code = check_arguments (root, name, path, err);
  if (TALLY_OK != code)
    return code;
  code = inventory_init (&selection.inventory, err);
  if (TALLY_OK == code)
    code = place_find (&place, selection.inventory.arena, client, root, false, err);
  if (TALLY_OK == code)
    code = is_promised (&place, name) ? select_of_manifest (&selection, client, &place, name, err)
                                      : select_of_listing (&selection, client, &place, name, err);
  if (TALLY_OK == code)
    code = download_files (client, &place, &selection.inventory, selection.cut, path, transfer, err);
  inventory_free (&selection.inventory);
  return code;
}
