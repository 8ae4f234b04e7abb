/* Downloads: directories as archives and single files, for programs that fetch models. Source: docs/api/download.md. */
#ifndef API_DOWNLOAD_H
#define API_DOWNLOAD_H

#include "api/artifact_owner.h"

api_handle api_download;
api_handle api_artifact_archive;

/* The run, logged model or registered model that a path below /download means, by its id or name. Errors:
   INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST. */
enum err_code api_download_target (struct slice *id, enum store_owner_kind *kind, struct api_call *call,
                                   struct err *err);

#endif
