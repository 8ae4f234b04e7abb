/* Artifact locations that clients name. */
#ifndef API_LOCATION_H
#define API_LOCATION_H

#include "api/call.h"

/* Longest location in characters; MLflow's limit for artifact locations. */
#define LOCATION_MAX 2048

/* Check a location for a new experiment; the empty one becomes absent, a relative local path is taken below the folder
   the server runs in.
   Nothing is ever fetched from it. Errors: INVALID_PARAMETER_VALUE. */
enum err_code location_check (struct slice *location, struct arena *arena, struct err *err);

/* Check the default_artifact_root of a workspace, which loses the white space around it: a URI or an absolute path; an
   empty text stays one, and an absent one absent. Errors: INVALID_PARAMETER_VALUE. */
enum err_code location_check_root (struct slice *root, struct arena *arena, struct err *err);

/* Refuse a location in the artifact store where other experiments keep theirs, unless the caller may edit those, or
   that is another workspace's than the named one. Any may be chosen by who has all objects, and any outside of the
   store by all. Errors: INVALID_PARAMETER_VALUE, those of gate_require_experiments. */
enum err_code location_require (struct api_call *call, struct slice location, struct slice workspace, struct err *err);

#endif
