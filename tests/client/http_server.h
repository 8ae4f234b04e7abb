/* A small HTTP server for tests of the client: it answers as the test says, also wrongly. */
#ifndef TESTS_CLIENT_HTTP_SERVER_H
#define TESTS_CLIENT_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct http_server;

/* A request as it came. */
struct http_request
{
  char method[16];
  char path[2048]; /* with its query */
  const char *headers; /* all lines, NUL-terminated */
  const char *body; /* NUL-terminated */
  size_t body_bytes;
  int connection; /* the socket, for answers that http_reply cannot give */
  unsigned number; /* of this request, from 1 */
};

/* Answers a request on its socket; false closes the connection. Called by a thread for each connection. */
typedef bool http_handler (void *payload, const struct http_request *request);

/* Start on a free port of 127.0.0.1; the test fails when that is not possible. */
struct http_server *http_server_start (http_handler *handler, void *payload);
/* Keep a free port from everybody but http_server_start_at, until the socket that is returned is closed. */
int http_server_reserve (unsigned *port);
/* Start on a port that is reserved, maybe again. */
struct http_server *http_server_start_at (unsigned port, http_handler *handler, void *payload);
unsigned http_server_port (const struct http_server *server);
/* "http://127.0.0.1:PORT" */
const char *http_server_url (const struct http_server *server);
unsigned http_server_connections (struct http_server *server);
/* Closes all connections and waits for their threads. */
void http_server_stop (struct http_server *server);

/* A whole answer. `headers` are more lines, each ended by "\r\n"; "" for none. */
void http_reply (const struct http_request *request, int status, const char *type, const char *headers,
                 const char *body);
void http_reply_json (const struct http_request *request, int status, const char *json);

/* Bytes as they are. False when the other end is gone. */
bool http_write (const struct http_request *request, const void *data, size_t bytes);

/* Whether a header line of this kind is there ("Name: value", or a beginning of it). */
bool http_has_header (const struct http_request *request, const char *line);

#endif
