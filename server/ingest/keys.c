/* The dictionary of metric names: two hash tables over the same entries, by name and by number. */
#include "ingest/keys.h"

#include "base/hash.h"
#include "base/lock.h"
#include "store/metric.h"

#include <stdlib.h>

/* Tables start this large and double when half full. */
#define FIRST_SLOTS 256
/* Another transaction may be making the same name; one more look finds it when that one has committed. */
#define RESOLVE_TRIES 5

struct entry
{
  uint64_t hash;
  uint32_t key_id;
  uint32_t length;
  char name[];
};

struct metric_keys
{
  struct lock lock; /* guards everything below; a leaf */
  struct entry **by_name;
  struct entry **by_id;
  size_t slots; /* of both tables, a power of two */
  size_t count;
  size_t bytes;
  size_t max_bytes;
};

/* No adversary gains more than a longer chain inside a bounded table. */
static uint64_t
hash_name (struct slice name)
{
  uint64_t hash = hash_bytes (HASH_START, name.data, name.len);

  return hash ^ hash >> 32;
}

/* Knuth's multiplicative hash: numbers are dense. */
static size_t
hash_id (uint32_t key_id)
{
  return (size_t)key_id * 2654435761u;
}

struct metric_keys *
metric_keys_new (size_t max_bytes)
{
  struct metric_keys *keys = calloc (1, sizeof (struct metric_keys));

  if (NULL == keys)
    return NULL;
  lock_init (&keys->lock);
  keys->max_bytes = max_bytes;
  return keys;
}

static void
forget_locked (struct metric_keys *keys)
{
  for (size_t i = 0; i < keys->slots; i++)
    free (keys->by_name[i]);
  free (keys->by_name);
  free (keys->by_id);
  keys->by_name = NULL;
  keys->by_id = NULL;
  keys->slots = 0;
  keys->count = 0;
  keys->bytes = 0;
}

void
metric_keys_free (struct metric_keys *keys)
{
  if (NULL == keys)
    return;
  lock_acquire (&keys->lock);
  forget_locked (keys);
  lock_release (&keys->lock);
  lock_destroy (&keys->lock);
  free (keys);
}

static struct entry *
find_name_locked (const struct metric_keys *keys, struct slice name)
{
  uint64_t hash = hash_name (name);

  if (0 == keys->slots)
    return NULL;
  for (size_t slot = hash & (keys->slots - 1); NULL != keys->by_name[slot]; slot = (slot + 1) & (keys->slots - 1))
  {
    struct entry *entry = keys->by_name[slot];

    if (entry->hash == hash && entry->length == name.len && 0 == memcmp (entry->name, name.data, name.len))
      return entry;
  }
  return NULL;
}

static struct entry *
find_id_locked (const struct metric_keys *keys, uint32_t key_id)
{
  if (0 == keys->slots)
    return NULL;
  for (size_t slot = hash_id (key_id) & (keys->slots - 1); NULL != keys->by_id[slot];
       slot = (slot + 1) & (keys->slots - 1))
    if (keys->by_id[slot]->key_id == key_id)
      return keys->by_id[slot];
  return NULL;
}

static void
place (struct entry **table, size_t slots, size_t slot, struct entry *entry)
{
  slot &= slots - 1;
  while (NULL != table[slot])
    slot = (slot + 1) & (slots - 1);
  table[slot] = entry;
}

static bool
grow_locked (struct metric_keys *keys)
{
  size_t slots = 0 == keys->slots ? FIRST_SLOTS : keys->slots * 2;
  struct entry **by_name = calloc (slots, sizeof (struct entry *));
  struct entry **by_id = calloc (slots, sizeof (struct entry *));

  if (NULL == by_name || NULL == by_id)
  {
    free (by_name);
    free (by_id);
    return false;
  }
  for (size_t i = 0; i < keys->slots; i++)
    if (NULL != keys->by_name[i])
    {
      place (by_name, slots, keys->by_name[i]->hash, keys->by_name[i]);
      place (by_id, slots, hash_id (keys->by_name[i]->key_id), keys->by_name[i]);
    }
  free (keys->by_name);
  free (keys->by_id);
  keys->by_name = by_name;
  keys->by_id = by_id;
  keys->slots = slots;
  return true;
}

/* Remember a name; not remembering it, for lack of memory, only costs another question. */
static void
remember (struct metric_keys *keys, uint32_t key_id, struct slice name)
{
  size_t bytes = sizeof (struct entry) + name.len;
  struct entry *entry;

  lock_acquire (&keys->lock);
  if (NULL != find_name_locked (keys, name))
    goto out;
  if (keys->bytes + bytes > keys->max_bytes)
    forget_locked (keys);
  if (keys->count * 2 >= keys->slots && ! grow_locked (keys))
    goto out;
  entry = malloc (bytes);
  if (NULL == entry)
    goto out;
  entry->hash = hash_name (name);
  entry->key_id = key_id;
  entry->length = (uint32_t)name.len;
  memcpy (entry->name, name.data, name.len);
  place (keys->by_name, keys->slots, entry->hash, entry);
  place (keys->by_id, keys->slots, hash_id (key_id), entry);
  keys->count++;
  keys->bytes += bytes;
out:
  lock_release (&keys->lock);
}

/* Set what is known; returns how many are not, with their names in `missing`. */
static size_t
look_up (struct slice *missing, struct metric_keys *keys, struct metric_entry *const *entries, size_t count)
{
  size_t unknown = 0;

  lock_acquire (&keys->lock);
  for (size_t i = 0; i < count; i++)
  {
    const struct entry *entry;

    if (0 != entries[i]->point.key_id)
      continue;
    /* Batches often repeat a key: look at the one before first. */
    if (i > 0 && 0 != entries[i - 1]->point.key_id && slice_equal (entries[i - 1]->key, entries[i]->key))
    {
      entries[i]->point.key_id = entries[i - 1]->point.key_id;
      continue;
    }
    entry = find_name_locked (keys, entries[i]->key);
    if (NULL != entry)
      entries[i]->point.key_id = entry->key_id;
    else
      missing[unknown++] = entries[i]->key;
  }
  lock_release (&keys->lock);
  return unknown;
}

static size_t
sort_distinct (struct slice *names, size_t count)
{
  size_t kept = 0;

  qsort (names, count, sizeof (names[0]), slice_compare_items);
  for (size_t i = 0; i < count; i++)
    if (0 == kept || ! slice_equal (names[kept - 1], names[i]))
      names[kept++] = names[i];
  return kept;
}

/* Names that are asked of the database, sorted and distinct, and the numbers that come back; 0 where none did. */
struct resolution
{
  struct metric_keys *keys;
  struct slice *names;
  uint32_t *key_ids;
  size_t count;
};

static uint32_t *
resolved (const struct resolution *resolution, struct slice name)
{
  const struct slice *found =
      bsearch (&name, resolution->names, resolution->count, sizeof (resolution->names[0]), slice_compare_items);

  return NULL == found ? NULL : &resolution->key_ids[found - resolution->names];
}

/* Numbers are taken from the rows themselves: what is remembered may be forgotten again before it is read. */
static enum err_code
resolve_row (void *context, int32_t key_id, struct slice name, struct err *err)
{
  struct resolution *resolution = context;
  uint32_t *slot = resolved (resolution, name);

  (void)err;
  if (NULL != slot)
    *slot = (uint32_t)key_id;
  remember (resolution->keys, (uint32_t)key_id, name);
  return ERR_OK;
}

static enum err_code
ask_names (struct resolution *resolution, struct store_connection *connection, struct metric_entry *const *entries,
           size_t count, struct arena *arena, struct err *err)
{
  enum err_code code;

  resolution->count = sort_distinct (resolution->names, resolution->count);
  memset (resolution->key_ids, 0, resolution->count * sizeof (resolution->key_ids[0]));
  code =
      store_metric_key_resolve (connection, resolution->names, resolution->count, resolve_row, resolution, arena, err);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
    if (0 == entries[i]->point.key_id)
    {
      const uint32_t *key_id = resolved (resolution, entries[i]->key);

      entries[i]->point.key_id = NULL == key_id ? 0 : *key_id;
    }
  return code;
}

enum err_code
metric_keys_resolve (struct metric_keys *keys, struct store_connection *connection, struct metric_entry *const *entries,
                     size_t count, struct arena *arena, struct err *err)
{
  struct resolution resolution = { .keys = keys,
                                   .names = arena_array (arena, count, sizeof (struct slice)),
                                   .key_ids = arena_array (arena, count, sizeof (uint32_t)) };

  if (NULL == resolution.names || NULL == resolution.key_ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (unsigned attempt = 0; 0 != (resolution.count = look_up (resolution.names, keys, entries, count)); attempt++)
  {
    enum err_code code;

    if (RESOLVE_TRIES == attempt)
      return err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, "metric names are being made by others",
                            "The database is busy; try again shortly.");
    code = ask_names (&resolution, connection, entries, count, arena, err);
    if (ERR_OK != code)
      return code;
  }
  return ERR_OK;
}

enum err_code
metric_keys_find (bool *found, uint32_t *key_id, struct metric_keys *keys, struct store_connection *connection,
                  struct slice name, struct err *err)
{
  const struct entry *entry;
  int32_t number = 0;
  enum err_code code;

  lock_acquire (&keys->lock);
  entry = find_name_locked (keys, name);
  *found = NULL != entry;
  *key_id = NULL != entry ? entry->key_id : 0;
  lock_release (&keys->lock);
  if (*found)
    return ERR_OK;
  code = store_metric_key_find (&number, connection, name, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return ERR_OK;
  if (ERR_OK != code)
    return code;
  remember (keys, (uint32_t)number, name);
  *found = true;
  *key_id = (uint32_t)number;
  return ERR_OK;
}

/* Copy the names that are known; returns how many are not, with their numbers in `missing`. */
static size_t
copy_names (int64_t *missing, struct slice *names, struct metric_keys *keys, const uint32_t *key_ids, size_t count,
            struct arena *arena)
{
  size_t unknown = 0;

  lock_acquire (&keys->lock);
  for (size_t i = 0; i < count; i++)
  {
    const struct entry *entry = NULL == names[i].data ? find_id_locked (keys, key_ids[i]) : NULL;

    if (NULL != entry)
      names[i] = (struct slice){ arena_copy (arena, entry->name, entry->length), entry->length };
    else if (NULL == names[i].data)
      missing[unknown++] = key_ids[i];
  }
  lock_release (&keys->lock);
  return unknown;
}

/* A number and the place of its name. */
struct numbered
{
  uint32_t key_id; /* first, for compare_numbers */
  size_t position;
};

/* The names that are wanted, by number. */
struct naming
{
  struct metric_keys *keys;
  struct slice *names;
  struct numbered *wanted; /* sorted */
  size_t count;
  struct arena *arena;
};

static int
compare_numbers (const void *a, const void *b)
{
  const uint32_t *left = a;
  const uint32_t *right = b;

  return (*left > *right) - (*left < *right);
}

static enum err_code
name_row (void *context, int32_t key_id, struct slice name, struct err *err)
{
  struct naming *naming = context;
  const uint32_t number = (uint32_t)key_id;
  const struct numbered *found =
      bsearch (&number, naming->wanted, naming->count, sizeof (naming->wanted[0]), compare_numbers);

  if (NULL != found)
    naming->names[found->position] = (struct slice){ arena_string (naming->arena, name), name.len };
  if (arena_overflowed (naming->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  remember (naming->keys, number, name);
  return ERR_OK;
}

enum err_code
metric_keys_names (struct slice *names, struct metric_keys *keys, struct store_connection *connection,
                   const uint32_t *key_ids, size_t count, struct arena *arena, struct err *err)
{
  struct naming naming = { keys, names, arena_array (arena, count, sizeof (struct numbered)), count, arena };
  int64_t *missing = arena_array (arena, count, sizeof (int64_t));
  size_t unknown;
  enum err_code code = ERR_OK;

  if (NULL == missing || NULL == naming.wanted)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    names[i] = (struct slice){ NULL, 0 };
    naming.wanted[i] = (struct numbered){ key_ids[i], i };
  }
  qsort (naming.wanted, count, sizeof (naming.wanted[0]), compare_numbers);
  unknown = copy_names (missing, names, keys, key_ids, count, arena);
  if (unknown > 0)
    code = store_metric_key_names (connection, missing, unknown, name_row, &naming, arena, err);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
    if (NULL == names[i].data)
      code = err_set_cause (err, ERR_INTERNAL_ERROR, "a metric name is missing", "internal error");
  return code;
}
