/* A table of runs by their ids: open addressing, because ids are random already. */
#include "run_table.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry
{
  struct run_key key;
  bool used;
  enum run_state state;
  char id[TALLY_RUN_ID_BYTES];
  int64_t sought_since_ms; /* 0: not yet */
  struct tally_error *why; /* owned; of REFUSED */
};

struct run_table
{
  pthread_mutex_t lock; /* guards all that follows */
  struct entry *entries;
  size_t capacity; /* a power of two */
  size_t count;
};

/* Jobs have a few runs. */
#define FIRST_CAPACITY 16

enum tally_code
run_table_new (struct run_table **table, struct tally_error *err)
{
  struct run_table *made = calloc (1, sizeof (*made));

  *table = NULL;
  if (NULL == made)
    return error_memory (err);
  made->entries = calloc (FIRST_CAPACITY, sizeof (*made->entries));
  if (NULL == made->entries)
  {
    free (made);
    return error_memory (err);
  }
  made->capacity = FIRST_CAPACITY;
  pthread_mutex_init (&made->lock, NULL);
  *table = made;
  return TALLY_OK;
}

void
run_table_free (struct run_table *table, bool forked)
{
  if (NULL == table)
    return;
  for (size_t i = 0; i < table->capacity; i++)
    free (table->entries[i].why);
  free (table->entries);
  if (! forked)
    pthread_mutex_destroy (&table->lock);
  free (table);
}

/* The entry of a run, or the free place where it belongs. */
static struct entry *
find (struct entry *entries, size_t capacity, const struct run_key *run)
{
  uint64_t start;

  memcpy (&start, run->bytes, sizeof (start));
  for (size_t i = (size_t)start & (capacity - 1);; i = (i + 1) & (capacity - 1))
    if (! entries[i].used || run_key_equal (&entries[i].key, run))
      return &entries[i];
}

/* Room for one more: at most three quarters are used. */
static bool
grow (struct run_table *table)
{
  size_t capacity = table->capacity * 2;
  struct entry *entries;

  if (table->count * 4 < table->capacity * 3)
    return true;
  entries = calloc (capacity, sizeof (*entries));
  if (NULL == entries)
    return false;
  for (size_t i = 0; i < table->capacity; i++)
    if (table->entries[i].used)
      *find (entries, capacity, &table->entries[i].key) = table->entries[i];
  free (table->entries);
  table->entries = entries;
  table->capacity = capacity;
  return true;
}

/* The entry of a run, made when there is none; NULL when memory is out. Under the lock. */
static struct entry *
obtain (struct run_table *table, const struct run_key *run)
{
  struct entry *entry;

  if (! grow (table))
    return NULL;
  entry = find (table->entries, table->capacity, run);
  if (! entry->used)
  {
    entry->used = true;
    entry->key = *run;
    table->count++;
  }
  return entry;
}

enum run_state
run_table_get (char id[TALLY_RUN_ID_BYTES], struct run_table *table, const struct run_key *run, struct tally_error *why)
{
  const struct entry *entry;
  enum run_state state;

  pthread_mutex_lock (&table->lock);
  entry = find (table->entries, table->capacity, run);
  state = entry->used ? entry->state : RUN_UNKNOWN;
  if (RUN_KNOWN == state && NULL != id)
    memcpy (id, entry->id, sizeof (entry->id));
  if (RUN_REFUSED == state && NULL != why)
    *why = *entry->why;
  pthread_mutex_unlock (&table->lock);
  return state;
}

enum tally_code
run_table_set_id (struct run_table *table, const struct run_key *run, const char *id, struct tally_error *err)
{
  struct entry *entry;

  pthread_mutex_lock (&table->lock);
  entry = obtain (table, run);
  if (NULL != entry)
  {
    entry->state = RUN_KNOWN;
    snprintf (entry->id, sizeof (entry->id), "%s", id);
  }
  pthread_mutex_unlock (&table->lock);
  return NULL == entry ? error_memory (err) : TALLY_OK;
}

enum tally_code
run_table_set_refused (struct run_table *table, const struct run_key *run, const struct tally_error *why,
                       struct tally_error *err)
{
  struct tally_error *copy = malloc (sizeof (*copy));
  struct entry *entry = NULL;

  if (NULL == copy)
    return error_memory (err);
  *copy = *why;
  pthread_mutex_lock (&table->lock);
  entry = obtain (table, run);
  if (NULL != entry)
  {
    free (entry->why);
    entry->why = copy;
    entry->state = RUN_REFUSED;
    copy = NULL;
  }
  pthread_mutex_unlock (&table->lock);
  free (copy);
  return NULL == entry ? error_memory (err) : TALLY_OK;
}

int64_t
run_table_sought_since (struct run_table *table, const struct run_key *run, int64_t now_ms)
{
  struct entry *entry;
  int64_t since_ms = now_ms;

  pthread_mutex_lock (&table->lock);
  entry = obtain (table, run);
  if (NULL != entry && 0 == entry->sought_since_ms)
    entry->sought_since_ms = now_ms;
  if (NULL != entry)
    since_ms = entry->sought_since_ms;
  pthread_mutex_unlock (&table->lock);
  return since_ms;
}
