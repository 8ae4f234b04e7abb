/* Inventories of what a server has. */
#include "inventory.h"

#include "decode.h"
#include "error.h"
#include "json_read.h"

#include <stdlib.h>
#include <string.h>

enum tally_code
inventory_init (struct inventory *inventory, struct tally_error *err)
{
  *inventory = (struct inventory){ .arena = arena_new (ANSWER_ARENA_BYTES), .complete = true };
  return NULL == inventory->arena ? error_memory (err) : TALLY_OK;
}

void
inventory_free (struct inventory *inventory)
{
  arena_free (inventory->arena);
  free (inventory->files);
}

enum tally_code
inventory_add (struct inventory *inventory, const struct inventory_file *file, struct tally_error *err)
{
  struct inventory_file *place;

  if (inventory->count >= INVENTORY_MAX_FILES)
    return error_set (err, TALLY_ERROR_PROTOCOL, "There are more than %d files.", INVENTORY_MAX_FILES);
  if (inventory->count == inventory->capacity)
  {
    size_t capacity = 0 == inventory->capacity ? 64 : inventory->capacity * 2;
    struct inventory_file *more = realloc (inventory->files, capacity * sizeof (*more));

    if (NULL == more)
      return error_memory (err);
    inventory->files = more;
    inventory->capacity = capacity;
  }
  place = &inventory->files[inventory->count];
  *place = *file;
  place->name = arena_copy (inventory->arena, file->name, strlen (file->name));
  place->digest = arena_copy (inventory->arena, file->digest, strlen (file->digest));
  if (NULL == place->name || NULL == place->digest)
    return decode_end (inventory->arena, err);
  inventory->count++;
  inventory->complete = inventory->complete && file->has_bytes;
  if (file->has_bytes && inventory->bytes + file->bytes >= inventory->bytes)
    inventory->bytes += file->bytes;
  return TALLY_OK;
}

static int
by_name (const void *a, const void *b)
{
  const struct inventory_file *left = a;
  const struct inventory_file *right = b;

  return strcmp (left->name, right->name);
}

void
inventory_sort (struct inventory *inventory)
{
  if (inventory->count > 0)
    qsort (inventory->files, inventory->count, sizeof (*inventory->files), by_name);
}

/* Folders that are still to be listed: a stack of names in the inventory's arena. */
struct walk
{
  struct inventory *inventory;
  const struct place *place;
  const char **folders;
  size_t count;
  size_t capacity;
  size_t seen; /* folders in all */
};

static enum tally_code
push (struct walk *walk, const char *folder, struct tally_error *err)
{
  if (walk->seen++ >= INVENTORY_MAX_FILES)
    return error_set (err, TALLY_ERROR_PROTOCOL, "There are more than %d folders.", INVENTORY_MAX_FILES);
  if (walk->count == walk->capacity)
  {
    size_t capacity = 0 == walk->capacity ? 16 : walk->capacity * 2;
    const char **more = realloc (walk->folders, capacity * sizeof (*more));

    if (NULL == more)
      return error_memory (err);
    walk->folders = more;
    walk->capacity = capacity;
  }
  walk->folders[walk->count++] = folder;
  return TALLY_OK;
}

static enum tally_code
take_file (void *payload, const char *folder, const json_t *json, bool *stop, struct tally_error *err)
{
  struct walk *walk = payload;
  struct place_entry entry;
  enum tally_code code = place_entry (&entry, walk->inventory->arena, walk->place, folder, json, err);
  struct inventory_file file = { entry.name, entry.bytes, entry.has_bytes, entry.digest };

  (void)stop;
  if (TALLY_OK != code)
    return code;
  return entry.is_folder ? push (walk, entry.name, err) : inventory_add (walk->inventory, &file, err);
}

enum tally_code
inventory_list (struct inventory *inventory, struct tally_client *client, const struct place *place, const char *folder,
                struct tally_error *err)
{
  struct walk walk = { .inventory = inventory, .place = place };
  enum tally_code code = push (&walk, folder, err);

  while (TALLY_OK == code && walk.count > 0)
    code = place_each (client, place, walk.folders[--walk.count], take_file, &walk, err);
  free (walk.folders);
  return code;
}

static enum tally_code
take_promised (struct inventory *inventory, const json_t *item, struct tally_error *err)
{
  int64_t bytes = answer_int64 (item, "size");
  struct inventory_file file = { .name = json_string_value (json_object_get (item, "path")),
                                 .bytes = bytes < 0 ? 0 : (uint64_t)bytes,
                                 .has_bytes = true,
                                 .digest = json_string_value (json_object_get (item, "sha256")) };

  if (NULL == file.name || ! artifact_name_valid (file.name) || NULL == file.digest
      || ! place_digest_valid (file.digest) || bytes < 0)
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server's manifest lists '%.300s', which is no file of a model.",
                      NULL == file.name ? "" : file.name);
  return inventory_add (inventory, &file, err);
}

enum tally_code
inventory_take_manifest (struct inventory *inventory, const json_t *manifest, struct tally_error *err)
{
  const json_t *text = json_object_get (manifest, "document");
  bool out_of_memory = false;
  json_t *document = json_is_string (text) ? json_read (&out_of_memory, slice_of (json_string_value (text))) : NULL;
  const json_t *files = json_object_get (document, "files");
  enum tally_code code = TALLY_OK;

  if (out_of_memory)
    code = error_memory (err);
  else if (! json_is_array (files))
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The server's manifest lists no files.");
  for (size_t i = 0; TALLY_OK == code && i < json_array_size (files); i++)
    code = take_promised (inventory, json_array_get (files, i), err);
  json_decref (document);
  return code;
}

enum tally_code
inventory_manifest (struct inventory *inventory, struct tally_client *client, const struct place *place,
                    struct tally_error *err)
{
  json_t *manifest;
  enum tally_code code = place_manifest (&manifest, client, place, err);

  if (TALLY_OK == code)
    code = inventory_take_manifest (inventory, manifest, err);
  json_decref (manifest);
  return code;
}
