/* Artifact locations that clients name. */
#ifndef API_LOCATION_H
#define API_LOCATION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

/* Longest location in characters; MLflow's limit for artifact locations. */
#define LOCATION_MAX 2048

/* Check a location for a new experiment; the empty one becomes absent, a relative local path is taken below the folder
   the server runs in.
   Nothing is ever fetched from it. Errors: INVALID_PARAMETER_VALUE. */
enum err_code location_check (struct slice *location, struct arena *arena, struct err *err);

#endif
