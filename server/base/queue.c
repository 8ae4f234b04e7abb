/* A bounded queue between threads. */
#include "base/queue.h"

#include "base/clock.h"

void
queue_init (struct queue *queue, size_t max_count, size_t max_bytes)
{
  *queue = (struct queue){ .max_count = max_count, .max_bytes = max_bytes };
  lock_init (&queue->lock);
  condition_init (&queue->changed);
}

void
queue_destroy (struct queue *queue)
{
  condition_destroy (&queue->changed);
  lock_destroy (&queue->lock);
}

static bool
has_room (const struct queue *queue, const struct queue_entry *entry)
{
  if (queue->count >= queue->max_count)
    return false;
  /* One entry larger than the whole limit still passes when it is alone: its own size was checked before. */
  return 0 == queue->count || entry->bytes <= queue->max_bytes - queue->bytes;
}

static void
link_locked (struct queue *queue, struct queue_entry *entry)
{
  entry->next = NULL;
  entry->queued_us = clock_monotonic_us ();
  if (NULL == queue->last)
    queue->first = entry;
  else
    queue->last->next = entry;
  queue->last = entry;
  queue->count++;
  queue->bytes += entry->bytes > queue->max_bytes - queue->bytes ? queue->max_bytes - queue->bytes : entry->bytes;
}

bool
queue_append_locked (struct queue *queue, struct queue_entry *entry)
{
  lock_assert_held (&queue->lock);
  if (queue->closed || ! has_room (queue, entry))
    return false;
  link_locked (queue, entry);
  return true;
}

bool
queue_push (struct queue *queue, struct queue_entry *entry)
{
  bool accepted;

  lock_acquire (&queue->lock);
  accepted = queue_append_locked (queue, entry);
  if (accepted)
    condition_signal (&queue->changed);
  lock_release (&queue->lock);
  return accepted;
}

bool
queue_push_again (struct queue *queue, struct queue_entry *entry)
{
  bool accepted;

  entry->bytes = 0;
  lock_acquire (&queue->lock);
  accepted = ! queue->closed;
  if (accepted)
  {
    link_locked (queue, entry);
    condition_signal (&queue->changed);
  }
  lock_release (&queue->lock);
  return accepted;
}

struct queue_entry *
queue_take_locked (struct queue *queue, size_t max_count, size_t max_bytes, size_t *count)
{
  struct queue_entry *chain;
  struct queue_entry *last = NULL;
  size_t taken_bytes = 0;

  lock_assert_held (&queue->lock);
  *count = 0;
  chain = queue->first;
  while (NULL != queue->first && *count < max_count)
  {
    struct queue_entry *entry = queue->first;

    if (*count > 0 && entry->bytes > max_bytes - taken_bytes)
      break;
    taken_bytes = entry->bytes > max_bytes - taken_bytes ? max_bytes : taken_bytes + entry->bytes;
    queue->first = entry->next;
    queue->count--;
    queue->bytes -= entry->bytes < queue->bytes ? entry->bytes : queue->bytes;
    last = entry;
    (*count)++;
  }
  if (NULL == last)
    return NULL;
  last->next = NULL;
  if (NULL == queue->first)
  {
    queue->last = NULL;
    queue->bytes = 0;
  }
  return chain;
}

struct queue_entry *
queue_pop (struct queue *queue)
{
  struct queue_entry *entry;
  size_t count;

  lock_acquire (&queue->lock);
  while (NULL == queue->first && ! queue->closed)
    condition_wait (&queue->changed, &queue->lock);
  entry = queue_take_locked (queue, 1, SIZE_MAX, &count);
  lock_release (&queue->lock);
  return entry;
}

void
queue_close (struct queue *queue)
{
  lock_acquire (&queue->lock);
  queue->closed = true;
  condition_broadcast (&queue->changed);
  lock_release (&queue->lock);
}

size_t
queue_count (struct queue *queue)
{
  size_t count;

  lock_acquire (&queue->lock);
  count = queue->count;
  lock_release (&queue->lock);
  return count;
}
