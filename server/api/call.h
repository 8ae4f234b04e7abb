/* One request as the API layer sees it: what came in, what goes out, and what it may use meanwhile. */
#ifndef API_CALL_H
#define API_CALL_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/config.h"
#include "base/err.h"
#include "ingest/committer.h"
#include "store/connection.h"

#include <jansson.h>

struct metric_sink;

/* What every request may use; made once at start, read-only afterwards. */
struct api_service
{
  const struct config *config;
  struct store *store;
  struct metric_sink *metrics;
  struct committer *metric_committer;
  struct committer *run_committer;
};

enum api_next
{
  API_DONE, /* the answer (or the error) stands in the call */
  API_WORK, /* hand the call to a worker, which runs the route's handle function */
  API_WAIT /* the call was given to a committer, which will resume it */
};

/* Owned by one thread at a time: first the one that reads the connection, then a worker or committer, then the first
   again. Hand-over goes through a queue, whose lock orders memory. */
struct api_call
{
  const struct api_service *service;
  const struct route *route;
  struct arena *arena; /* everything of this call, with a ceiling */
  struct slice query; /* raw text behind the ? */
  struct slice body; /* raw bytes */
  bool arguments_in_query; /* GET */
  json_t *arguments; /* owned; made by api_arguments */
  struct store_connection *connection; /* the worker's; NULL on other threads */
  struct commit_item commit; /* place in a committer's queue */
  void *commit_context; /* what the committer's kind keeps, in the arena */
  uint64_t deadline_us; /* of clock_monotonic_us: answer before this */

  unsigned status; /* 0 means 200 */
  const char *type; /* content type; NULL means application/json */
  struct buffer reply; /* body; empty JSON replies become {} */
  struct err err; /* set when it failed */
  uint64_t database_us; /* time spent waiting for PostgreSQL */

  enum err_code (*finish) (struct api_call *call, struct err *err); /* writes the answer of what a committer did */
  void (*resume) (struct api_call *call); /* gives the call back to its connection; set by whoever reads that */
};

/* Forms of the functions named in table/routes.def. */
typedef enum api_next api_admit (struct api_call *call);
typedef enum err_code api_handle (struct api_call *call, struct err *err);

/* Bodies above this are parsed by a worker: at about 50 MB/s a larger one would hold up the other connections of the
   reading thread for more than a millisecond. */
#define API_ADMIT_MAX_BYTES ((size_t)64 * 1024)

/* Hand `payload` to a committer and wait; the call's finish function, if any, writes the answer. Gives API_DONE with an
   error when the queue is full. */
enum api_next api_commit (struct api_call *call, struct committer *committer, void *payload);

/* "Too busy": 503 with Retry-After. */
enum err_code api_busy (struct err *err);

#endif
