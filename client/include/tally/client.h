/* A client: the connection to one server, the spool of this process, and the threads that empty it. */
#ifndef TALLY_CLIENT_H
#define TALLY_CLIENT_H

#include "tally/error.h"
#include "tally/options.h"

#include <stddef.h>
#include <stdint.h>

TALLY_BEGIN

struct tally_client;

/* Make a client. `options` are copied; NULL means tally_options_load. Nothing is sent, so that a server that is down
   is no error; the spool is created by the first thing logged. Close with tally_close. Errors: CONFIGURATION, MEMORY.

   After fork() the child must open a client of its own: with the parent's, every call returns FORKED, and tally_close
   only frees. */
TALLY_API enum tally_code tally_open (struct tally_client **client, const struct tally_options *options,
                                      struct tally_error *err);

/* Wait at most `deadline_ms` (negative: option close-deadline-ms) until everything logged was sent, then stop the
   threads and free the client; runs must not be used afterwards except for tally_run_free. Errors: PENDING when
   something waits in the spool (`tally sync` sends it), with its folder in the message. The client is gone whatever is
   returned. */
TALLY_API enum tally_code tally_close (struct tally_client *client, int64_t deadline_ms, struct tally_error *err);

/* Wait at most `deadline_ms` until everything logged before this call was acknowledged by the server.
   Errors: TIMEOUT; PENDING at once when the client is offline. */
TALLY_API enum tally_code tally_flush (struct tally_client *client, int64_t deadline_ms, struct tally_error *err);

/* Wait at most `deadline_ms` until everything logged before this call is in the spool as the option fsync says: with
   "none" it survives the death of the process, with "interval" and "each" also that of the machine.
   Errors: TIMEOUT; FILE when the spool cannot be written (it is sent from memory meanwhile). */
TALLY_API enum tally_code tally_persist (struct tally_client *client, int64_t deadline_ms, struct tally_error *err);

/* What happened to what was logged. Points count one for each metric, param, tag and other record. */
struct tally_counters
{
  uint64_t logged; /* taken from the caller */
  uint64_t spooled; /* written into the spool */
  uint64_t sent; /* acknowledged by the server */
  uint64_t dropped; /* not taken: memory and spool were full */
  uint64_t rejected; /* the server refused them for good; kept in the spool's folder */
  uint64_t requests; /* HTTP requests for them */
  uint64_t retries; /* of those, requests that failed and were tried again */
  uint64_t memory_bytes; /* waiting in memory now */
  uint64_t spool_bytes; /* waiting on disk now */
  uint64_t damaged_bytes; /* written into the spool and not readable any more: lost, set aside in its folder */
  uint64_t reserved[6];
};
TALLY_API void tally_counters (const struct tally_client *client, struct tally_counters *counters);

enum tally_event
{
  TALLY_EVENT_UNREACHABLE = 1, /* sending failed and will be tried again; told once, until it works again */
  TALLY_EVENT_RECOVERED = 2, /* sending works again */
  TALLY_EVENT_REJECTED = 3, /* the server refused something for good */
  TALLY_EVENT_DROPPED = 4, /* memory is full; told once, until there is room again */
  TALLY_EVENT_SPOOL_FAILED = 5, /* the spool cannot be written (disk full); told once */
  TALLY_EVENT_SPOOL_RECOVERED = 6
};

/* Called from a thread of the client, never from within a log call and never under a lock of the client; it must not
   close the client. `why` is valid during the call. */
typedef void tally_event_callback (void *payload, enum tally_event event, const struct tally_error *why);

/* Set the callback for events; NULL: none. One at a time. Set it before the first thing logged. */
TALLY_API void tally_on_event (struct tally_client *client, tally_event_callback *callback, void *payload);

/* What a server is. */
struct tally_server
{
  const char *url; /* as configured */
  const char *version; /* "0.1.0", or MLflow's "3.17.2"; "" when it does not tell */
  bool is_tally; /* has the extension API */
  bool authenticated; /* it lets in who asks: it knows him, or has no logins */
  const char *user; /* who that is; "" when it does not tell */
};

/* Ask the server what it is. Strings are valid until the client is closed. Errors: of any request. */
TALLY_API enum tally_code tally_ping (const struct tally_server **server, struct tally_client *client,
                                      struct tally_error *err);

/* An answer to tally_request. */
struct tally_reply;

/* One request of the server's API, for what has no function here: `path` as "/api/2.0/mlflow/experiments/search" with
   its query, `json` the body or NULL. Waits; what can be tried again is, within the option request-timeout-ms. Errors:
   of any request; the answer, when there was one, is then returned too (`reply` non-NULL). Free with
   tally_reply_free. Any thread. */
TALLY_API enum tally_code tally_request (struct tally_reply **reply, struct tally_client *client, const char *method,
                                         const char *path, const char *json, struct tally_error *err);
TALLY_API int tally_reply_status (const struct tally_reply *reply);
/* The body, NUL-terminated; `bytes` (may be NULL) gets its length. Borrowed from the reply. */
TALLY_API const char *tally_reply_body (const struct tally_reply *reply, size_t *bytes);
TALLY_API void tally_reply_free (struct tally_reply *reply);

/* What tally_sync did. */
struct tally_sync_result
{
  uint64_t streams; /* spools found: one for each client that left something */
  uint64_t busy; /* of those, in use by a living process: left to it */
  uint64_t finished; /* sent whole and removed */
  uint64_t points; /* sent */
  uint64_t rejected; /* refused by the server; kept */
  uint64_t waiting; /* not sent */
  uint64_t torn_bytes; /* cut off at the ends of spools whose process was killed */
  uint64_t kept; /* spools with nothing more to send that stay for what was refused or is damaged: see their folders */
  uint64_t damaged_bytes; /* found unreadable now, and set aside */
  uint64_t reserved[2];
};

/* Called now and then; false stops with CANCELLED. */
typedef bool tally_sync_callback (void *payload, const struct tally_sync_result *so_far, const char *stream);

/* Send what earlier clients left in the spool folder of `client`'s options (those of living processes are left alone;
   of any server, when `all_servers`, else of this client's). Exactly once: what the server has already is a no-op.
   `callback` may be NULL. Errors: of any request; PENDING when something could not be sent. */
TALLY_API enum tally_code tally_sync (struct tally_sync_result *result, struct tally_client *client, bool all_servers,
                                      tally_sync_callback *callback, void *payload, struct tally_error *err);

TALLY_END

#endif
