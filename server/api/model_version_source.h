/* Where the files of a new version are, as a client names it: what may be named, and what it means now. */
#ifndef API_MODEL_VERSION_SOURCE_H
#define API_MODEL_VERSION_SOURCE_H

#include "api/call.h"

/* Set the first three to what the client sent; model_version_source_check completes them. Texts are the client's or in
   the arena. */
struct model_version_source
{
  struct slice source;
  struct slice run_id; /* absent: not given */
  struct slice model_id; /* absent: not given */
  struct slice storage_location; /* what a source that names a version or logged model means now; absent: source */
  bool links_model; /* the logged model was named: it is told of the version */
};

/* Judge a source as MLflow does (server/handlers.py, _create_model_version), and find out what it means. What lies in
   this server's store or on a local disk must be inside of the run or logged model that is named. Whatever is named
   must be readable by the caller. `is_prompt`: the source is one of the placeholders of prompts. Errors:
   INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, those of the database. */
enum err_code model_version_source_check (struct model_version_source *source, struct api_call *call, bool is_prompt,
                                          struct err *err);

#endif
