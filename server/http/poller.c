/* The threads that read and write connections: one instance of the HTTP library each, polled by us.

   DESIGN
   The library's own polling threads are not used: libmicrohttpd 0.9.75 asks epoll again, with the full time-out, when
   one call returned exactly as many events as its table holds (128), before it has looked at any of them; with 127 busy
   connections on a thread, answered requests then lie until the time-out. Called through MHD_run it never waits, and
   the waiting is done here on its epoll descriptor.
   The library's own signal for resumed connections is not enough then: it may be consumed in the middle of MHD_run,
   behind the place that looks at resumed connections. So whoever resumes one also sets an event of ours, which is
   cleared before MHD_run is called. */
#include "http/poller.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "http/handshake.h"
#include "http/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Memory of a connection besides the longest request target: headers (8 KiB is what servers commonly take), a piece of
   body and the answer's headers. The library clears it between requests, so more would cost time too. */
#define CONNECTION_EXTRA_BYTES ((size_t)12 * 1024)

struct poller
{
  struct http_server *server;
  struct MHD_Daemon *daemon;
  struct handshakes *handshakes; /* NULL without TLS */
  struct linger_set linger;
  int epoll_fd;
  int wake_fd; /* an event that says: a connection was resumed */
  _Atomic bool wake_pending; /* the event is set, or about to be */
  pthread_t thread;
  bool started;
  bool closed; /* a connection was closed by the run under way; of the poller's own thread */
  int listen_fd; /* the library's while it accepts */
  bool quiesced; /* the library gave the listening socket back; of the poller's own thread */
};

static void *
log_target (void *context, const char *target, struct MHD_Connection *connection)
{
  struct poller *poller = context;

  return request_new (poller->server, poller, connection, target);
}

/* The library must not decode: the router does, and refuses what is malformed. */
static size_t
keep_escapes (void *context, struct MHD_Connection *connection, char *text)
{
  (void)context;
  (void)connection;
  return strlen (text);
}

static enum MHD_Result
handle (void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
        const char *body, size_t *body_bytes, void **state)
{
  (void)context;
  (void)connection;
  (void)url;
  (void)version;
  return NULL == *state ? MHD_NO : request_step (*state, method, body, body_bytes);
}

static void
completed (void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
  (void)context;
  (void)connection;
  (void)why;
  if (NULL != *state)
    request_free (*state);
  *state = NULL;
}

static void
link_client (struct http_server *server, struct client *client)
{
  lock_acquire (&server->clients_lock);
  client->next = server->clients;
  if (NULL != client->next)
    client->next->previous = client;
  server->clients = client;
  lock_release (&server->clients_lock);
}

static void
unlink_client (struct http_server *server, struct client *client)
{
  lock_acquire (&server->clients_lock);
  if (NULL != client->previous)
    client->previous->next = client->next;
  else
    server->clients = client->next;
  if (NULL != client->next)
    client->next->previous = client->previous;
  lock_release (&server->clients_lock);
}

static void
connection_changed (void *context, struct MHD_Connection *connection, void **socket_context,
                    enum MHD_ConnectionNotificationCode what)
{
  struct poller *poller = context;
  struct http_server *server = poller->server;
  struct client *client;

  if (MHD_CONNECTION_NOTIFY_STARTED == what)
  {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    stats_add (&stats.connections, 1);
    client = calloc (1, sizeof (*client));
    *socket_context = client;
    if (NULL != client)
    {
      client->fd = NULL == info ? -1 : info->connect_fd;
      client_set_phase (client, CLIENT_IDLE);
    }
    if (NULL != poller->handshakes)
    {
      struct handshake *handshake = handshake_start (poller->handshakes, client, connection);

      if (NULL != client)
        client->handshake = handshake;
    }
    /* Without memory the connection works, only nobody sweeps it. */
    if (NULL != client)
      link_client (server, client);
    return;
  }
  poller->closed = true;
  stats_add (&stats.connections, -1);
  client = *socket_context;
  if (NULL == client)
    return;
  unlink_client (server, client);
  /* The library closes the socket behind this. */
  if (client->lingers)
    linger_take (&poller->linger, client->fd);
  handshake_end (client->handshake);
  free (client);
  *socket_context = NULL;
}

static void
library_message (void *context, const char *format, va_list arguments)
{
  char text[512];

  (void)context;
  if (! log_wanted (EVENT_http_library))
    return;
  vsnprintf (text, sizeof (text), format, arguments);
  text[strcspn (text, "\n")] = '\0';
  log_line (EVENT_http_library, LOG_TEXT ("message", text));
}

/* How long there is nothing to do without an event, in the form that poll takes. */
static int
wait_ms (struct poller *poller)
{
  MHD_UNSIGNED_LONG_LONG timeout_ms;
  int linger_ms = linger_wait_ms (&poller->linger);

  if (MHD_YES != MHD_get_timeout (poller->daemon, &timeout_ms))
    return linger_ms;
  if (linger_ms >= 0 && (MHD_UNSIGNED_LONG_LONG)linger_ms < timeout_ms)
    return linger_ms;
  return timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

void
poller_resume (struct poller *poller, struct MHD_Connection *connection)
{
  const uint64_t one = 1;

  MHD_resume_connection (connection);
  /* Only the first of many has to wake the thread; the counter of an event that is set already cannot overflow. */
  if (! atomic_exchange (&poller->wake_pending, true))
    (void)! write (poller->wake_fd, &one, sizeof (one));
}

static void
clear_wake (struct poller *poller)
{
  uint64_t count;

  /* In this order: a resume behind the second line sets the event again. */
  (void)! read (poller->wake_fd, &count, sizeof (count));
  atomic_store (&poller->wake_pending, false);
}

/* On the thread that runs the library: from another one it could meet the library's own use of the socket, and a socket
   that it does not find in its epoll set any more makes it end the process. */
static void
quiesce (struct poller *poller)
{
  if (poller->quiesced || ! atomic_load (&poller->server->draining))
    return;
  poller->quiesced = true;
  (void)MHD_quiesce_daemon (poller->daemon);
}

static void *
run (void *context)
{
  struct poller *poller = context;
  struct pollfd fds[] = { { .fd = poller->epoll_fd, .events = POLLIN },
                          { .fd = poller->wake_fd, .events = POLLIN },
                          { .fd = poller->server->stop_fd, .events = POLLIN },
                          { .fd = handshakes_fd (poller->handshakes), .events = POLLIN },
                          { .fd = -1, .events = POLLIN } };

  while (0 == fds[2].revents)
  {
    /* A failure, which can only be a signal, is as good as an event. */
    (void)poll (fds, sizeof (fds) / sizeof (fds[0]), wait_ms (poller));
    if (0 != fds[1].revents)
      clear_wake (poller);
    if (0 != fds[3].revents)
      handshakes_wake (poller->handshakes);
    linger_run (&poller->linger);
    quiesce (poller);
    /* Whether there is room for a new connection again is looked at when the next run begins. */
    do
    {
      poller->closed = false;
      (void)MHD_run (poller->daemon);
    } while (poller->closed);
    fds[4].fd = linger_fd (&poller->linger);
  }
  handshakes_release (poller->handshakes);
  return NULL;
}

static struct MHD_Daemon *
new_daemon (struct poller *poller, int listen_fd, unsigned connections)
{
  const struct config *config = poller->server->config;
  unsigned idle_s = (unsigned)((config->idle_timeout_ms + 999) / 1000);
  unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
  const struct MHD_OptionItem tls[] = {
    { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities },
    { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)handshake_certificate },
    { MHD_OPTION_END, 0, NULL },
  };
  bool is_tls = NULL != poller->server->tls;

  return MHD_start_daemon (
      is_tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, handle, poller, MHD_OPTION_EXTERNAL_LOGGER, library_message,
      NULL, MHD_OPTION_ARRAY, is_tls ? tls : tls + 2, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
      log_target, poller, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED, completed,
      poller, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, poller, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)config->max_url_bytes + CONNECTION_EXTRA_BYTES, MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_END);
}

static bool
start_one (struct poller *poller, int listen_fd, unsigned connections)
{
  const union MHD_DaemonInfo *info;
  int copy = fcntl (listen_fd, F_DUPFD_CLOEXEC, 0);

  poller->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (copy < 0 || poller->wake_fd < 0)
    return false;
  poller->daemon = new_daemon (poller, copy, connections);
  if (NULL == poller->daemon)
  {
    close (copy);
    return false;
  }
  poller->listen_fd = copy;
  info = MHD_get_daemon_info (poller->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (NULL == info)
    return false;
  poller->epoll_fd = info->epoll_fd;
  if (NULL != poller->server->tls)
  {
    poller->handshakes = handshakes_new (poller->server->tls, poller->epoll_fd);
    if (NULL == poller->handshakes)
      return false;
  }
  poller->started = 0 == pthread_create (&poller->thread, NULL, run, poller);
  return poller->started;
}

enum err_code
poller_start (struct http_server *server, int listen_fd, struct err *err)
{
  const struct config *config = server->config;
  long processors = sysconf (_SC_NPROCESSORS_ONLN);
  size_t count = config->http_threads > 0 ? (size_t)config->http_threads : processors > 0 ? (size_t)processors : 1;
  size_t most = (size_t)config->max_connections;

  /* Each thread gets its share of the connections, at least one. */
  if (count > most)
    count = most;
  server->stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  server->pollers = calloc (count, sizeof (struct poller));
  if (server->stop_fd < 0 || NULL == server->pollers)
    return err_set (err, ERR_INTERNAL_ERROR, "connection threads cannot be started: %s", strerror (errno));
  for (; server->poller_count < count; server->poller_count++)
  {
    struct poller *poller = &server->pollers[server->poller_count];
    size_t share = most / count + (server->poller_count < most % count ? 1 : 0);

    poller->server = server;
    poller->wake_fd = -1;
    if (! start_one (poller, listen_fd, (unsigned)share))
    {
      /* Counted, so that what there is of it is stopped too. */
      server->poller_count++;
      return err_set (err, ERR_INTERNAL_ERROR, "the HTTP library does not start");
    }
  }
  return ERR_OK;
}

void
poller_quiesce (struct http_server *server)
{
  const uint64_t one = 1;

  for (size_t i = 0; i < server->poller_count; i++)
    if (server->pollers[i].started)
    {
      /* Nobody can connect any more; the socket stays open until the thread has ended, because that may just be
         accepting. */
      (void)shutdown (server->pollers[i].listen_fd, SHUT_RDWR);
      (void)! write (server->pollers[i].wake_fd, &one, sizeof (one));
    }
}

void
poller_stop (struct http_server *server)
{
  const uint64_t one = 1;

  if (server->stop_fd >= 0 && sizeof (one) != write (server->stop_fd, &one, sizeof (one)))
    log_line (EVENT_internal_error, LOG_TEXT ("message", "the event that ends the connection threads was not sent"));
  for (size_t i = 0; i < server->poller_count; i++)
    if (server->pollers[i].started)
      (void)pthread_join (server->pollers[i].thread, NULL);
  for (size_t i = 0; i < server->poller_count; i++)
    if (NULL != server->pollers[i].daemon)
    {
      MHD_stop_daemon (server->pollers[i].daemon);
      /* Otherwise the library closed it. */
      if (server->pollers[i].quiesced)
        close (server->pollers[i].listen_fd);
    }
  for (size_t i = 0; i < server->poller_count; i++)
  {
    handshakes_free (server->pollers[i].handshakes);
    linger_end (&server->pollers[i].linger);
    if (server->pollers[i].wake_fd >= 0)
      close (server->pollers[i].wake_fd);
  }
  free (server->pollers);
  server->pollers = NULL;
  server->poller_count = 0;
  if (server->stop_fd >= 0)
    close (server->stop_fd);
  server->stop_fd = -1;
}
