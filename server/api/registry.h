/* What the routes of the model registry share: who changes something, names and numbers, refusals. */
#ifndef API_REGISTRY_H
#define API_REGISTRY_H

#include "api/gate.h"
#include "registry/change.h"

/* Begin a change by the caller, with his rights: those of the route's object (OBJECT_REGISTERED_MODEL and the like).
   The caller of this may set `reason`, `run_url` and `forces` before api_registry_run. With authentication off the name
   is what the client claims, in the header X-Tally-Actor or as user name of its Basic credentials. */
void api_registry_begin (struct registry_change *change, struct registry_actor *actor, struct api_call *call);

/* registry_change_run; what gates miss goes into the answer. */
enum err_code api_registry_run (struct registry_change *change, struct api_call *call, registry_work *work,
                                void *context, struct err *err);

/* A registered model's name for a new one, and an alias, by MLflow's rules (mlflow/utils/validation.py). Errors:
   INVALID_PARAMETER_VALUE. */
enum err_code api_registry_check_name (struct slice name, const char *parameter, struct arena *arena, struct err *err);
enum err_code api_registry_check_alias (struct slice alias, struct err *err);

/* The number of a version as clients send it. Errors: INVALID_PARAMETER_VALUE "Parameter 'version' must be an integer",
   RESOURCE_DOES_NOT_EXIST for one that no version has. */
enum err_code api_registry_version (int64_t *version, struct slice model, struct slice text, struct err *err);

/* "Registered Model with name=… not found", "Model Version (name=…, version=…) not found". */
enum err_code api_registry_no_model (struct err *err, struct slice name);
enum err_code api_registry_no_version (struct err *err, struct slice name, int64_t version);

/* "Invalid Model Version stage: …". */
enum err_code api_registry_no_stage (struct err *err, struct slice stage);

#endif
