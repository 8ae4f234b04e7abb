/* Transport: HTTP requests to one server over connections that are kept, from any thread. */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include "options.h"

#include "base/buffer.h"
#include "base/slice.h"

struct transport;

/* Longest JSON answer taken, in bytes: tallyd's own limit of a page is far below. A hostile server sends no more. */
#define TRANSPORT_ANSWER_MAX_BYTES (64u << 20)

/* Credentials, TLS and timeouts come from the options; `server` and `workspace` replace the options' when non-NULL (for
   streams of other servers; credentials are then sent only when scheme, host and port are the options'). Redirects are
   never followed. Errors: CONFIGURATION for a server that is no http(s) URL (MLFLOW_TRACKING_URI may be a folder or
   "databricks"), MEMORY. */
enum tally_code transport_new (struct transport **transport, const struct tally_options *options, const char *server,
                               const char *workspace, struct tally_error *err);
/* `forked`: only free memory: the connections are the parent's, and ending TLS on them would end it for the parent.
   NULL is allowed. */
void transport_free (struct transport *transport, bool forked);

/* Abort what is under way and everything later with CANCELLED; from any thread. */
void transport_cancel (struct transport *transport);

/* The server's URL without a slash at its end and without credentials; borrowed. */
const char *transport_server (const struct transport *transport);

/* Receives a body piece by piece, when the answer's status and headers are there already; false stops with CANCELLED,
 * or with what was stored in `err` by it. */
typedef bool transport_sink (void *payload, const void *data, size_t bytes);

struct transport_request
{
  const char *method;
  const char *path; /* "/api/2.0/…" with its query, already encoded; behind the server's prefix */
  const char
      *url; /* instead of path: absolute (a signed URL that the server gave); gets no credentials, no workspace */
  struct slice body; /* JSON or other bytes; data NULL: none */
  const char *content_type; /* NULL: application/json when there is a body */
  const char *const *headers; /* more of them, "Name: value", ended by NULL; NULL: none */
  int file; /* send `file_bytes` of it from `file_offset` as the body instead; used when file_bytes > 0 or is_file */
  bool is_file;
  uint64_t file_offset;
  uint64_t file_bytes;
  transport_sink *sink; /* a 2xx body goes here instead of answer.body; NULL: into answer.body */
  bool (*progress) (void *payload, uint64_t sent_bytes, uint64_t received_bytes); /* NULL: none; false: CANCELLED */
  void (*meanwhile) (void *payload); /* called once when all is sent, before waiting for the answer; NULL: none */
  void *payload; /* of sink, progress and meanwhile */
  int64_t timeout_ms; /* for the whole of it; 0: no limit while bytes flow (60 s without any: TIMEOUT) */
  bool once; /* not idempotent: transport_call tries again only when the server cannot have done it, and nothing is sent
                on a connection that the server may have given up */
};

struct transport_answer
{
  int status; /* 0: no answer */
  bool sent; /* bytes of the request left: without an answer, nobody knows whether the server did it */
  int64_t retry_after_ms; /* -1: not told */
  struct buffer body; /* freed with transport_answer_free */
  char content_type[128];
  char etag[160]; /* as it came; "" without one */
  char digest[160]; /* of the header Repr-Digest or ETag, whichever tells a SHA-256, as 64 digits; "" without one */
  int64_t content_length; /* -1: not told */
};

/* One try. OK for 2xx; else an error made of the answer: error_code and message of its JSON (never HTML), status,
   retryable (408, 425, 429, 5xx but 501, no connection, broken answers). PROTOCOL, and not retryable, for redirects and
   for a 4xx that no Tally or MLflow server gave: another path prefix or a proxy. UNSUPPORTED for a route that the
   server does not have. `answer` is always to be freed. Any thread. */
enum tally_code transport_send (struct transport_answer *answer, struct transport *transport,
                                const struct transport_request *request, struct tally_error *err);

/* As transport_send, tried again while retryable, with back-off and jitter and the server's Retry-After, until
   `deadline_ms` from now. Not for requests with a sink. */
enum tally_code transport_call (struct transport_answer *answer, struct transport *transport,
                                const struct transport_request *request, int64_t deadline_ms, struct tally_error *err);

void transport_answer_free (struct transport_answer *answer);

/* Wait; false at once when cancelled. */
bool transport_sleep (struct transport *transport, int64_t ms);

/* Pause before try `attempt` (from 1), in ms: exponential from 100, full jitter, at most `max_ms`, at least
   `retry_after_ms` when that is told. Thread-safe. */
int64_t transport_pause_ms (unsigned attempt, int64_t max_ms, int64_t retry_after_ms);

#endif
