/* Natural group commit: while one commit is under way requests queue, and the next takes all of them. */
#ifndef INGEST_COMMITTER_H
#define INGEST_COMMITTER_H

#include "base/err.h"
#include "base/queue.h"
#include "store/connection.h"

/* One request in a committer's hands. Embedded in the request. */
struct commit_item
{
  struct queue_entry entry; /* first, so that a queue entry is an item; set entry.bytes before submitting */
  struct err *err; /* where the flush puts this item's own failure */
  void *payload; /* what the kind's flush works on */
  uint64_t database_us; /* time of the commit that carried it, set before done */
  void (*done) (struct commit_item *item); /* called once after the commit or the failure, on a committer's thread */
};

/* Write `count` items in one transaction. An item that fails alone gets its own error in item->err and ERR_OK is
   returned for the group. Anything else returned fails every item that has no error yet. After a failure that is not
   TEMPORARILY_UNAVAILABLE the items of a larger group are tried again one by one, so that one cannot poison the
   others. */
typedef enum err_code (*commit_flush) (struct store_connection *connection, struct commit_item *const *items,
                                       size_t count, void *context, struct err *err);

struct committer;

struct committer_options
{
  commit_flush flush;
  void *context;
  unsigned threads;
  size_t max_count; /* items that may wait */
  size_t max_bytes; /* bytes of items that may wait */
  size_t group_max_count; /* items of one transaction */
  size_t group_max_bytes;
  uint64_t budget_us; /* time for one group in PostgreSQL */
};

/* Start the threads. The caller stops with committer_stop and then frees with committer_free. NULL when threads or
 * memory are not to be had. */
struct committer *committer_start (struct store *store, const struct committer_options *options);

/* Queue an item; false, at once, when a limit is reached. Thread-safe. */
bool committer_submit (struct committer *committer, struct commit_item *item);

/* Items waiting now. Thread-safe. */
size_t committer_waiting (struct committer *committer);

/* Commit what is queued and end the threads; a submit is refused from then on. NULL is allowed. */
void committer_stop (struct committer *committer);

/* Free a stopped committer, once nobody can submit any more. NULL is allowed. */
void committer_free (struct committer *committer);

#endif
