/* Links of runs and contexts in memory: one hash table over the texts and the run. */
#include "ingest/contexts.h"

#include "base/hash.h"
#include "base/lock.h"

#include <stdlib.h>

/* The table starts this large and doubles when half full. */
#define FIRST_SLOTS 256
/* Another transaction may be making the same context; one more look finds it when that one has committed. */
#define RESOLVE_TRIES 5

#define TEXTS 3

struct entry
{
  uint64_t hash;
  struct uuid run_id;
  uint32_t lengths[TEXTS];
  char texts[]; /* one behind the other */
};

struct metric_contexts
{
  struct lock lock; /* guards everything below; a leaf */
  struct entry **slots;
  size_t slot_count; /* a power of two, or 0 */
  size_t count;
  size_t bytes;
  size_t max_bytes;
};

struct metric_contexts *
metric_contexts_new (size_t max_bytes)
{
  struct metric_contexts *contexts = calloc (1, sizeof (struct metric_contexts));

  if (NULL == contexts)
    return NULL;
  lock_init (&contexts->lock);
  contexts->max_bytes = max_bytes;
  return contexts;
}

static void
forget_locked (struct metric_contexts *contexts)
{
  for (size_t i = 0; i < contexts->slot_count; i++)
    free (contexts->slots[i]);
  free (contexts->slots);
  contexts->slots = NULL;
  contexts->slot_count = 0;
  contexts->count = 0;
  contexts->bytes = 0;
}

void
metric_contexts_free (struct metric_contexts *contexts)
{
  if (NULL == contexts)
    return;
  lock_acquire (&contexts->lock);
  forget_locked (contexts);
  lock_release (&contexts->lock);
  lock_destroy (&contexts->lock);
  free (contexts);
}

static void
texts_of (struct slice texts[TEXTS], const struct metric_context *context)
{
  texts[0] = context->model_id;
  texts[1] = context->dataset_name;
  texts[2] = context->dataset_digest;
}

static uint64_t
hash_link (const struct metric_link *link)
{
  struct slice texts[TEXTS];
  uint64_t hash = hash_bytes (HASH_START, &link->run_id, sizeof (link->run_id));

  texts_of (texts, link->context);
  for (size_t i = 0; i < TEXTS; i++)
    hash = hash_bytes (hash_bytes (hash, texts[i].data, texts[i].len), "\xFF", 1);
  return hash ^ hash >> 32;
}

static bool
same_link (const struct entry *entry, const struct metric_link *link)
{
  struct slice texts[TEXTS];
  const char *at = entry->texts;
  bool same = 0 == memcmp (&entry->run_id, &link->run_id, sizeof (entry->run_id));

  texts_of (texts, link->context);
  for (size_t i = 0; i < TEXTS && same; i++)
  {
    same = slice_equal ((struct slice){ at, entry->lengths[i] }, texts[i]);
    at += entry->lengths[i];
  }
  return same;
}

/* The slot of a link, or the free one where it would go. There is a free one. */
static size_t
find_slot_locked (const struct metric_contexts *contexts, uint64_t hash, const struct metric_link *link)
{
  size_t mask = contexts->slot_count - 1;
  size_t slot = hash & mask;

  while (NULL != contexts->slots[slot]
         && ! (contexts->slots[slot]->hash == hash && same_link (contexts->slots[slot], link)))
    slot = (slot + 1) & mask;
  return slot;
}

static bool
grow_locked (struct metric_contexts *contexts)
{
  size_t slot_count = 0 == contexts->slot_count ? FIRST_SLOTS : contexts->slot_count * 2;
  struct entry **slots = calloc (slot_count, sizeof (struct entry *));

  if (NULL == slots)
    return false;
  for (size_t i = 0; i < contexts->slot_count; i++)
    if (NULL != contexts->slots[i])
    {
      size_t slot = contexts->slots[i]->hash & (slot_count - 1);

      while (NULL != slots[slot])
        slot = (slot + 1) & (slot_count - 1);
      slots[slot] = contexts->slots[i];
    }
  free (contexts->slots);
  contexts->slots = slots;
  contexts->slot_count = slot_count;
  return true;
}

void
metric_contexts_remember (struct metric_contexts *contexts, const struct metric_link *link)
{
  struct slice texts[TEXTS];
  size_t bytes = sizeof (struct entry);
  uint64_t hash = hash_link (link);
  struct entry *entry;
  char *at;
  size_t slot;

  if (NULL == contexts)
    return;
  texts_of (texts, link->context);
  for (size_t i = 0; i < TEXTS; i++)
    bytes += texts[i].len;
  lock_acquire (&contexts->lock);
  if (contexts->bytes + bytes > contexts->max_bytes)
    forget_locked (contexts);
  /* Not remembering one, for lack of memory, only costs another question. */
  if (contexts->count * 2 >= contexts->slot_count && ! grow_locked (contexts))
    goto out;
  slot = find_slot_locked (contexts, hash, link);
  if (NULL != contexts->slots[slot] || NULL == (entry = malloc (bytes)))
    goto out;
  entry->hash = hash;
  entry->run_id = link->run_id;
  at = entry->texts;
  for (size_t i = 0; i < TEXTS; i++)
  {
    entry->lengths[i] = (uint32_t)texts[i].len;
    if (texts[i].len > 0)
      memcpy (at, texts[i].data, texts[i].len);
    at += texts[i].len;
  }
  contexts->slots[slot] = entry;
  contexts->count++;
  contexts->bytes += bytes;
out:
  lock_release (&contexts->lock);
}

/* The indexes of links that are not known, into `unknown`; returns how many. */
static size_t
find_unknown (size_t *unknown, struct metric_contexts *contexts, const struct metric_link *links, size_t count)
{
  size_t found = 0;

  if (NULL == contexts)
  {
    for (size_t i = 0; i < count; i++)
      unknown[found++] = i;
    return found;
  }
  lock_acquire (&contexts->lock);
  for (size_t i = 0; i < count; i++)
    if (0 == contexts->slot_count
        || NULL == contexts->slots[find_slot_locked (contexts, hash_link (&links[i]), &links[i])])
      unknown[found++] = i;
  lock_release (&contexts->lock);
  return found;
}

enum err_code
metric_contexts_resolve (struct metric_contexts *contexts, struct store_connection *connection,
                         struct metric_link *links, size_t count, struct arena *arena, struct err *err)
{
  size_t *unknown = arena_array (arena, count, sizeof (size_t));
  struct store_context *wanted = arena_array (arena, count, sizeof (struct store_context));
  size_t left;

  if (NULL == unknown || NULL == wanted)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    links[i].context_id = 0;
    links[i].refused = false;
  }
  left = find_unknown (unknown, contexts, links, count);
  for (unsigned attempt = 0; left > 0; attempt++)
  {
    size_t again = 0;
    enum err_code code;

    if (RESOLVE_TRIES == attempt)
      return err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, "contexts are being made by others",
                            "The database is busy; try again shortly.");
    for (size_t i = 0; i < left; i++)
    {
      const struct metric_context *context = links[unknown[i]].context;

      wanted[i] = (struct store_context){ .model_id = context->model_id,
                                          .dataset_name = context->dataset_name,
                                          .dataset_digest = context->dataset_digest };
    }
    code = store_contexts_resolve (connection, wanted, left, arena, err);
    if (ERR_OK != code)
      return code;
    for (size_t i = 0; i < left; i++)
    {
      links[unknown[i]].context_id = wanted[i].context_id;
      links[unknown[i]].refused = ! wanted[i].model_exists;
      if (wanted[i].model_exists && 0 == wanted[i].context_id)
        unknown[again++] = unknown[i];
    }
    left = again;
  }
  return ERR_OK;
}

struct store_context_links
metric_links_new (const struct metric_link *links, size_t count, struct arena *arena)
{
  struct uuid *run_ids = arena_array (arena, count, sizeof (struct uuid));
  int64_t *context_ids = arena_array (arena, count, sizeof (int64_t));
  struct store_context_links out = { run_ids, context_ids, 0 };

  for (size_t i = 0; i < count && NULL != run_ids && NULL != context_ids; i++)
    if (0 != links[i].context_id)
    {
      run_ids[out.count] = links[i].run_id;
      context_ids[out.count++] = links[i].context_id;
    }
  return out;
}

enum err_code
metric_model_unknown (struct err *err, struct slice model_id)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Logged model with ID '%.*s' not found.", SLICE_ARG (model_id));
}
