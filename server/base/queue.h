/* A bounded first-in first-out queue between threads; full means refuse at once, never wait. */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embed in what is queued; owned by the queue while it is inside. */
struct queue_entry
{
  struct queue_entry *next;
  size_t bytes; /* what the entry counts against the byte limit; set by the caller before the push */
  uint64_t queued_us; /* set by the push: clock_monotonic_us */
};

struct queue
{
  struct lock lock; /* guards everything below */
  struct condition changed;
  struct queue_entry *first;
  struct queue_entry *last;
  size_t count;
  size_t bytes;
  size_t max_count;
  size_t max_bytes;
  bool closed;
};

void queue_init (struct queue *queue, size_t max_count, size_t max_bytes);
void queue_destroy (struct queue *queue);

/* Append; false, and the entry stays the caller's, when a limit is reached or the queue is closed. Thread-safe. */
bool queue_push (struct queue *queue, struct queue_entry *entry);

/* As queue_push, and wake nobody. The caller holds queue->lock. */
bool queue_append_locked (struct queue *queue, struct queue_entry *entry);

/* As queue_push for an entry that was let in before and comes again: the limits do not hold for it and it counts no
   bytes (`entry->bytes` becomes 0). False only when the queue is closed. The caller sees to it that such entries are
   few. Thread-safe. */
bool queue_push_again (struct queue *queue, struct queue_entry *entry);

/* The oldest entry, waiting for one; NULL once the queue is closed and empty. Thread-safe. */
struct queue_entry *queue_pop (struct queue *queue);

/* Unlink up to `max_count` entries of at most `max_bytes` in all (always at least one when there is one);
   the chain ends in NULL. The caller holds queue->lock. */
struct queue_entry *queue_take_locked (struct queue *queue, size_t max_count, size_t max_bytes, size_t *count);

/* Refuse new entries and let the poppers drain what is left. Thread-safe. */
void queue_close (struct queue *queue);

/* Entries waiting now. Thread-safe. */
size_t queue_count (struct queue *queue);

#endif
