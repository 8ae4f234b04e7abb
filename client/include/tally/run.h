/* Runs: started at once, whatever the server does; ids are made here. */
#ifndef TALLY_RUN_H
#define TALLY_RUN_H

#include "tally/client.h"

TALLY_BEGIN

struct tally_run;

/* 32 lower-case hexadecimal digits and NUL. */
#define TALLY_RUN_ID_BYTES 33

enum tally_status
{
  TALLY_STATUS_RUNNING = 1,
  TALLY_STATUS_SCHEDULED = 2,
  TALLY_STATUS_FINISHED = 3,
  TALLY_STATUS_FAILED = 4,
  TALLY_STATUS_KILLED = 5
};

/* Start a run in the experiment of this name (NULL: options experiment-id, experiment, else "Default"), which is made
   when there is none. `name` NULL: the server chooses. Returns at once: the run is created by the background thread,
   or by a later sync. When the option run-id is set the run of that id is resumed instead.
   Free with tally_run_free. Errors: ARGUMENT, MEMORY, FULL, FORKED. */
TALLY_API enum tally_code tally_run_start (struct tally_run **run, struct tally_client *client, const char *experiment,
                                           const char *name, struct tally_error *err);

/* The same below a parent, in its experiment (tag mlflow.parentRunId). */
TALLY_API enum tally_code tally_run_start_nested (struct tally_run **run, struct tally_run *parent, const char *name,
                                                  struct tally_error *err);

/* Go on with a run by its id: of this or another process, started by any client. Its status becomes RUNNING when
   `reopen`; leave that to one process when several log to one run. Returns at once; that there is no such run becomes
   known when sending (event REJECTED). Errors: ARGUMENT for what is no id; MEMORY, FULL, FORKED. */
TALLY_API enum tally_code tally_run_resume (struct tally_run **run, struct tally_client *client, const char *run_id,
                                            bool reopen, struct tally_error *err);

/* The id, made by this client. A Tally server keeps it; MLflow gives the run another, and has this one in the tag
   "tally.run_id". Borrowed. */
TALLY_API const char *tally_run_id (const struct tally_run *run);

/* The id that the server uses; waits at most `deadline_ms` until the run is there. Errors: TIMEOUT; PENDING when
   offline; what the server said when it refused the run. */
TALLY_API enum tally_code tally_run_server_id (char id[TALLY_RUN_ID_BYTES], struct tally_run *run, int64_t deadline_ms,
                                               struct tally_error *err);

/* End a run: its status and end time (now) follow everything logged before. Logging afterwards is allowed. Errors:
   ARGUMENT for RUNNING and SCHEDULED; FULL, FORKED. */
TALLY_API enum tally_code tally_run_end (struct tally_run *run, enum tally_status status, struct tally_error *err);

/* Let go of the handle; the run goes on. Allowed before and after tally_close. */
TALLY_API void tally_run_free (struct tally_run *run);

TALLY_END

#endif
