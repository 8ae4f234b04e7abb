/* Where the artifacts of a run or a logged model are in this server's store. */
#ifndef STORE_ARTIFACT_URI_H
#define STORE_ARTIFACT_URI_H

#include "base/arena.h"
#include "base/err.h"

/* The directory, from the root of the store, that an artifact URI means: mlflow-artifacts:/…, mlflow-artifacts://host/…
   and http(s)://host/…/api/2.0/mlflow-artifacts/artifacts/…; decoded, without slashes at its end or twice in a row,
   otherwise as it is: whoever takes it for a path judges it first. In the arena. Absent when the artifacts are
   elsewhere. Errors: INTERNAL_ERROR when the arena is full. */
enum err_code store_artifact_directory (struct slice *directory, struct slice uri, struct arena *arena,
                                        struct err *err);

#endif
