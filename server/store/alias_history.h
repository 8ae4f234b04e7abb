/* The way of an alias through versions, as the ledger tells it. */
#ifndef STORE_ALIAS_HISTORY_H
#define STORE_ALIAS_HISTORY_H

#include "store/connection.h"

extern const struct statement_table store_alias_history_statements;

/* One move of an alias. */
struct store_alias_step
{
  int64_t entry;
  int64_t before; /* the version that had it; 0: none */
  int64_t after; /* the version that got it; 0: it was taken away */
  bool is_rollback;
  bool before_exists; /* the version is not deleted */
};

#define STORE_ALIAS_STEP_COLUMNS 5
extern const struct column store_alias_step_columns[STORE_ALIAS_STEP_COLUMNS];

/* Up to `most` moves of an alias before an entry (INT64_MAX: from the last on), newest first. The caller frees. */
enum err_code store_alias_steps (struct result *result, struct store_connection *connection,
                                 int64_t registered_model_id, struct slice alias, int64_t before_entry, int64_t most,
                                 struct err *err);

/* The version that had an alias at a time; 0: none. */
enum err_code store_alias_at (int64_t *version, struct store_connection *connection, int64_t registered_model_id,
                              struct slice alias, int64_t at_ms, struct err *err);

/* Whether a version once got an alias without a gate being overridden, under a name at which every gate that now binds
   the alias, or one with the same rules, would have bound it: what was moved elsewhere passed nothing. `model` is the
   present name. */
enum err_code store_alias_passed (bool *passed, struct store_connection *connection, int64_t registered_model_id,
                                  struct slice alias, int64_t version, struct slice model, struct err *err);

#endif
