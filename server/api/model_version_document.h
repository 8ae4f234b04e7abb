/* Versions of registered models as JSON documents. */
#ifndef API_MODEL_VERSION_DOCUMENT_H
#define API_MODEL_VERSION_DOCUMENT_H

#include "api/json.h"
#include "store/model_version.h"

/* Write one version as MLflow does: its number as a string, times in milliseconds, aliases always. */
void model_version_write (struct json_write *w, const struct store_model_version *version, struct arena *arena);

/* Answer a call with one: {"model_version": {...}}. Errors: those of api_reply_end. */
enum err_code model_version_reply (struct api_call *call, const struct store_model_version *version, struct err *err);

#endif
