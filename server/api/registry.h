/* What the routes of the model registry share: who changes something, names and numbers, refusals. */
#ifndef API_REGISTRY_H
#define API_REGISTRY_H

#include "api/gate.h"
#include "api/json.h"
#include "registry/change.h"

/* Begin a change by the caller, with his rights: those of the route's object (OBJECT_REGISTERED_MODEL and the like).
   With authentication off the name is what the client claims, in the header X-Tally-Actor or as user name of its Basic
   credentials. */
void api_registry_begin (struct registry_change *change, struct registry_actor *actor, struct api_call *call);

/* What the client says of a change: why, from which job, and whether in spite of gates; what is not filled is left as
   it is. Errors: INVALID_PARAMETER_VALUE. */
enum err_code api_registry_explain (struct registry_change *change, struct slice reason, struct slice run_url,
                                    struct optional_int64 force, struct err *err);

/* registry_change_run; what gates miss goes into the answer. */
enum err_code api_registry_run (struct registry_change *change, struct api_call *call, registry_work *work,
                                void *context, struct err *err);

/* Limits of tags of models and of versions in characters. */
#define REGISTRY_TAG_VALUE_MAX 100000

/* A registered model's name, an alias and a tag, by MLflow's rules (mlflow/utils/validation.py). Errors:
   INVALID_PARAMETER_VALUE. */
enum err_code api_registry_check_name (struct slice name, const char *parameter, struct arena *arena, struct err *err);
enum err_code api_registry_check_alias (struct slice alias, struct err *err);
/* The same for an alias that may be reserved: those are read and deleted, not set. */
enum err_code api_registry_check_alias_text (struct slice alias, struct err *err);
/* Whether an alias is the word that means the newest version. */
bool api_registry_is_latest (struct slice alias);
enum err_code api_registry_check_tag (struct slice key, struct slice value, struct arena *arena, struct err *err);
enum err_code api_registry_check_tags (const struct key_value *tags, size_t count, struct arena *arena,
                                       struct err *err);

/* Free text of a model or a version. Errors: INVALID_PARAMETER_VALUE when it is too long. */
enum err_code api_registry_check_description (struct slice description, struct err *err);

/* A stage by its name in any case. Errors: INVALID_PARAMETER_VALUE with MLflow's text. */
enum err_code api_registry_stage (int16_t *stage, struct slice name, struct err *err);

/* Whether what else is in a stage can go to Archived when a version comes to it. Errors: INVALID_PARAMETER_VALUE with
   MLflow's text, which has the stage as `name`. */
enum err_code api_registry_check_archives (int16_t stage, struct slice name, struct err *err);

/* The number of a version as clients send it. Errors: INVALID_PARAMETER_VALUE "Parameter 'version' must be an integer",
   RESOURCE_DOES_NOT_EXIST for one that no version has. */
enum err_code api_registry_version (int64_t *version, struct slice model, struct slice text, struct err *err);

/* "Registered Model with name=… not found", "Model Version (name=…, version=…) not found". */
enum err_code api_registry_no_model (struct err *err, struct slice name);
enum err_code api_registry_no_version (struct err *err, struct slice name, int64_t version);

#endif
