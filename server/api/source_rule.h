/* The setting model-source-pattern: which places the files of new model versions may have. */
#ifndef API_SOURCE_RULE_H
#define API_SOURCE_RULE_H

#include "base/config.h"
#include "base/slice.h"

struct source_rule;

/* Read the rule of the setting, or without one of MLflow's variable
   MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX; NULL when neither is set. The caller frees it with
   source_rule_free. Errors: INVALID_PARAMETER_VALUE, naming which of the two is no regular expression,
   INTERNAL_ERROR (memory). */
enum err_code source_rule_new (struct source_rule **out, const struct config *config, struct err *err);

/* NULL is fine. */
void source_rule_free (struct source_rule *rule);

/* Whether the rule lets a source in, as the client names it; NULL lets in all. Thread-safe. Errors:
   INVALID_PARAMETER_VALUE in MLflow's words, also when that costs too much to find out; INTERNAL_ERROR (memory). */
enum err_code source_rule_check (const struct source_rule *rule, struct slice source, struct err *err);

#endif
