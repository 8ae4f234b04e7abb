/* Registered models as JSON documents. */
#ifndef API_REGISTERED_MODEL_DOCUMENT_H
#define API_REGISTERED_MODEL_DOCUMENT_H

#include "api/json.h"
#include "store/registered_model.h"

/* One with what its document shows. */
struct registered_model_whole
{
  struct store_registered_model model;
  struct slice aliases; /* as STORE_REGISTERED_MODEL_ALIASES gives them */
};

/* Write some as MLflow does, each behind the other, as elements of an array that the caller opened; their newest
   versions are read here. Errors: those of the database. */
enum err_code registered_model_write (struct json_write *w, const struct registered_model_whole *models, size_t count,
                                      struct api_call *call, struct err *err);

/* Answer a call with one: {"registered_model": {...}}. Errors: RESOURCE_DOES_NOT_EXIST when there is none of that name,
   those of api_reply_end and of the database. */
enum err_code registered_model_reply (struct api_call *call, struct slice name, struct err *err);

#endif
