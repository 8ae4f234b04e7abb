/* Gates of registered models. Not api/gate.h, which judges who may ask what. */
#ifndef API_PROMOTION_GATE_H
#define API_PROMOTION_GATE_H

#include "api/json.h"
#include "store/model_version.h"

/* Routes; table/routes.def says which is which, docs/api/gate.md what they take and answer. */
enum err_code api_gates_of_model (struct api_call *call, struct err *err);
enum err_code api_gate_set_of_model (struct api_call *call, struct err *err);
enum err_code api_gate_delete_of_model (struct api_call *call, struct err *err);
enum err_code api_gates_of_workspace (struct api_call *call, struct err *err);
enum err_code api_gate_set_of_workspace (struct api_call *call, struct err *err);
enum err_code api_gate_delete_of_workspace (struct api_call *call, struct err *err);
enum err_code api_gate_try (struct api_call *call, struct err *err);

/* Write the member "gates" of a version: each alias and stage that a gate guards, and what a move of it to the version
   misses for the caller. Inside of a snapshot. Errors: those of the database. */
enum err_code promotion_gate_write_state (struct json_write *w, struct api_call *call,
                                          const struct store_model_version *version, struct err *err);

#endif
