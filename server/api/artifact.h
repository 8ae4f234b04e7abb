/* Artifacts: the handlers of files, lists and uploads. Source: docs/api/artifact.md. */
#ifndef API_ARTIFACT_H
#define API_ARTIFACT_H

#include "api/artifact_receive.h"
#include "api/call.h"

/* api/artifact.c */
api_handle api_artifact_get;
api_handle api_artifact_put;
api_handle api_artifact_put_take;
api_handle api_artifact_delete;
api_handle api_artifact_get_of_run;
api_handle api_artifact_get_of_model;
api_handle api_artifact_get_of_version;
api_handle api_artifact_upload;
api_handle api_artifact_upload_take;

/* api/artifact_list.c */
api_handle api_artifact_list;
api_handle api_artifact_list_of_run;
api_handle api_artifact_list_of_model;
api_handle api_artifact_browse;

/* api/artifact_upload.c */
api_handle api_upload_create;
api_handle api_upload_complete;
api_handle api_upload_abort;
api_handle api_upload_get;
api_handle api_upload_part;
api_handle api_upload_part_take;

/* Where the file of an upload in parts will be: the directory of the URL and the name of the body; in the arena.
   Errors: INVALID_PARAMETER_VALUE. */
enum err_code api_upload_path (struct slice *path, struct api_call *call, struct slice given, struct err *err);

/* Where the file of an upload under way will be. Errors: RESOURCE_DOES_NOT_EXIST. */
enum err_code api_upload_target (struct slice *path, struct api_call *call, struct slice upload_id, struct err *err);

/* Answer with the file at a checked path from the root of the store. Errors: RESOURCE_DOES_NOT_EXIST. */
enum err_code api_artifact_answer (struct api_call *call, struct slice path, struct err *err);

/* The file at a checked path, in the arena. Errors: RESOURCE_DOES_NOT_EXIST, which says so when it is a directory. */
struct store_artifact;
enum err_code api_artifact_find (struct store_artifact *artifact, struct api_call *call, struct slice path,
                                 struct err *err);

/* End what was received and give it its path. */
enum err_code api_artifact_store (struct artifact_receiving *receiving, struct api_call *call, struct err *err);

#endif
