/* The HTTP server: socket, connection threads, workers, sweep and stop. */
#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "http/guard.h"
#include "http/headers.h"
#include "http/peer.h"
#include "http/poller.h"
#include "http/request.h"
#include "http/router.h"
#include "http/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that may wait for being accepted; the kernel caps it at net.core.somaxconn. */
#define LISTEN_BACKLOG 4096

void
http_server_sweep (struct http_server *server)
{
  uint64_t now_us = clock_monotonic_us ();

  lock_acquire (&server->clients_lock);
  for (struct client *client = server->clients; NULL != client; client = client->next)
  {
    int phase = atomic_load_explicit (&client->phase, memory_order_relaxed);
    uint64_t since_us = atomic_load_explicit (&client->since_us, memory_order_relaxed);
    int64_t limit_ms = CLIENT_IDLE == phase ? server->config->idle_timeout_ms : server->config->request_timeout_ms;

    if (CLIENT_WORKING == phase || client->shut || client->fd < 0 || now_us < since_us + (uint64_t)limit_ms * 1000)
      continue;
    /* The connection's thread sees the end of the stream and closes; a client is unlinked before its socket is. */
    stats_add (&stats.connections_closed_slow, 1);
    (void)shutdown (client->fd, SHUT_RDWR);
    client->shut = true;
  }
  lock_release (&server->clients_lock);
}

/* Do what is queued, until the queue is closed. */
static void *
work_on (struct http_server *server, struct queue *queue)
{
  struct store_connection *connection = store_connection_new (server->service->store);
  struct queue_entry *entry;

  if (NULL == connection)
    abort (); /* only at start-up */
  while (NULL != (entry = queue_pop (queue)))
    request_work ((struct request *)((char *)entry - offsetof (struct request, entry)), connection);
  store_connection_free (connection);
  return NULL;
}

static void *
work (void *context)
{
  struct http_server *server = context;

  return work_on (server, &server->work);
}

static void *
work_bytes (void *context)
{
  struct http_server *server = context;

  return work_on (server, &server->bytes);
}

static void *
work_logins (void *context)
{
  struct http_server *server = context;

  return work_on (server, &server->login);
}

/* Split "127.0.0.1:5000" or "[::1]:5000" into name and port. */
static bool
split_listen (char *name, size_t capacity, const char **port, const char *listen_text)
{
  const char *colon = strrchr (listen_text, ':');
  const char *start = listen_text;
  size_t length;

  if (NULL == colon || '\0' == colon[1])
    return false;
  *port = colon + 1;
  length = (size_t)(colon - start);
  if (length >= 2 && '[' == start[0] && ']' == start[length - 1])
  {
    start++;
    length -= 2;
  }
  if (0 == length || length >= capacity)
    return false;
  memcpy (name, start, length);
  name[length] = '\0';
  return true;
}

static enum err_code
bind_address (int *fd, const struct addrinfo *address, const char *listen_text, struct err *err)
{
  int one = 1;

  *fd = socket (address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (*fd < 0)
    return err_set (err, ERR_INTERNAL_ERROR, "listen %s: %s", listen_text, strerror (errno));
  (void)setsockopt (*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof (one));
  /* Accepted sockets inherit it: an answer must not wait for the acknowledgement of the one before. */
  (void)setsockopt (*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  if (0 == bind (*fd, address->ai_addr, address->ai_addrlen) && 0 == listen (*fd, LISTEN_BACKLOG))
    return ERR_OK;
  err_set (err, EADDRINUSE == errno ? ERR_RESOURCE_CONFLICT : ERR_INTERNAL_ERROR, "listen %s: %s", listen_text,
           strerror (errno));
  close (*fd);
  *fd = -1;
  return err->code;
}

/* The address as a URL, with the port that the system picked. */
static void
describe_address (struct http_server *server, int fd)
{
  struct sockaddr_storage bound;
  socklen_t length = sizeof (bound);
  char name[INET6_ADDRSTRLEN] = "";
  char port[8] = "";

  if (0 == getsockname (fd, (struct sockaddr *)&bound, &length))
    (void)getnameinfo ((struct sockaddr *)&bound, length, name, sizeof (name), port, sizeof (port),
                       NI_NUMERICHOST | NI_NUMERICSERV);
  snprintf (server->address, sizeof (server->address), AF_INET6 == bound.ss_family ? "%s://[%s]:%s" : "%s://%s:%s",
            NULL == server->tls ? "http" : "https", name, port);
}

static enum err_code
open_socket (int *fd, struct http_server *server, struct err *err)
{
  const struct config *config = server->config;
  const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
  struct addrinfo *addresses = NULL;
  char name[256];
  const char *port;
  int failure;
  enum err_code code;

  if (! split_listen (name, sizeof (name), &port, config->listen))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "listen %s: expected ADDRESS:PORT, such as 127.0.0.1:5000",
                    config->listen);
  if (! config->auth && ! guard_is_loopback (slice_of (name)))
  {
    if (! config->insecure)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "listen %s is not a loopback address, and without authentication anybody who reaches it could "
                      "read and change everything. Start with --auth, or with --insecure if that is what you want.",
                      config->listen);
    log_line (EVENT_insecure_listen, LOG_TEXT ("listen", config->listen));
  }
  if (config->auth && NULL == server->tls && peer_proxies_none (server->proxies)
      && ! guard_is_loopback (slice_of (name)))
    log_line (EVENT_unencrypted_listen, LOG_TEXT ("listen", config->listen));
  failure = getaddrinfo (name, port, &hints, &addresses);
  if (0 != failure)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "listen %s: %s", config->listen, gai_strerror (failure));
  code = bind_address (fd, addresses, config->listen, err);
  freeaddrinfo (addresses);
  if (ERR_OK == code)
    describe_address (server, *fd);
  return code;
}

static enum err_code
start_workers (struct http_server *server, struct err *err)
{
  const struct config *config = server->config;
  struct
  {
    size_t count;
    void *(*run) (void *context);
  } const lanes[] = { { (size_t)config->workers, work },
                      { (size_t)config->artifact_threads, work_bytes },
                      { config->auth ? (size_t)config->login_threads : 0, work_logins } };
  size_t count = 0;

  for (size_t i = 0; i < sizeof (lanes) / sizeof (lanes[0]); i++)
    count += lanes[i].count;
  server->workers = calloc (count, sizeof (pthread_t));
  if (NULL == server->workers)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < sizeof (lanes) / sizeof (lanes[0]); i++)
    for (size_t j = 0; j < lanes[i].count; j++, server->workers_started++)
      if (0 != pthread_create (&server->workers[server->workers_started], NULL, lanes[i].run, server))
        return err_set (err, ERR_INTERNAL_ERROR, "threads cannot be started: %s", strerror (errno));
  return ERR_OK;
}

static struct slice
clean_prefix (const char *prefix)
{
  struct slice text = slice_of (prefix);

  while (text.len > 0 && '/' == text.data[text.len - 1])
    text.len--;
  return text;
}

/* Which proxies are believed, and that what only they can say is of use. */
static enum err_code
read_proxies (struct http_server *server, struct err *err)
{
  const struct config *config = server->config;
  enum err_code code = peer_proxies_parse (&server->proxies, config->trusted_proxies, err);

  if (ERR_OK == code && '\0' != config->proxy_user_header[0] && peer_proxies_none (server->proxies))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "proxy-user-header needs trusted-proxies: from anybody else the header is not believed.");
  if (ERR_OK == code && '\0' != config->proxy_groups_header[0] && '\0' == config->proxy_user_header[0])
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "proxy-groups-header needs proxy-user-header.");
  return code;
}

static bool
make_id_prefix (struct http_server *server)
{
  char digits[UUID_TEXT_BYTES];
  struct uuid random;

  if (! uuid_random (&random))
    return false;
  uuid_format (digits, &random);
  memcpy (server->id_prefix, digits, sizeof (server->id_prefix));
  return true;
}

enum err_code
http_server_start (struct http_server **out, const struct api_service *service, struct err *err)
{
  struct http_server *server = calloc (1, sizeof (*server));
  int fd = -1;
  enum err_code code;

  *out = server;
  if (NULL == server)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  server->config = service->config;
  server->service = service;
  server->stop_fd = -1;
  lock_init (&server->clients_lock);
  queue_init (&server->work, (size_t)server->config->queue_requests, (size_t)server->config->queue_bytes);
  queue_init (&server->bytes, (size_t)server->config->queue_requests, (size_t)server->config->queue_bytes);
  queue_init (&server->login, (size_t)server->config->login_queue, (size_t)server->config->queue_bytes);
  server->static_prefix = clean_prefix (server->config->static_prefix);
  if (server->static_prefix.len > 0 && '/' != server->static_prefix.data[0])
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "static-prefix '%s' must begin with a slash",
                    server->config->static_prefix);
  server->empty_object = MHD_create_response_from_buffer (2, (void *)(uintptr_t) "{}", MHD_RESPMEM_PERSISTENT);
  if (NULL == server->empty_object || ! router_init () || ! make_id_prefix (server))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  (void)MHD_add_response_header (server->empty_object, "Content-Type", "application/json");
  (void)MHD_add_response_header (server->empty_object, "Cache-Control", "no-store");
  server->shares = headers_share (server->config->allowed_origins);
  code = read_proxies (server, err);
  if (ERR_OK == code)
    code = tls_open (&server->tls, server->config, err);
  if (ERR_OK == code)
    headers_add (server->empty_object, server, HEADERS_DATA, false);
  if (ERR_OK == code)
    code = web_open (&server->web, server->config, err);
  if (ERR_OK == code && ! web_exists (server->web))
    log_line (EVENT_web_missing, LOG_TEXT ("web_root", server->config->web_root));
  if (ERR_OK == code)
    code = open_socket (&fd, server, err);
  if (ERR_OK == code)
    code = start_workers (server, err);
  if (ERR_OK == code)
    code = poller_start (server, fd, err);
  /* Each poller has a copy of its own. */
  if (fd >= 0)
    close (fd);
  return code;
}

const char *
http_server_address (const struct http_server *server)
{
  return server->address;
}

void
http_server_reload (struct http_server *server)
{
  if (NULL != server->tls)
    tls_reload (server->tls);
}

void
http_server_drain (struct http_server *server)
{
  atomic_store (&server->draining, true);
  poller_quiesce (server);
}

size_t
http_server_in_flight (const struct http_server *server)
{
  return atomic_load (&server->in_flight);
}

void
http_server_stop_work (struct http_server *server)
{
  queue_close (&server->work);
  queue_close (&server->bytes);
  queue_close (&server->login);
  for (size_t i = 0; i < server->workers_started; i++)
    (void)pthread_join (server->workers[i], NULL);
  server->workers_started = 0;
}

void
http_server_stop (struct http_server *server)
{
  if (NULL == server)
    return;
  http_server_stop_work (server);
  poller_stop (server);
  if (NULL != server->empty_object)
    MHD_destroy_response (server->empty_object);
  router_free ();
  peer_proxies_free (server->proxies);
  tls_close (server->tls);
  web_close (server->web);
  free (server->workers);
  queue_destroy (&server->work);
  queue_destroy (&server->bytes);
  queue_destroy (&server->login);
  lock_destroy (&server->clients_lock);
  free (server);
}
