/* Whether the ledger is whole, and whether the registry is what it says.

   DESIGN
   All is read in one snapshot, so that changes may go on meanwhile. The chain is read in pieces, each with a time
   budget of its own: a ledger may be longer than any budget. */
#include "registry/verify.h"

#include "base/clock.h"
#include "store/ledger_compare.h"

#include <stdio.h>

#define PIECE_ENTRIES 10000
#define BUDGET_US ((uint64_t)3600 * 1000000)

struct walk
{
  struct registry_verdict *verdict;
  const struct store_ledger_head *checkpoint;
  registry_verify_progress *progress;
  void *context;
  int64_t read; /* entries of this piece */
};

const char *
registry_break_text (enum registry_break what)
{
  static const char *const texts[BREAK_COUNT] = {
    [BREAK_NONE] = "nothing",
    [BREAK_GAP] = "it is missing",
    [BREAK_PREVIOUS] = "the hash that it names as the one before is not that of the entry before",
    [BREAK_HASH] = "its hash is not that of its content",
    [BREAK_TIME] = "it is earlier than the entry before",
    [BREAK_COLUMNS] = "the columns that it is found by are not what its content says",
    [BREAK_HEAD] = "the row that holds the end of the chain says that it ends elsewhere",
    [BREAK_CHECKPOINT] = "it is not the one that the checkpoint names",
    [BREAK_CHECKPOINT_MISSING] = "the checkpoint names it, but the chain ends before",
    [BREAK_STATE] = "the registry is not what the chain says",
  };

  return texts[what];
}

/* What is wrong with the entry behind a chain that is whole so far. */
static enum registry_break
judge (const struct walk *walk, const struct store_ledger_entry *entry, const struct digest *expected)
{
  const struct registry_verdict *verdict = walk->verdict;
  const struct store_ledger_head *checkpoint = walk->checkpoint;

  if (entry->entry != verdict->count + 1)
    return BREAK_GAP;
  if (! digest_equal (&entry->previous, &verdict->head))
    return BREAK_PREVIOUS;
  if (! digest_equal (&entry->sha256, expected))
    return BREAK_HASH;
  if (entry->at_ms < verdict->at_ms)
    return BREAK_TIME;
  if (! entry->is_derived)
    return BREAK_COLUMNS;
  if (NULL != checkpoint && checkpoint->entry == entry->entry
      && (! digest_equal (&checkpoint->sha256, &entry->sha256) || checkpoint->at_ms != entry->at_ms))
    return BREAK_CHECKPOINT;
  return BREAK_NONE;
}

static enum err_code
read_entry (const struct result *result, void *context, struct err *err)
{
  struct walk *walk = context;
  struct registry_verdict *verdict = walk->verdict;
  struct store_ledger_entry entry;
  struct digest expected;
  enum err_code code = result_row (&entry, result, 0, store_ledger_stream_columns, STORE_LEDGER_STREAM_COLUMNS, err);

  walk->read++;
  if (ERR_OK != code || BREAK_NONE != verdict->what)
    return code;
  if (! store_ledger_hash (&expected, &entry.previous, entry.entry, entry.at_ms, entry.content))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  verdict->what = judge (walk, &entry, &expected);
  if (BREAK_NONE != verdict->what)
  {
    verdict->entry = BREAK_GAP == verdict->what ? verdict->count + 1 : entry.entry;
    return ERR_OK;
  }
  verdict->count = entry.entry;
  verdict->at_ms = entry.at_ms;
  verdict->head = entry.sha256;
  return ERR_OK;
}

/* The end of a chain that is whole: where the head says, and not before the checkpoint. */
static enum err_code
judge_end (const struct walk *walk, struct store_connection *connection, struct err *err)
{
  struct registry_verdict *verdict = walk->verdict;
  struct store_ledger_head head;
  enum err_code code = store_ledger_head (&head, connection, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    head = (struct store_ledger_head){ .entry = -1 };
  else if (ERR_OK != code)
    return code;
  if (NULL != walk->checkpoint && walk->checkpoint->entry > verdict->count)
  {
    verdict->what = BREAK_CHECKPOINT_MISSING;
    verdict->entry = walk->checkpoint->entry;
  }
  else if (head.entry != verdict->count || head.at_ms != verdict->at_ms
           || ! digest_equal (&head.sha256, &verdict->head))
  {
    verdict->what = BREAK_HEAD;
    verdict->entry = head.entry > verdict->count ? verdict->count + 1 : verdict->count;
  }
  return ERR_OK;
}

/* Whether aliases and stages are what the chain says. */
static enum err_code
judge_state (struct registry_verdict *verdict, struct store_connection *connection, struct err *err)
{
  struct store_ledger_difference found;
  struct result result = { NULL };
  enum err_code code;

  store_renew_deadline (connection, clock_monotonic_us () + BUDGET_US);
  code = store_ledger_compare (&found, &result, connection, err);
  if (ERR_OK == code)
  {
    verdict->what = BREAK_STATE;
    verdict->entry = found.entry;
    snprintf (verdict->difference, sizeof (verdict->difference), "%.*s: the chain says %.*s, the registry %.*s",
              SLICE_ARG (found.what), SLICE_ARG (found.chain), SLICE_ARG (found.registry));
  }
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

static enum err_code
walk_chain (struct store_connection *connection, void *context, struct err *err)
{
  struct walk *walk = context;
  struct registry_verdict *verdict = walk->verdict;
  enum err_code code;

  *verdict = (struct registry_verdict){ BREAK_NONE, .count = 0 };
  code = store_ledger_no_timeout (connection, err);
  for (walk->read = PIECE_ENTRIES; ERR_OK == code && BREAK_NONE == verdict->what && PIECE_ENTRIES == walk->read;)
  {
    walk->read = 0;
    store_renew_deadline (connection, clock_monotonic_us () + BUDGET_US);
    code = store_ledger_stream (connection, verdict->count, PIECE_ENTRIES, read_entry, walk, err);
    if (ERR_OK == code && NULL != walk->progress)
      walk->progress (walk->context, verdict);
  }
  if (ERR_OK == code && BREAK_NONE == verdict->what)
    code = judge_end (walk, connection, err);
  return ERR_OK == code && BREAK_NONE == verdict->what ? judge_state (verdict, connection, err) : code;
}

enum err_code
registry_verify (struct registry_verdict *verdict, struct store_connection *connection,
                 const struct store_ledger_head *checkpoint, registry_verify_progress *progress, void *context,
                 struct err *err)
{
  struct walk walk = { verdict, checkpoint, progress, context, 0 };

  return store_transaction (connection, STORE_SNAPSHOT, walk_chain, &walk, err);
}
