/* Listings of artifacts as an iterator. */
#include "decode.h"
#include "error.h"
#include "inventory.h"

#include <stdlib.h>
#include <string.h>

struct tally_artifacts
{
  struct tally_client *client; /* borrowed */
  struct place place;
  struct inventory inventory; /* of a version: all its files; else empty. Its arena has the place's texts */
  char *folder; /* "" for the top */
  json_t *page; /* NULL: none yet */
  char *token; /* of the next page; NULL: the first, or none when `last` */
  bool last;
  size_t index; /* in the page, or in the inventory */
  struct arena *arena; /* of the entry */
  struct tally_artifact entry;
};

void
tally_artifacts_free (struct tally_artifacts *list)
{
  if (NULL == list)
    return;
  inventory_free (&list->inventory);
  json_decref (list->page);
  arena_free (list->arena);
  free (list->folder);
  free (list->token);
  free (list);
}

static enum tally_code
prepare (struct tally_artifacts *list, const char *root, const char *folder, struct tally_error *err)
{
  enum tally_code code = inventory_init (&list->inventory, err);

  if (TALLY_OK != code)
    return code;
  list->arena = arena_new (ANSWER_ARENA_BYTES);
  list->folder = strdup (NULL == folder ? "" : folder);
  if (NULL == list->arena || NULL == list->folder)
    return error_memory (err);
  code = place_find (&list->place, list->inventory.arena, list->client, root, false, err);
  if (TALLY_OK == code && NULL == list->place.store)
    code = inventory_manifest (&list->inventory, list->client, &list->place, err);
  inventory_sort (&list->inventory);
  return code;
}

enum tally_code
tally_artifact_list (struct tally_artifacts **list, struct tally_client *client, const char *root, const char *folder,
                     struct tally_error *err)
{
  struct tally_artifacts *made = NULL;
  enum tally_code code = client_check (client, err);

  *list = NULL;
  if (TALLY_OK == code && NULL != folder && '\0' != folder[0] && ! artifact_name_valid (folder))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "'%.300s' is no name of a folder of artifacts.", folder);
  if (TALLY_OK != code)
    return code;
  made = calloc (1, sizeof (*made));
  if (NULL == made)
    return error_memory (err);
  made->client = client;
  code = prepare (made, root, folder, err);
  if (TALLY_OK == code)
    *list = made;
  else
    tally_artifacts_free (made);
  return code;
}

/* The next thing directly below the folder, of a list of files; what is below a folder stands together in its order. */
static enum tally_code
next_of_inventory (const struct tally_artifact **artifact, struct tally_artifacts *list, struct tally_error *err)
{
  size_t length = strlen (list->folder);
  size_t skip = 0 == length ? 0 : length + 1;

  for (; list->index < list->inventory.count; list->index++)
  {
    const struct inventory_file *file = &list->inventory.files[list->index];
    const char *own = file->name + skip;
    size_t own_length;

    if (skip > 0 && (0 != strncmp (file->name, list->folder, length) || '/' != file->name[length]))
      continue;
    own_length = strcspn (own, "/");
    if (NULL != list->entry.name && skip + own_length == strlen (list->entry.name)
        && 0 == memcmp (list->entry.name, file->name, skip + own_length))
      continue;
    list->entry.name = arena_copy (list->arena, file->name, skip + own_length);
    list->entry.is_folder = '/' == own[own_length];
    list->entry.bytes = list->entry.is_folder ? 0 : file->bytes;
    if (NULL == list->entry.name)
      return error_memory (err);
    list->index++;
    *artifact = &list->entry;
    return TALLY_OK;
  }
  return TALLY_OK;
}

/* Fetch the page behind the one that is there; nothing changes on errors. */
static enum tally_code
turn (struct tally_artifacts *list, struct tally_error *err)
{
  json_t *page;
  char *token = NULL;
  enum tally_code code = place_list (&page, list->client, &list->place, list->folder, list->token, err);

  if (TALLY_OK != code)
    return code;
  code = place_next_token (&token, page, list->token, err);
  if (TALLY_OK != code)
  {
    json_decref (page);
    return code;
  }
  json_decref (list->page);
  free (list->token);
  list->page = page;
  list->token = token;
  list->last = NULL == token;
  list->index = 0;
  return TALLY_OK;
}

static const json_t *
page_file (const struct tally_artifacts *list)
{
  return NULL == list->page ? NULL : json_array_get (json_object_get (list->page, "files"), list->index);
}

static enum tally_code
next_of_page (const struct tally_artifact **artifact, struct tally_artifacts *list, struct tally_error *err)
{
  struct place_entry entry;
  enum tally_code code = TALLY_OK;

  while (TALLY_OK == code && NULL == page_file (list) && ! list->last)
    code = turn (list, err);
  if (TALLY_OK != code || NULL == page_file (list))
    return code;
  arena_reset (list->arena);
  code = place_entry (&entry, list->arena, &list->place, list->folder, page_file (list), err);
  if (TALLY_ERROR_MEMORY == code)
    return code;
  list->index++;
  if (TALLY_OK != code)
    return code;
  list->entry = (struct tally_artifact){ entry.name, entry.is_folder, entry.bytes };
  *artifact = &list->entry;
  return TALLY_OK;
}

enum tally_code
tally_artifacts_next (const struct tally_artifact **artifact, struct tally_artifacts *list, struct tally_error *err)
{
  enum tally_code code;

  *artifact = NULL;
  if (NULL == list)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The listing is NULL.");
  code = client_check (list->client, err);
  if (TALLY_OK != code)
    return code;
  return NULL == list->place.store ? next_of_inventory (artifact, list, err) : next_of_page (artifact, list, err);
}
