/* Brings tables of runs up to the snapshot of a transaction, and loads the columns that a search names.

   Exact by the rule of docs/search.md: a table is true for the snapshot it was last brought to; what other transactions
   did since is read before every search. */
#ifndef SEARCH_RUN_LOAD_H
#define SEARCH_RUN_LOAD_H

#include "ingest/keys.h"
#include "search/run_table.h"

struct run_need_metric
{
  uint32_t key_id;
  enum search_part part;
};

/* Columns that a search names. */
struct run_needs
{
  struct store_text *texts;
  size_t text_count;
  struct run_need_metric *metrics;
  size_t metric_count;
};

/* Bring tables up to date and load columns, all of which may take `max_bytes` together. Inside of a STORE_SNAPSHOT
   transaction that began after the tables were taken. After an error the tables are as true as before, or doomed.
   Errors: those of the database; INVALID_PARAMETER_VALUE when that does not fit into memory; INTERNAL_ERROR.
 */
enum err_code run_load (struct run_table *const *tables, size_t count, const struct run_needs *needs, size_t max_bytes,
                        struct store_connection *connection, struct arena *arena, struct err *err);

#endif
