/* One request as the API layer sees it: what came in, what goes out, and what it may use meanwhile. */
#ifndef API_CALL_H
#define API_CALL_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/config.h"
#include "base/err.h"
#include "ingest/committer.h"
#include "search/run_searcher.h"
#include "store/connection.h"

#include <jansson.h>

struct access;
struct artifact_keys;
struct blob_store;
struct metric_sink;
struct source_rule;

/* What every request may use; made once at start, read-only afterwards. */
struct api_service
{
  const struct config *config;
  struct store *store;
  struct metric_sink *metrics;
  struct committer *metric_committer;
  struct committer *run_committer;
  struct run_searcher searcher;
  struct blob_store *blobs;
  struct artifact_keys *signing_keys;
  struct access *access;
  struct source_rule *source_rule; /* NULL: sources of model versions may be anywhere */
};

/* Headers of a request that routes of the artifact and login lanes may read. */
enum call_header
{
  CALL_RANGE,
  CALL_IF_RANGE,
  CALL_IF_NONE_MATCH,
  CALL_CONTENT_TYPE,
  CALL_CONTENT_DIGEST, /* RFC 9530 */
  CALL_REPR_DIGEST,
  CALL_CONTENT_LENGTH,
  CALL_HOST,
  CALL_FORWARDED_PROTO, /* X-Forwarded-Proto, as far as it is believed; "https" over TLS */
  CALL_ACCEPT,
  CALL_HEADER_COUNT
};

/* A header of an answer, beside those that every answer has. */
struct call_out_header
{
  struct call_out_header *next;
  const char *name;
  const char *value;
};

/* Most {parameters} of a path. */
#define CALL_PATH_VALUES_MAX 4

enum api_next
{
  API_DONE, /* the answer (or the error) stands in the call */
  API_WORK, /* hand the call to a worker, which runs the route's handle function */
  API_WAIT /* the call was given to a committer, which will resume it */
};

struct api_call;

/* Forms of the functions named in table/routes.def. */
typedef enum api_next api_admit (struct api_call *call);
typedef enum err_code api_handle (struct api_call *call, struct err *err);

/* See api/gate.h. */
struct gate_headers;
struct gate_pass;

/* Owned by one thread at a time: first the one that reads the connection, then a worker or committer, then the first
   again. Hand-over goes through a queue, whose lock orders memory.

   A handle function that sets `more` streams its answer: `reply` is the first piece, and each time the client has taken
   a piece, a worker runs `more` for the next one, with an empty `reply` and a time budget of its own. `more` appends at
   least one byte; the piece that is the last one clears `more`. It may be another worker each time, and `more` may
   never run again, when the client goes away: so what an answer keeps between pieces holds no connection and lies in
   the arena, or in `stream` when `drop` frees it. The arena is rewound before each piece to where it stood behind the
   first: what `more` itself allocates lasts for its piece only. An error cannot change the status any more; it breaks
   the transfer off. Up to the first piece it is an ordinary error. */
struct api_call
{
  const struct api_service *service;
  const struct route *route;
  struct gate_pass *pass; /* who asks, and what they may; never NULL once the headers are there */
  const struct gate_headers *credentials; /* what the gate reads */
  struct arena *arena; /* everything of this call, with a ceiling */
  struct slice query; /* raw text behind the ? */
  struct slice body; /* raw bytes */
  bool arguments_in_query; /* GET; and DELETE without a body, once they are read */
  bool is_head;
  struct slice path_values[CALL_PATH_VALUES_MAX]; /* what {name} in the path of the route stood for, decoded once; the
                                                     last one, {name...}, may hold slashes */
  struct slice headers[CALL_HEADER_COUNT]; /* only for routes of the artifact and login lanes; absent when not sent */
  struct slice target; /* the raw path as it was sent, for signatures */
  json_t *arguments; /* owned; made by api_arguments */
  struct store_connection *connection; /* the worker's; NULL on other threads */
  struct commit_item commit; /* place in a committer's queue */
  void *commit_context; /* what the committer's kind keeps, in the arena */
  uint64_t deadline_us; /* of clock_monotonic_us: answer before this */

  unsigned status; /* 0 means 200 */
  const char *type; /* content type; NULL means application/json */
  struct buffer reply; /* body; empty JSON replies become {} */
  struct err err; /* set when it failed */
  struct slice err_members; /* more members of the error's JSON, such as `"missing": []`, in the arena; absent: none */
  uint64_t database_us; /* time spent waiting for PostgreSQL */

  api_handle *more; /* makes the next piece of the answer; NULL: `reply` is all, or the last piece */
  void *more_context; /* what it keeps between pieces, in the arena */
  int64_t stream_bytes; /* size of a streamed answer when it is known, for Content-Length; 0: not known */

  void *stream; /* what is kept between the pieces of a STREAM body or of an answer, and must be freed */
  void (*drop) (struct api_call *call); /* frees it, when the call ends; NULL: nothing */

  bool has_file; /* the answer is `file_bytes` bytes of the open `file_fd` from `file_offset` on; whoever reads the
                    connection closes it */
  int file_fd;
  int64_t file_offset;
  int64_t file_bytes;
  struct call_out_header *out_headers;

  enum err_code (*finish) (struct api_call *call, struct err *err); /* writes the answer of what a committer did, or
                                                                       sets handle_next */
  bool handle_next; /* the answer needs the database: a worker runs the route's handle function */
  void (*resume) (struct api_call *call); /* gives the call back to its connection; set by whoever reads that */
};

/* Bodies above this are parsed by a worker: at about 50 MB/s a larger one would hold up the other connections of the
   reading thread for more than a millisecond. */
#define API_ADMIT_MAX_BYTES ((size_t)64 * 1024)

/* Hand `payload` to a committer and wait; the call's finish function, if any, writes the answer. Gives API_DONE with an
   error when the queue is full. */
enum api_next api_commit (struct api_call *call, struct committer *committer, void *payload);

/* Add a header to the answer, also to an error. `name` is static; `value` is copied into the arena and holds no control
   characters. */
void api_header (struct api_call *call, const char *name, struct slice value);

/* Start the time budget of a call anew, for what took its time before the database is needed. On a worker's or lane's
   thread. */
void api_renew_budget (struct api_call *call);

/* "Too busy": 503 with Retry-After. */
enum err_code api_busy (struct err *err);

#endif
