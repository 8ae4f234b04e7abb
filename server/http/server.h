/* The HTTP server: listens, reads requests, hands them on and writes answers. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "api/call.h"

struct http_server;

/* Open the listening socket, start workers and connection threads. `service` outlives the server. The caller stops with
   http_server_stop, also after a failure. Errors: INVALID_PARAMETER_VALUE (address, web root), INTERNAL_ERROR. */
enum err_code http_server_start (struct http_server **server, const struct api_service *service, struct err *err);

/* The address to open, such as "http://127.0.0.1:5000", or with https; borrowed. */
const char *http_server_address (const struct http_server *server);

/* Close connections whose request does not arrive in time; to be called several times a second. Thread-safe. */
void http_server_sweep (struct http_server *server);

/* Read certificate and key again, when there are any; connections go on. On one thread at a time. */
void http_server_reload (struct http_server *server);

/* Stop accepting; requests under way go on. */
void http_server_drain (struct http_server *server);

/* Requests being read or answered now. Thread-safe. */
size_t http_server_in_flight (const struct http_server *server);

/* End the workers after what is queued; what comes in later is answered 503. Committers must be stopped after this and
   before http_server_stop, so that no call is left waiting. */
void http_server_stop_work (struct http_server *server);

/* Close what is left and free. NULL is allowed. */
void http_server_stop (struct http_server *server);

#endif
