/* libtally: logs experiments to a Tally or MLflow server from C, without stalling the job and without losing a point.

   Conventions of all functions:
   - Results come first, the error last. `err` may be NULL. A function returns the code that it also stores in `err`.
   - Strings are UTF-8 and NUL-terminated, copied when kept. Times are milliseconds since 1970 (UTC).
   - A handle is made by one function and freed by another; freeing NULL does nothing.
   - Handles of clients, runs and samplers may be used by many threads at once; every other handle by one at a time.
   - The library neither prints, exits, aborts nor installs signal handlers, and keeps no global state.

   Source of the protocol: MLflow's REST API 2.0, and Tally's extension API below /api/tally/v1. */
#ifndef TALLY_H
#define TALLY_H

#include "tally/artifact.h"
#include "tally/client.h"
#include "tally/dataset.h"
#include "tally/error.h"
#include "tally/experiment.h"
#include "tally/log.h"
#include "tally/logged_model.h"
#include "tally/options.h"
#include "tally/registry.h"
#include "tally/run.h"
#include "tally/search.h"
#include "tally/system.h"

#endif
