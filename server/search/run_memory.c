/* Tables of runs: who has them, and which go when memory is short. */
#include "search/run_memory.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/stats.h"

#include <stdlib.h>

/* Buckets of the table of tables: experiments searched at one time are some dozens. */
#define BUCKETS 256

/* How long many may wait: longer than searches in memory take, however many are in front. */
#define PATIENCE_US 1000000

/* Rows of removed runs that are not worth a look. */
#define GONE_ROWS 4096

struct run_memory
{
  struct lock lock; /* guards all members and the members of tables that are said to be run_memory's */
  struct condition given_back;
  size_t max_bytes;
  size_t search_max_bytes;
  size_t most_waiting;
  size_t waiting; /* threads */
  size_t bytes;
  struct run_table *buckets[BUCKETS];
  struct lru idle; /* tables that nobody has */
};

struct run_memory *
run_memory_new (size_t max_bytes, size_t search_max_bytes, size_t most_waiting)
{
  struct run_memory *memory = calloc (1, sizeof (*memory));

  if (NULL == memory)
    return NULL;
  lock_init (&memory->lock);
  condition_init (&memory->given_back);
  memory->max_bytes = max_bytes;
  memory->search_max_bytes = search_max_bytes;
  memory->most_waiting = most_waiting;
  return memory;
}

void
run_memory_free (struct run_memory *memory)
{
  if (NULL == memory)
    return;
  for (size_t i = 0; i < BUCKETS; i++)
    while (NULL != memory->buckets[i])
    {
      struct run_table *table = memory->buckets[i];

      memory->buckets[i] = table->next_of_bucket;
      run_table_free (table);
    }
  condition_destroy (&memory->given_back);
  lock_destroy (&memory->lock);
  free (memory);
}

static struct run_table **
find (struct run_memory *memory, int64_t experiment_id)
{
  struct run_table **link = &memory->buckets[(uint64_t)experiment_id % BUCKETS];

  while (NULL != *link && (*link)->experiment_id != experiment_id)
    link = &(*link)->next_of_bucket;
  return link;
}

/* Take a table out for good; it is not linked as idle. The caller frees it, outside of the lock. */
static void
forget (struct run_memory *memory, struct run_table *table)
{
  *find (memory, table->experiment_id) = table->next_of_bucket;
  memory->bytes -= table->bytes;
  stats_add (&stats.search_tables, -1);
}

/* Wait until a table was given back. While a large experiment is read for the first time, those who want it too must
   not keep all workers from other work: when many wait, none waits long. */
static bool
wait_for_return (struct run_memory *memory, uint64_t deadline_us)
{
  uint64_t patience_us = clock_monotonic_us () + PATIENCE_US;
  bool returned;

  memory->waiting++;
  do
  {
    uint64_t until_us = deadline_us < patience_us ? deadline_us : patience_us;

    returned = condition_wait_until (&memory->given_back, &memory->lock, until_us);
    patience_us += PATIENCE_US;
  } while (! returned && memory->waiting <= memory->most_waiting && clock_monotonic_us () < deadline_us);
  memory->waiting--;
  return returned;
}

static enum err_code
take_one (struct run_table **taken, struct run_memory *memory, int64_t experiment_id, uint64_t deadline_us,
          struct err *err)
{
  struct run_table **link;

  while (NULL != *(link = find (memory, experiment_id)) && (*link)->busy)
    if (! wait_for_return (memory, deadline_us))
      return err_set (err, ERR_TEMPORARILY_UNAVAILABLE,
                      "Other searches of this experiment take too long; try again shortly.");
  if (NULL == *link)
  {
    *link = run_table_new (experiment_id);
    if (NULL == *link)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    stats_add (&stats.search_tables, 1);
  }
  else
    lru_remove (&memory->idle, &(*link)->use);
  (*link)->busy = true;
  *taken = *link;
  return ERR_OK;
}

enum err_code
run_memory_take (struct run_table **tables, struct run_memory *memory, const int64_t *experiment_ids, size_t count,
                 uint64_t deadline_us, struct err *err)
{
  size_t taken = 0;
  enum err_code code = ERR_OK;

  lock_acquire (&memory->lock);
  for (; ERR_OK == code && taken < count; taken++)
    code = take_one (&tables[taken], memory, experiment_ids[taken], deadline_us, err);
  lock_release (&memory->lock);
  if (ERR_OK != code)
    run_memory_give_back (memory, tables, taken - 1);
  return code;
}

void
run_memory_give_back (struct run_memory *memory, struct run_table *const *tables, size_t count)
{
  struct run_table *dropped = NULL;

  for (size_t i = 0; i < count; i++)
  {
    run_table_tidy (tables[i]);
    /* Rows of removed runs are found by no search; a table of mostly such is read anew when it is needed. */
    if (tables[i]->gone > GONE_ROWS && tables[i]->gone > tables[i]->count / 2)
      tables[i]->doomed = true;
    /* One table alone keeps within the budget too, or goes. */
    if (NULL == tables[i]->newest || ! run_table_shrink (tables[i], memory->max_bytes))
      tables[i]->doomed = true;
  }
  lock_acquire (&memory->lock);
  for (size_t i = 0; i < count; i++)
  {
    struct run_table *table = tables[i];

    memory->bytes -= table->bytes;
    table->bytes = run_table_bytes (table);
    memory->bytes += table->bytes;
    table->busy = false;
    lru_add (&memory->idle, &table->use);
  }
  for (size_t i = 0; i < count; i++)
    if (tables[i]->doomed)
    {
      lru_remove (&memory->idle, &tables[i]->use);
      forget (memory, tables[i]);
      tables[i]->next_of_bucket = dropped;
      dropped = tables[i];
    }
  while (memory->bytes > memory->max_bytes && NULL != memory->idle.oldest)
  {
    struct run_table *oldest = (struct run_table *)memory->idle.oldest;

    lru_remove (&memory->idle, &oldest->use);
    forget (memory, oldest);
    oldest->next_of_bucket = dropped;
    dropped = oldest;
  }
  condition_broadcast (&memory->given_back);
  stats_set (&stats.search_memory, (int64_t)memory->bytes);
  lock_release (&memory->lock);
  while (NULL != dropped)
  {
    struct run_table *next = dropped->next_of_bucket;

    run_table_free (dropped);
    dropped = next;
  }
}

bool
run_memory_has (struct run_memory *memory, const int64_t *experiment_ids, size_t count)
{
  bool has = true;

  lock_acquire (&memory->lock);
  for (size_t i = 0; has && i < count; i++)
  {
    const struct run_table *table = *find (memory, experiment_ids[i]);

    has = NULL != table && table->bytes > 0; /* counted once it was read and given back */
  }
  lock_release (&memory->lock);
  return has;
}

size_t
run_memory_limit (const struct run_memory *memory)
{
  return memory->search_max_bytes;
}
