/* One request on its way through the server; private to the room http. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "api/route.h"
#include "base/lock.h"
#include "base/queue.h"
#include "http/web.h"

#include <microhttpd.h>

struct handshake;
struct peer_proxies;
struct poller;
struct tls;

/* Where a connection stands, for the sweep. */
enum client_phase
{
  CLIENT_HANDSHAKE, /* of TLS */
  CLIENT_IDLE, /* waiting for the first line of a request */
  CLIENT_READING, /* a request has begun to arrive */
  CLIENT_WORKING /* it is here; the answer is awaited or being sent */
};

/* One connection; linked into the server's list from its start to its end. */
struct client
{
  struct client *next;
  struct client *previous;
  int fd;
  _Atomic int phase; /* enum client_phase; written by the connection's thread */
  _Atomic uint64_t since_us; /* when the phase began */
  bool shut; /* the sweep has closed it; under the server's clients_lock */
  struct handshake *handshake; /* NULL without TLS */
  bool lingers; /* the client may be sending still when the connection ends; of its thread */
};

struct http_server
{
  const struct config *config;
  const struct api_service *service;
  struct web *web;
  struct poller *pollers; /* threads that read and write connections */
  size_t poller_count;
  int stop_fd; /* an event that ends them */
  struct MHD_Response *empty_object; /* the answer {} that most requests get */
  struct slice static_prefix;
  struct peer_proxies *proxies; /* that are trusted */
  struct tls *tls; /* NULL: connections speak plain HTTP */
  bool shares; /* some origins may read answers */
  char address[128];

  struct lock clients_lock; /* guards the list of clients; a leaf */
  struct client *clients;

  struct queue work; /* requests for workers */
  struct queue bytes; /* requests for the artifact lane */
  struct queue login; /* requests for the login lane */
  pthread_t *workers; /* of all three */
  size_t workers_started;

  _Atomic size_t body_bytes; /* of all requests being read or waiting */
  _Atomic size_t in_flight;
  _Atomic bool draining;
  _Atomic uint64_t next_id;
  char id_prefix[8]; /* hexadecimal digits that tell this process's request ids from another's */
};

enum request_state
{
  REQUEST_NEW, /* only the first line is known */
  REQUEST_ENTERING, /* another thread finds out who sends it; the connection is suspended */
  REQUEST_READING, /* headers are accepted, the body is arriving */
  REQUEST_TAKING, /* a thread of the artifact lane takes a piece of the body; the connection is suspended */
  REQUEST_WAITING, /* a worker or committer has it; the connection is suspended */
  REQUEST_FINISHED, /* the answer is known but not yet queued */
  REQUEST_ANSWERED /* the answer is queued; pieces of a streamed one may still have to be made */
};

struct request
{
  struct api_call call; /* first */
  struct queue_entry entry; /* in the work queue */
  struct http_server *server;
  struct poller *poller; /* of the connection */
  struct MHD_Connection *connection;
  struct client *client;
  enum request_state state;
  char id[17];
  uint64_t started_us;
  char *target; /* raw request target, in the arena; NULL when it was too long */
  size_t target_bytes;
  struct slice path; /* of the target, without the static prefix */
  struct slice method;
  struct gate_headers credentials;
  enum route_lane lane; /* whose threads have it, or had it last */
  bool is_head;
  bool is_options;
  const struct web_file *file; /* a file of the dashboard is asked for */
  bool lacks_slash; /* of the static prefix: relative links of the dashboard would lead astray */
  const char *allow; /* for 405 and OPTIONS */
  size_t body_limit;
  size_t body_total; /* bytes that arrived and were kept or taken */
  size_t body_counted; /* of these, what the caller's quota knows of a body that was not announced */
  size_t body_reserved; /* counted in server->body_bytes */
  bool refused; /* the headers were; what still arrives is not kept */
  bool body_too_large;
  size_t body_dropped; /* bytes that arrived and were not kept */
  bool body_refused; /* no room for more bodies at the moment */
  struct buffer body;
  size_t response_bytes; /* of the body; of a streamed answer those that the library has taken so far */
  bool streamed; /* the answer is made piece by piece, while the client takes it */
  bool stream_ended; /* the client's connection has taken it to its end */
  size_t piece_taken; /* bytes of call.reply that the library has taken */
  struct arena_mark kept; /* how far the call's arena lasts longer than a piece */
};

/* Say where a connection stands from now on. On its thread. */
void client_set_phase (struct client *client, enum client_phase phase);

/* Make a request when its first line has arrived; NULL when memory is out. */
struct request *request_new (struct http_server *server, struct poller *poller, struct MHD_Connection *connection,
                             const char *target);

/* Log, count and free it. */
void request_free (struct request *request);

/* The callback that drives a request: headers, pieces of the body, the end of the body, and again after a resume. */
enum MHD_Result request_step (struct request *request, const char *method, const char *body, size_t *body_bytes);

/* Fill the credentials of the request from its headers. On the connection's thread. */
void sender_note (struct request *request);

/* Whether its method is one that changes something. */
bool request_changes_state (const struct request *request);

/* Run on a worker's thread. */
void request_work (struct request *request, struct store_connection *connection);

/* Suspend the connection and have a worker make the next piece of a streamed answer. On the connection's thread, within
   the library's content reader. */
void request_next_piece (struct request *request);

/* The library's response to a call that has `more`; NULL when memory is out. */
struct MHD_Response *stream_response (struct request *request);

/* Queue the answer that stands in the call, or the error. */
enum MHD_Result reply_send (struct request *request);

/* A header of the request; "" when it is not there. */
const char *request_header (const struct request *request, const char *name);

#endif
