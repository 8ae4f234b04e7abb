/* A small client of the API for the programs that test under stress. */
#ifndef HTTP_TESTS_API_H
#define HTTP_TESTS_API_H

#include "reply.h"

#include <jansson.h>
#include <stdbool.h>

/* Most of a refusal that is kept. */
#define API_SAID_BYTES 400

/* One connection to one server; belongs to one thread. */
struct api
{
  CURL *curl;
  const char *base_url; /* borrowed */
  bool polite; /* the last answer was no 503, or one with Retry-After */
  char said[API_SAID_BYTES]; /* status and body of the last answer that was not 200, or why there was none */
};

void api_open (struct api *api, const char *base_url);
void api_close (struct api *api);

/* POST `body` (stolen) to a path below /api/2.0/mlflow/; one that begins with '/' is taken from the root.
   Returns the status, 0 when no answer came. `answer` (may be NULL) gets a new reference, or NULL when it is no JSON.
 */
long api_post (struct api *api, const char *path, json_t *body, json_t **answer);

/* GET a path with its query; as api_post. */
long api_get (struct api *api, const char *path, json_t **answer);

/* A figure of /metrics that has no labels; -1 when there is none. The request for it counts, too. */
long api_figure (struct api *api, const char *name);

/* Make a run in experiment 0 and put its id in `run_id`. Its start time is in microseconds, so that it sorts behind all
   runs of ordinary tests and in the order of making. False when the server does not say 200. */
bool api_make_run (struct api *api, char run_id[64]);

/* All points of a metric of a run as one array, following the page tokens: a new reference, or NULL on failure. */
json_t *api_history (struct api *api, const char *run_id, const char *key, int page);

#endif
