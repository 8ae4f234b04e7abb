/* What is known of the runs of a stream: the ids that the server gave them, or why it refused them. */
#ifndef CLIENT_RUN_TABLE_H
#define CLIENT_RUN_TABLE_H

#include "error.h"
#include "record.h"

#include <stdbool.h>
#include <stdint.h>

/* Any thread. */
struct run_table;

enum run_state
{
  RUN_UNKNOWN,
  RUN_KNOWN,
  RUN_REFUSED
};

/* Errors: MEMORY. */
enum tally_code run_table_new (struct run_table **table, struct tally_error *err);
void run_table_free (struct run_table *table, bool forked);

/* What is known; `id` (may be NULL) is set for KNOWN, `why` (may be NULL) for REFUSED. */
enum run_state run_table_get (char id[TALLY_RUN_ID_BYTES], struct run_table *table, const struct run_key *run,
                              struct tally_error *why);

/* Note the server's id. Errors: MEMORY. */
enum tally_code run_table_set_id (struct run_table *table, const struct run_key *run, const char *id,
                                  struct tally_error *err);

/* Note that it was refused. Errors: MEMORY. */
enum tally_code run_table_set_refused (struct run_table *table, const struct run_key *run,
                                       const struct tally_error *why, struct tally_error *err);

/* Since when the run is looked for, in ms of CLOCK_MONOTONIC: `now_ms` at the first call. */
int64_t run_table_sought_since (struct run_table *table, const struct run_key *run, int64_t now_ms);

#endif
