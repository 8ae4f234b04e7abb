/* The ledger of the model registry: its entries, what a model was at a time, checkpoints. Source: docs/api/ledger.md.
 */
#ifndef API_LEDGER_H
#define API_LEDGER_H

#include "api/call.h"
#include "store/ledger_state.h"

api_handle api_ledger_list;
api_handle api_ledger_of_model;
api_handle api_ledger_checkpoint;
api_handle api_ledger_state;
api_handle api_ledger_alias;

/* The model that a name means at an entry (INT64_MAX: now): the one that has it, else one that is deleted, for those
   who may manage the workspace. Errors: RESOURCE_DOES_NOT_EXIST "Registered Model with name=X not found". */
enum err_code api_ledger_identify (struct store_ledger_identity *identity, struct api_call *call, struct slice name,
                                   int64_t entry, struct err *err);

#endif
