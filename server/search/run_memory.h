/* The tables of runs that a daemon keeps in memory: one for each experiment that was searched, within a budget. */
#ifndef SEARCH_RUN_MEMORY_H
#define SEARCH_RUN_MEMORY_H

#include "base/err.h"
#include "search/run_table.h"

struct run_memory;

/* No tables yet; `max_bytes` is what they may take while nobody searches, `search_max_bytes` what those of one search
   may take meanwhile, `most_waiting` how many threads may wait long for one that another has. The caller frees.
   Thread-safe.
 */
struct run_memory *run_memory_new (size_t max_bytes, size_t search_max_bytes, size_t most_waiting);
void run_memory_free (struct run_memory *memory);

/* Take the tables of some experiments, made when they are missing, for this thread alone; waits for other threads.
   `experiment_ids` is sorted and distinct, so that two searches cannot wait for each other.
   Errors: TEMPORARILY_UNAVAILABLE when the time is over, or too many wait long; INTERNAL_ERROR. Nothing is taken then.
 */
enum err_code run_memory_take (struct run_table **tables, struct run_memory *memory, const int64_t *experiment_ids,
                               size_t count, uint64_t deadline_us, struct err *err);

/* Give tables back and keep within the budget. A doomed table is freed. */
void run_memory_give_back (struct run_memory *memory, struct run_table *const *tables, size_t count);

/* Whether all of some experiments are in memory. Only a hint: it may change at once. */
bool run_memory_has (struct run_memory *memory, const int64_t *experiment_ids, size_t count);

/* Bytes that the tables of one search may take. */
size_t run_memory_limit (const struct run_memory *memory);

#endif
