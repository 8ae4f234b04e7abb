/* Reading the ledger in PostgreSQL: pages newest first, and the whole chain in its order. */
#ifndef STORE_LEDGER_LIST_H
#define STORE_LEDGER_LIST_H

#include "store/ledger.h"

extern const struct statement_table store_ledger_list_statements;

/* One entry; texts live in the result it was read from. */
struct store_ledger_entry
{
  int64_t entry;
  int64_t at_ms;
  struct slice content; /* JSON object */
  struct digest previous;
  struct digest sha256;
  bool is_derived; /* the columns that entries are found by are what the content says; only in a stream */
};

#define STORE_LEDGER_COLUMNS 5
extern const struct column store_ledger_columns[STORE_LEDGER_COLUMNS];
#define STORE_LEDGER_STREAM_COLUMNS 6
extern const struct column store_ledger_stream_columns[STORE_LEDGER_STREAM_COLUMNS];

/* Which entries of a workspace; what is absent does not matter. */
struct store_ledger_filter
{
  int64_t workspace_id;
  int64_t registered_model_id; /* 0: of all that the account may read */
  struct slice model; /* name at the time of the entry */
  struct optional_int64 version;
  struct slice alias;
  struct slice action;
  struct slice actor;
  struct optional_int64 from_ms; /* at or behind */
  struct optional_int64 to_ms; /* before */
  int64_t account_id; /* who reads; 0: somebody who may read everything, or this model */
  int16_t fallback; /* the default permission */
};

/* Up to `limit` entries before number `before`, newest first; decoded with store_ledger_columns. Entries of models that
   are gone are given to those who may manage the workspace. The caller frees. */
enum err_code store_ledger_list (struct result *result, struct store_connection *connection,
                                 const struct store_ledger_filter *filter, int64_t before, int64_t limit,
                                 struct err *err);

/* Hand over up to `limit` entries behind number `after` in their order, decoded with store_ledger_stream_columns. */
enum err_code store_ledger_stream (struct store_connection *connection, int64_t after, int64_t limit, store_row row,
                                   void *context, struct err *err);

/* The end of the chain as the row says that holds it, without holding it. */
enum err_code store_ledger_head (struct store_ledger_head *head, struct store_connection *connection, struct err *err);

#endif
