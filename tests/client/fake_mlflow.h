/* A server in memory that speaks as much of MLflow's protocol as a client needs to log runs, and fails on demand. */
#ifndef TESTS_CLIENT_FAKE_MLFLOW_H
#define TESTS_CLIENT_FAKE_MLFLOW_H

#include "http_server.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_mlflow;

/* How a request goes wrong. */
enum fake_fault
{
  FAULT_NONE,
  FAULT_DROP_BEFORE, /* the connection breaks, nothing is done */
  FAULT_DROP_AFTER, /* it is done, and the connection breaks */
  FAULT_BUSY, /* 503 with Retry-After: 0 */
  FAULT_ERROR, /* 500 */
  FAULT_HTML, /* 200 with a page */
  FAULT_GARBAGE, /* 200 with JSON that is no object */
  FAULT_UNAUTHENTICATED, /* 401 */
  FAULT_SILENCE /* no answer */
};

/* Decides for each request; called under the server's lock. */
typedef enum fake_fault fake_plan (void *payload, const struct http_request *request);

/* Start; `keeps_ids`: as Tally it takes the ids of runs from the request. */
struct fake_mlflow *fake_mlflow_start (bool keeps_ids);
const char *fake_mlflow_url (const struct fake_mlflow *fake);
void fake_mlflow_plan (struct fake_mlflow *fake, fake_plan *plan, void *payload);
/* Log-batch requests with more entries than that get 413; 0: no limit. */
void fake_mlflow_limit (struct fake_mlflow *fake, size_t max_entries);
void fake_mlflow_stop (struct fake_mlflow *fake);

/* Close the port and open it again, with everything kept. */
/* Leave all requests without an answer, until it goes on. */
void fake_mlflow_hold (struct fake_mlflow *fake);
void fake_mlflow_go_on (struct fake_mlflow *fake);
void fake_mlflow_go_down (struct fake_mlflow *fake);
void fake_mlflow_come_up (struct fake_mlflow *fake);

size_t fake_mlflow_runs (struct fake_mlflow *fake);
size_t fake_mlflow_requests (struct fake_mlflow *fake, const char *path);
/* A run by the tag tally.run_id, as {info, tags, params, points: [[key, value, step, timestamp]…], log: […], datasets,
   again}; `log` has what came, in order, `again` the points that came once more. A new reference; NULL: none. */
json_t *fake_mlflow_run (struct fake_mlflow *fake, const char *tally_id);
/* Delete a run, make one that other clients made, delete an experiment. */
void fake_mlflow_delete_run (struct fake_mlflow *fake, const char *tally_id);
void fake_mlflow_add_run (struct fake_mlflow *fake, const char *id);
void fake_mlflow_delete_experiment (struct fake_mlflow *fake, const char *name);
/* The content of an artifact; NULL: none. Borrowed until the next request. */
const char *fake_mlflow_artifact (struct fake_mlflow *fake, const char *path);

#endif
