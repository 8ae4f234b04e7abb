/* The ledger in PostgreSQL: appending to the chain, and what a link of it is. */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "base/digest.h"
#include "store/pipeline.h"

extern const struct statement_table store_ledger_statements;

/* The end of the chain. */
struct store_ledger_head
{
  int64_t entry; /* 0: there is none yet */
  int64_t at_ms;
  struct digest sha256; /* zeros while there is none */
};

#define STORE_LEDGER_HEAD_COLUMNS 3
extern const struct column store_ledger_head_columns[STORE_LEDGER_HEAD_COLUMNS];

/* The hash of an entry: SHA-256 of the hash before it, its number and its time (8 bytes each, most significant first)
   and its content. False when OpenSSL has no memory. Thread-safe. */
bool store_ledger_hash (struct digest *sha256, const struct digest *previous, int64_t entry, int64_t at_ms,
                        struct slice content);

/* Append some contents, JSON texts, and commit: the last thing of a transaction (STORE_WRITE). Whoever appends holds
   the end of the chain until his commit, so this comes after everything else that a transaction waits for. `at_ms`
   becomes the time of the entries, unless the chain is later. Errors: those of the database, INTERNAL_ERROR. */
enum err_code store_ledger_commit (struct store_connection *connection, const struct slice *contents, size_t count,
                                   int64_t at_ms, struct arena *arena, struct err *err);

#endif
