/* Natural group commit over a few threads with one database connection each.

   DESIGN
   An idle thread takes everything that waits. While a commit is under way a second thread starts another only when at
   least as much waits as the running one carries divided by the number of threads: so with a slow disk commits overlap
   (throughput does not follow the disk's flush time), and with a fast one groups stay large. There is no timer: a
   single client's request is committed at once.
   A waiting thread is woken only when it may take a group, and one at a time: a request that has to wait for the next
   group wakes nobody, so a wake-up costs each group once and not each request. */
#include "ingest/committer.h"

#include "base/clock.h"
#include "base/stats.h"

#include <stdlib.h>

struct committer
{
  struct committer_options options;
  struct store *store;
  struct queue queue; /* its lock guards what follows up to `started` too */
  size_t busy_threads; /* threads with a commit under way */
  size_t idle_threads; /* threads that wait for a group */
  bool called; /* one of those was woken and has not looked yet */
  size_t last_group_count; /* items of the group started last */
  unsigned started;
  pthread_t *threads;
};

static bool
may_take_locked (const struct committer *committer)
{
  if (NULL == committer->queue.first)
    return false;
  if (0 == committer->busy_threads || committer->queue.closed)
    return true;
  return committer->queue.count * committer->options.threads >= committer->last_group_count;
}

/* Wake a waiting thread when there is a group for it. Whoever changes what may_take_locked looks at calls this. */
static void
call_one_locked (struct committer *committer)
{
  if (committer->called || 0 == committer->idle_threads || ! may_take_locked (committer))
    return;
  committer->called = true;
  condition_signal (&committer->queue.changed);
}

/* The next group as a chain; NULL when the committer stops. */
static struct queue_entry *
take_group (struct committer *committer, size_t *count)
{
  struct queue *queue = &committer->queue;
  struct queue_entry *chain;

  lock_acquire (&queue->lock);
  while (! may_take_locked (committer))
  {
    if (queue->closed && NULL == queue->first)
      break;
    committer->idle_threads++;
    condition_wait (&queue->changed, &queue->lock);
    committer->idle_threads--;
    committer->called = false;
  }
  chain = queue_take_locked (queue, committer->options.group_max_count, committer->options.group_max_bytes, count);
  if (NULL != chain)
  {
    committer->busy_threads++;
    committer->last_group_count = *count;
  }
  /* What is left may be enough for another. */
  call_one_locked (committer);
  lock_release (&queue->lock);
  return chain;
}

static void
group_done (struct committer *committer)
{
  lock_acquire (&committer->queue.lock);
  committer->busy_threads--;
  call_one_locked (committer);
  lock_release (&committer->queue.lock);
}

/* When an item must be answered: the budget counts from when it was queued, not from when its group starts. */
static uint64_t
deadline_of (const struct committer *committer, const struct commit_item *item)
{
  return item->entry.queued_us + committer->options.budget_us;
}

static enum err_code
too_late (struct err *err)
{
  return err_set (err, ERR_TEMPORARILY_UNAVAILABLE, "The request took longer than its time budget.");
}

/* `items` begins with the one that has waited longest. */
static enum err_code
flush_once (struct committer *committer, struct store_connection *connection, struct commit_item **items, size_t count,
            struct err *err)
{
  uint64_t deadline_us = deadline_of (committer, items[0]);
  uint64_t spent_us;
  enum err_code code;

  if (clock_monotonic_us () >= deadline_us)
    return too_late (err);
  store_start_request (connection, deadline_us);
  code = committer->options.flush (connection, items, count, committer->options.context, err);
  spent_us = store_end_request (connection);
  stats_add (&stats.database_us, (int64_t)spent_us);
  for (size_t i = 0; i < count; i++)
    items[i]->database_us += spent_us;
  return code;
}

static void
flush_group (struct committer *committer, struct store_connection *connection, struct commit_item **items, size_t count)
{
  struct err err = { 0 };
  enum err_code code = flush_once (committer, connection, items, count, &err);

  /* A failure without a text must not look like success. */
  if (ERR_OK != code && ERR_OK == err.code)
    (void)err_set_cause (&err, ERR_INTERNAL_ERROR, "a group failed without a reason", "internal error");
  if (ERR_OK != code && ERR_TEMPORARILY_UNAVAILABLE != code && count > 1)
  {
    /* One of them is at fault: each for itself. */
    for (size_t i = 0; i < count; i++)
    {
      err_clear (items[i]->err);
      (void)flush_once (committer, connection, &items[i], 1, items[i]->err);
    }
  }
  else if (ERR_OK != code)
  {
    for (size_t i = 0; i < count; i++)
      if (ERR_OK == items[i]->err->code)
        *items[i]->err = err;
  }
  stats_add (&stats.commit_groups, 1);
  stats_add (&stats.commit_requests, (int64_t)count);
}

/* Fail what is too late already, so that it does not take the time of the others; returns how many that are. */
static size_t
refuse_late (const struct committer *committer, struct commit_item **items, size_t count)
{
  uint64_t now_us = clock_monotonic_us ();
  size_t late = 0;

  while (late < count && now_us >= deadline_of (committer, items[late]))
    (void)too_late (items[late++]->err);
  return late;
}

static void *
run (void *context)
{
  struct committer *committer = context;
  struct store_connection *connection = store_connection_new (committer->store);
  struct commit_item **items = calloc (committer->options.group_max_count, sizeof (struct commit_item *));
  struct queue_entry *chain;
  size_t count;
  size_t late;

  if (NULL == connection || NULL == items)
    abort (); /* only at start-up */
  while (NULL != (chain = take_group (committer, &count)))
  {
    for (size_t i = 0; i < count; i++, chain = chain->next)
      items[i] = (struct commit_item *)chain;
    late = refuse_late (committer, items, count);
    if (late < count)
      flush_group (committer, connection, items + late, count - late);
    /* Let the next group start before this one's answers are written. */
    group_done (committer);
    for (size_t i = 0; i < count; i++)
      items[i]->done (items[i]);
  }
  free (items);
  store_connection_free (connection);
  return NULL;
}

struct committer *
committer_start (struct store *store, const struct committer_options *options)
{
  struct committer *committer = calloc (1, sizeof (struct committer));

  if (NULL == committer)
    return NULL;
  committer->options = *options;
  committer->store = store;
  queue_init (&committer->queue, options->max_count, options->max_bytes);
  committer->threads = calloc (options->threads, sizeof (pthread_t));
  if (NULL == committer->threads)
    goto fail;
  for (; committer->started < options->threads; committer->started++)
    if (0 != pthread_create (&committer->threads[committer->started], NULL, run, committer))
      goto fail;
  return committer;

fail:
  committer_stop (committer);
  committer_free (committer);
  return NULL;
}

bool
committer_submit (struct committer *committer, struct commit_item *item)
{
  bool accepted;

  item->database_us = 0;
  lock_acquire (&committer->queue.lock);
  accepted = queue_append_locked (&committer->queue, &item->entry);
  if (accepted)
    call_one_locked (committer);
  lock_release (&committer->queue.lock);
  return accepted;
}

size_t
committer_waiting (struct committer *committer)
{
  return queue_count (&committer->queue);
}

void
committer_stop (struct committer *committer)
{
  if (NULL == committer)
    return;
  queue_close (&committer->queue);
  for (unsigned i = 0; i < committer->started; i++)
    (void)pthread_join (committer->threads[i], NULL);
  committer->started = 0;
}

void
committer_free (struct committer *committer)
{
  if (NULL == committer)
    return;
  free (committer->threads);
  queue_destroy (&committer->queue);
  free (committer);
}
