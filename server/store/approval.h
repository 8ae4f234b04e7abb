/* Approvals of versions of registered models, in PostgreSQL. */
#ifndef STORE_APPROVAL_H
#define STORE_APPROVAL_H

#include "store/promotion_gate.h"

extern const struct statement_table store_approval_statements;

/* One row; texts live in the result it was read from. */
struct store_approval
{
  struct slice actor;
  int64_t account_id; /* 0: the actor is what the client claims */
  struct slice comment;
  int64_t created_at_ms;
};

#define STORE_APPROVAL_COLUMNS 4
extern const struct column store_approval_columns[STORE_APPROVAL_COLUMNS];

/* Those of a version by time; the caller frees. */
enum err_code store_approval_list (struct result *result, struct store_connection *connection,
                                   int64_t registered_model_id, int64_t version, struct err *err);

/* Read the one of an actor. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_approval_get (struct store_approval *approval, struct result *result,
                                  struct store_connection *connection, int64_t registered_model_id, int64_t version,
                                  struct slice actor, struct err *err);

/* Add one, or put it in the place of the one of this actor. */
enum err_code store_approval_set (const struct store_approval *approval, struct store_connection *connection,
                                  int64_t registered_model_id, int64_t version, struct err *err);

/* Remove the one of an actor. */
enum err_code store_approval_delete (struct store_connection *connection, int64_t registered_model_id, int64_t version,
                                     struct slice actor, struct err *err);

/* The names whose approval counts, each with a column: not that of who registered the version, only those of `people`
   when any is named, and none of accounts that are gone or disabled; `claims`: also what was claimed. The caller
   frees. */
enum err_code store_approval_counting (struct result *result, struct store_connection *connection,
                                       int64_t registered_model_id, int64_t version, struct slice registrant,
                                       const struct store_people *people, bool claims, struct arena *arena,
                                       struct err *err);

#endif
