/* The runs of one experiment in memory: a row for each, and columns of what searches have named so far.

   Owned by one thread at a time (search/run_memory.h). Kept up to date by search/run_load.h. */
#ifndef SEARCH_RUN_TABLE_H
#define SEARCH_RUN_TABLE_H

#include "base/id.h"
#include "base/lru.h"
#include "search/metric_column.h"
#include "search/text_column.h"
#include "store/run_columns.h"

#include <stdatomic.h>

/* No row. */
#define RUN_NO_ROW SIZE_MAX

enum run_state
{
  RUN_STATE_GONE, /* removed for good, or not read yet: no search shows it */
  RUN_STATE_ACTIVE,
  RUN_STATE_DELETED
};

/* A run as the API shows it, kept as long as nothing of the run changes. Counted references: any thread may hold one.
 */
struct run_document
{
  struct lru_link use; /* among those of its table */
  _Atomic unsigned references;
  uint32_t row;
  size_t len;
  char bytes[];
};

struct run_text
{
  enum store_text_source source;
  struct slice key; /* owned; of params and tags */
  uint64_t used; /* clock of the table when a search last named it */
  bool complete;
  struct text_column column;
};

struct run_metric
{
  uint64_t used;
  bool complete;
  struct metric_column column;
};

struct run_table
{
  struct lru_link use; /* among the tables of run_memory that nobody has */
  int64_t experiment_id;
  size_t count; /* rows, those of runs that are gone among them */
  size_t gone;
  size_t capacity;
  struct uuid *ids;
  int64_t *started_at_ms;
  int64_t *ended_at_ms;
  uint8_t *ended; /* whether there is an end: any number can be one */
  uint8_t *status; /* enum run_status */
  uint8_t *state; /* enum run_state */
  uint32_t *versions; /* goes up when anything of the run changes */
  struct run_document **documents; /* of each row; NULL when none was ever kept */
  uint32_t *slots; /* hash table of 1 + row; 0 is free */
  size_t slot_count;
  struct run_text **texts;
  size_t text_count;
  struct run_metric **metrics; /* by key id */
  size_t metric_count;
  uint64_t clock; /* goes up with each search */
  struct lru used_documents;
  size_t document_bytes;

  /* The snapshot up to which all of this is true; NULL: nothing was read yet. */
  char *newest;
  char *open;
  uint64_t server; /* store_connection_server of where it was read */

  /* Those of run_memory, under its lock. */
  bool busy;
  bool doomed; /* to be freed when it is given back */
  size_t bytes; /* as last counted */
  struct run_table *next_of_bucket;
};

/* An empty table; NULL without memory. Free with run_table_free. */
struct run_table *run_table_new (int64_t experiment_id);
void run_table_free (struct run_table *table);

/* Forget all rows and columns. */
void run_table_clear (struct run_table *table);

/* The row of a run, RUN_NO_ROW when it has none. */
size_t run_table_find (const struct run_table *table, const struct uuid *run_id);

/* The row of a run, made when it has none: then it is gone until it is read. RUN_NO_ROW without memory. */
size_t run_table_row (struct run_table *table, const struct uuid *run_id);

/* Take over what a run is; its texts are not. */
void run_table_set (struct run_table *table, size_t row, const struct store_run_texts *run);

/* The run was removed for good. */
void run_table_remove (struct run_table *table, size_t row);

/* Something of the run changed: its document is not true any more. */
void run_table_touch (struct run_table *table, size_t row);

/* A column, made incomplete when there is none; NULL without memory. Key bytes are copied. */
struct run_text *run_table_text (struct run_table *table, enum store_text_source source, struct slice key);
struct run_metric *run_table_metric (struct run_table *table, uint32_t key_id, enum search_part part);

/* Index of the first metric with this or a greater key id. */
size_t run_table_first_metric (const struct run_table *table, uint32_t key_id);

/* Drop columns that were not loaded to their end, or are not worth what they take. */
void run_table_tidy (struct run_table *table);

/* Drop the least recently used of what is not needed for a search that comes next: documents, then columns. False when
   nothing was left to drop. */
bool run_table_shrink (struct run_table *table, size_t max_bytes);

size_t run_table_bytes (const struct run_table *table);

/* The document of a row with a reference for the caller, NULL when it has none. */
struct run_document *run_table_document (struct run_table *table, size_t row);

/* Keep a document of a run as it stood at `version`; nothing happens when the run has changed since, or without memory.
 */
void run_table_keep_document (struct run_table *table, size_t row, uint32_t version, struct slice bytes);

void run_document_release (struct run_document *document);

#endif
