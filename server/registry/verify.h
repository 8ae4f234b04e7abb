/* Whether the ledger is whole, and whether the registry is what it says. */
#ifndef REGISTRY_VERIFY_H
#define REGISTRY_VERIFY_H

#include "store/ledger_list.h"

/* What is wrong with the first broken entry. */
enum registry_break
{
  BREAK_NONE,
  BREAK_GAP, /* entries are missing before it */
  BREAK_PREVIOUS, /* it does not name the hash of the entry before */
  BREAK_HASH, /* its hash is not that of what it says */
  BREAK_TIME, /* it is earlier than the entry before */
  BREAK_COLUMNS, /* it is found by other words than it says */
  BREAK_HEAD, /* the chain does not end where the row says that holds its end */
  BREAK_CHECKPOINT, /* it is not the entry that the checkpoint names */
  BREAK_CHECKPOINT_MISSING, /* the chain ends before the checkpoint */
  BREAK_STATE, /* aliases or stages are not what the chain says */
  BREAK_COUNT
};

struct registry_verdict
{
  enum registry_break what;
  int64_t entry; /* the first broken one; of BREAK_GAP the first missing one */
  int64_t at_ms; /* of the last entry that was read */
  int64_t count; /* of entries that are whole */
  struct digest head; /* the hash of the last of them */
  char difference[400]; /* of BREAK_STATE: what differs */
};

/* Called after each piece of the chain with what is known so far. */
typedef void registry_verify_progress (void *context, const struct registry_verdict *verdict);

/* A sentence for a break, such as "its hash is not that of its content". */
const char *registry_break_text (enum registry_break what);

/* Walk the chain in one snapshot, with memory that does not grow with it; up to the first break. `checkpoint`, what an
   entry was as it is kept elsewhere, and `progress` may be NULL. A broken chain is no error: the verdict says so. */
enum err_code registry_verify (struct registry_verdict *verdict, struct store_connection *connection,
                               const struct store_ledger_head *checkpoint, registry_verify_progress *progress,
                               void *context, struct err *err);

#endif
