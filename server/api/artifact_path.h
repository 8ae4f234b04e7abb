/* Paths of artifacts: what a client sends, judged before anything is stored or read. */
#ifndef API_ARTIFACT_PATH_H
#define API_ARTIFACT_PATH_H

#include "api/call.h"

/* Check a path that was percent-decoded once, and make it normal: several slashes between segments become one, one at
   the end goes. Refused, naming `field`: what MLflow refuses (mlflow/utils/uri.py, validate_path_is_safe) after up to
   ten further rounds of decoding: parent and current segments, backslashes, absolute paths and drive letters, file:
   URIs, control characters; and more than STORE_ARTIFACT_PATH_MAX_BYTES. `path` is in the arena. Empty passes only when
   `may_be_empty`. Errors: INVALID_PARAMETER_VALUE. */
enum err_code artifact_path_check (struct slice *path, struct slice given, const char *field, bool may_be_empty,
                                   struct arena *arena, struct err *err);

/* Put a directory and a path below it together, in the arena; either may be empty. Errors: INVALID_PARAMETER_VALUE when
   it gets too long. */
enum err_code artifact_path_join (struct slice *joined, struct slice directory, struct slice path, struct arena *arena,
                                  struct err *err);

/* The directory in the store that an artifact URI of a run or logged model means: mlflow-artifacts:/…,
   mlflow-artifacts://host/… and http(s)://host/…/api/2.0/mlflow-artifacts/artifacts/…. In the arena. Errors:
   NOT_IMPLEMENTED, saying where the artifacts are, for other schemes: this server never fetches stored URLs. */
enum err_code artifact_path_of_uri (struct slice *directory, struct slice uri, struct arena *arena, struct err *err);

/* The media type of a file by its name, as MLflow guesses it: text-like ones and MLmodel are text/plain; unknown ones
   application/octet-stream. Static. */
const char *artifact_media_type (struct slice path);

#endif
