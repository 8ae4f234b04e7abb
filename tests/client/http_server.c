/* The server: one thread that accepts, one for each connection. */
#include "http_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections at a time, and over the life of a server: more than any test makes. */
#define MAX_CONNECTIONS 256

/* Longest head and body of a request: a part of an upload and more. */
#define MAX_BYTES (8u << 20)

struct http_server
{
  http_handler *handler;
  void *payload;
  int listener;
  unsigned port;
  char url[64];
  pthread_t acceptor;
  pthread_mutex_t lock; /* guards what follows */
  bool stopping;
  unsigned requests;
  unsigned count;
  int connections[MAX_CONNECTIONS]; /* -1: closed */
  pthread_t threads[MAX_CONNECTIONS];
};

struct connection
{
  struct http_server *server;
  unsigned index;
  int socket;
};

/* Read until `have` bytes are there. */
static bool
read_up_to (int socket, char *room, size_t *have, size_t want)
{
  while (*have < want)
  {
    ssize_t got = recv (socket, room + *have, MAX_BYTES - *have, 0);

    if (got <= 0)
      return false;
    *have += (size_t)got;
  }
  return true;
}

/* The head of the next request; its length, 0 at the end. */
static size_t
read_head (int socket, char *room, size_t *have)
{
  for (;;)
  {
    const char *end = memmem (room, *have, "\r\n\r\n", 4);

    if (NULL != end)
      return (size_t)(end - room) + 4;
    if (! read_up_to (socket, room, have, *have + 1))
      return 0;
  }
}

static size_t
body_length (const char *head)
{
  const char *line = strcasestr (head, "\r\nContent-Length:");

  return NULL == line ? 0 : strtoull (line + strlen ("\r\nContent-Length:"), NULL, 10);
}

/* Read and answer one request. */
static bool
serve_one (struct connection *connection, char *room, size_t *have)
{
  struct http_server *server = connection->server;
  struct http_request request = { .connection = connection->socket };
  size_t head = read_head (connection->socket, room, have);
  size_t body;
  char *text;
  char saved;
  bool go_on;

  if (0 == head)
    return false;
  text = strndup (room, head);
  body = body_length (text);
  if (! read_up_to (connection->socket, room, have, head + body))
  {
    free (text);
    return false;
  }
  ck_assert_int_eq (2, sscanf (text, "%15s %2047s", request.method, request.path));
  request.headers = strstr (text, "\r\n");
  request.body = room + head;
  request.body_bytes = body;
  saved = room[head + body];
  room[head + body] = '\0';
  pthread_mutex_lock (&server->lock);
  request.number = ++server->requests;
  pthread_mutex_unlock (&server->lock);
  go_on = server->handler (server->payload, &request);
  room[head + body] = saved;
  *have -= head + body;
  memmove (room, room + head + body, *have);
  free (text);
  return go_on;
}

static void *
serve (void *payload)
{
  struct connection *connection = payload;
  struct http_server *server = connection->server;
  char *room = malloc (MAX_BYTES + 1);
  size_t have = 0;

  while (serve_one (connection, room, &have))
    ;
  pthread_mutex_lock (&server->lock);
  server->connections[connection->index] = -1;
  pthread_mutex_unlock (&server->lock);
  shutdown (connection->socket, SHUT_RDWR);
  close (connection->socket);
  free (room);
  free (connection);
  return NULL;
}

static void *
accept_all (void *payload)
{
  struct http_server *server = payload;
  int socket;

  while ((socket = accept (server->listener, NULL, NULL)) >= 0)
  {
    struct connection *connection = malloc (sizeof (*connection));

    pthread_mutex_lock (&server->lock);
    if (server->stopping || server->count == MAX_CONNECTIONS)
    {
      pthread_mutex_unlock (&server->lock);
      close (socket);
      free (connection);
      continue;
    }
    *connection = (struct connection){ server, server->count, socket };
    server->connections[server->count] = socket;
    pthread_create (&server->threads[server->count], NULL, serve, connection);
    server->count++;
    pthread_mutex_unlock (&server->lock);
  }
  return NULL;
}

/* A socket with this port, 0: a free one, of which `*port` is told. Several may be bound to it while none listens, and
   who is bound already stays so. */
static int
bind_port (unsigned *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t)*port) };
  socklen_t bytes = sizeof (address);
  int bound = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;

  setsockopt (bound, SOL_SOCKET, SO_REUSEADDR, &one, sizeof (one));
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  ck_assert_int_eq (0, bind (bound, (struct sockaddr *)&address, sizeof (address)));
  ck_assert_int_eq (0, getsockname (bound, (struct sockaddr *)&address, &bytes));
  *port = ntohs (address.sin_port);
  return bound;
}

int
http_server_reserve (unsigned *port)
{
  *port = 0;
  return bind_port (port);
}

struct http_server *
http_server_start_at (unsigned port, http_handler *handler, void *payload)
{
  struct http_server *server = calloc (1, sizeof (*server));

  server->handler = handler;
  server->payload = payload;
  server->port = port;
  pthread_mutex_init (&server->lock, NULL);
  server->listener = bind_port (&server->port);
  ck_assert_int_eq (0, listen (server->listener, 64));
  snprintf (server->url, sizeof (server->url), "http://127.0.0.1:%u", server->port);
  ck_assert_int_eq (0, pthread_create (&server->acceptor, NULL, accept_all, server));
  return server;
}

struct http_server *
http_server_start (http_handler *handler, void *payload)
{
  return http_server_start_at (0, handler, payload);
}

unsigned
http_server_port (const struct http_server *server)
{
  return server->port;
}

const char *
http_server_url (const struct http_server *server)
{
  return server->url;
}

unsigned
http_server_connections (struct http_server *server)
{
  unsigned count;

  pthread_mutex_lock (&server->lock);
  count = server->count;
  pthread_mutex_unlock (&server->lock);
  return count;
}

void
http_server_stop (struct http_server *server)
{
  pthread_mutex_lock (&server->lock);
  server->stopping = true;
  pthread_mutex_unlock (&server->lock);
  shutdown (server->listener, SHUT_RDWR);
  pthread_join (server->acceptor, NULL);
  close (server->listener);
  pthread_mutex_lock (&server->lock);
  for (unsigned i = 0; i < server->count; i++)
    if (server->connections[i] >= 0)
      shutdown (server->connections[i], SHUT_RDWR);
  pthread_mutex_unlock (&server->lock);
  for (unsigned i = 0; i < server->count; i++)
    pthread_join (server->threads[i], NULL);
  pthread_mutex_destroy (&server->lock);
  free (server);
}

bool
http_write (const struct http_request *request, const void *data, size_t bytes)
{
  const char *at = data;

  while (bytes > 0)
  {
    ssize_t sent = send (request->connection, at, bytes, MSG_NOSIGNAL);

    if (sent <= 0)
      return false;
    at += sent;
    bytes -= (size_t)sent;
  }
  return true;
}

void
http_reply (const struct http_request *request, int status, const char *type, const char *headers, const char *body)
{
  char *answer = NULL;
  int len = asprintf (&answer, "HTTP/1.1 %d Status\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                      type, strlen (body), headers, 0 == strcmp (request->method, "HEAD") ? "" : body);

  ck_assert_int_gt (len, 0);
  http_write (request, answer, (size_t)len);
  free (answer);
}

void
http_reply_json (const struct http_request *request, int status, const char *json)
{
  http_reply (request, status, "application/json", "", json);
}

bool
http_has_header (const struct http_request *request, const char *line)
{
  char *wanted = NULL;
  bool has;

  ck_assert_int_gt (asprintf (&wanted, "\r\n%s", line), 0);
  has = NULL != strcasestr (request->headers, wanted);
  free (wanted);
  return has;
}
