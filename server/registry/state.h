/* What a registered model was at a place in the ledger, by playing its entries. */
#ifndef REGISTRY_STATE_H
#define REGISTRY_STATE_H

#include "store/ledger_state.h"

#include <jansson.h>

/* A page of it. All members are owned; free with registry_state_free. */
struct registry_state
{
  json_t *model; /* {"name", "description", "tags", "created_at", "aliases": [{"alias", "version", "entry", "since",
                    "actor"}]} */
  json_t *versions; /* array, the highest number first */
  json_t *gates; /* array: what bound models of this name */
  int64_t next_before; /* where the next page of versions begins; 0: there is none */
};

/* Which page. */
struct registry_state_query
{
  int64_t workspace_id;
  int64_t registered_model_id;
  int64_t entry; /* after this one */
  int64_t before; /* versions below this number */
  int64_t most; /* versions of a page */
};

void registry_state_free (struct registry_state *state);

/* Read it. Errors: RESOURCE_DOES_NOT_EXIST, without a message, when the model was not there; those of the database,
   INTERNAL_ERROR. */
enum err_code registry_state_read (struct registry_state *state, struct store_connection *connection,
                                   const struct registry_state_query *query, struct err *err);

#endif
