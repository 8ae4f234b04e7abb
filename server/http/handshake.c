/* TLS handshakes of a poller's connections. */
#include "http/handshake.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sockets that are looked at in one go; those beyond are ready at the next. */
#define WAKE_EVENTS 64
/* What a client that speaks plain HTTP may have sent before it reads; more makes its system drop the answer. */
#define PLAIN_MAX_BYTES ((size_t)64 * 1024)

struct handshakes
{
  struct tls *tls;
  int epoll_fd; /* sockets of the suspended ones */
  int library_epoll_fd;
  struct handshake *suspended;
};

struct handshake
{
  struct handshakes *all;
  struct handshake *next; /* among the suspended */
  struct handshake *previous;
  struct client *client;
  struct MHD_Connection *connection;
  struct tls_pair *pair; /* NULL until the client has said hello */
  bool begun; /* the client has sent something */
  bool done;
  bool is_suspended;
};

struct handshakes *
handshakes_new (struct tls *tls, int library_epoll_fd)
{
  struct handshakes *all = calloc (1, sizeof (*all));

  if (NULL == all)
    return NULL;
  all->tls = tls;
  all->library_epoll_fd = library_epoll_fd;
  all->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (all->epoll_fd < 0)
  {
    free (all);
    return NULL;
  }
  return all;
}

void
handshakes_free (struct handshakes *all)
{
  if (NULL == all)
    return;
  close (all->epoll_fd);
  free (all);
}

int
handshakes_fd (const struct handshakes *all)
{
  return NULL == all ? -1 : all->epoll_fd;
}

static void
unlink_suspended (struct handshake *handshake)
{
  (void)epoll_ctl (handshake->all->epoll_fd, EPOLL_CTL_DEL, handshake->client->fd, NULL);
  if (NULL != handshake->previous)
    handshake->previous->next = handshake->next;
  else
    handshake->all->suspended = handshake->next;
  if (NULL != handshake->next)
    handshake->next->previous = handshake->previous;
  handshake->next = NULL;
  handshake->previous = NULL;
  handshake->is_suspended = false;
}

/* Within the library, on a socket without more bytes. */
static void
suspend (struct handshake *handshake)
{
  struct handshakes *all = handshake->all;
  struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = handshake } };

  /* Without it the library waits in its own way, which only costs more. */
  if (handshake->is_suspended || 0 != epoll_ctl (all->epoll_fd, EPOLL_CTL_ADD, handshake->client->fd, &event))
    return;
  handshake->is_suspended = true;
  handshake->next = all->suspended;
  if (NULL != handshake->next)
    handshake->next->previous = handshake;
  all->suspended = handshake;
  MHD_suspend_connection (handshake->connection);
}

static void
resume (struct handshake *handshake)
{
  unlink_suspended (handshake);
  MHD_resume_connection (handshake->connection);
}

void
handshakes_wake (struct handshakes *all)
{
  struct epoll_event events[WAKE_EVENTS];
  int count = epoll_wait (all->epoll_fd, events, WAKE_EVENTS, 0);

  for (int i = 0; i < count; i++)
    resume (events[i].data.ptr);
}

void
handshakes_release (struct handshakes *all)
{
  while (NULL != all && NULL != all->suspended)
    resume (all->suspended);
}

/* Plain HTTP came: say so in plain HTTP. The library closes the connection when GnuTLS finds no TLS in it. */
static void
answer_plain (int fd)
{
  static const char body[] = "{\"error_code\": \"BAD_REQUEST\", \"message\": \"This port speaks TLS: use https.\"}";
  char answer[512];
  char rest[4096];
  size_t dropped = 0;
  ssize_t bytes;

  /* Closing with bytes unread would reset the connection, and the client might not see the answer. */
  while (dropped < PLAIN_MAX_BYTES && 0 < (bytes = recv (fd, rest, sizeof (rest), MSG_DONTWAIT)))
    dropped += (size_t)bytes;
  bytes = snprintf (answer, sizeof (answer),
                    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                    "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s",
                    sizeof (body) - 1, body);
  (void)send (fd, answer, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* GnuTLS wants to read. */
static ssize_t
pull (gnutls_transport_ptr_t context, void *out, size_t room)
{
  struct handshake *handshake = context;
  int fd = handshake->client->fd;
  ssize_t bytes = recv (fd, out, room, 0);
  int error = errno;

  if (handshake->done)
    return bytes;
  if (bytes > 0 && ! handshake->begun)
  {
    char first = *(const char *)out;

    handshake->begun = true;
    /* The methods of HTTP are upper case; no record of TLS begins with such a byte. */
    if (first >= 'A' && first <= 'Z')
      answer_plain (fd);
  }
  else if (bytes < 0 && (EAGAIN == error || EWOULDBLOCK == error))
    suspend (handshake);
  errno = error;
  return bytes;
}

/* A message of a handshake was sent or received. */
static int
watch (gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message)
{
  struct handshake *handshake = gnutls_session_get_ptr (session);

  (void)when;
  (void)message;
  if (! incoming)
    return 0;
  if (GNUTLS_HANDSHAKE_FINISHED == type && ! handshake->done)
  {
    handshake->done = true;
    client_set_phase (handshake->client, CLIENT_IDLE);
  }
  else if (GNUTLS_HANDSHAKE_KEY_UPDATE == type)
  {
    /* What the library itself registers. When the socket is not there, it is about to be, which has the same effect. */
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLET,
                                 .data = { .ptr = handshake->connection } };

    (void)epoll_ctl (handshake->all->library_epoll_fd, EPOLL_CTL_MOD, handshake->client->fd, &event);
  }
  return 0;
}

struct handshake *
handshake_start (struct handshakes *all, struct client *client, struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  gnutls_session_t session = NULL == info ? NULL : info->tls_session;
  struct handshake *handshake = NULL == session || NULL == client ? NULL : calloc (1, sizeof (*handshake));

  /* In place of the library's pointer, which it does not need without pre-shared keys. */
  if (NULL != session)
    gnutls_session_set_ptr (session, handshake);
  if (NULL == handshake)
    return NULL;
  handshake->all = all;
  handshake->client = client;
  handshake->connection = connection;
  client_set_phase (client, CLIENT_HANDSHAKE);
  gnutls_handshake_set_hook_function (session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_POST, watch);
  gnutls_transport_set_pull_function (session, pull);
  gnutls_transport_set_ptr2 (session, handshake, (gnutls_transport_ptr_t)(intptr_t)client->fd);
  return handshake;
}

void
handshake_end (struct handshake *handshake)
{
  if (NULL == handshake)
    return;
  if (handshake->is_suspended)
    unlink_suspended (handshake);
  tls_pair_give_back (handshake->pair);
  free (handshake);
}

int
handshake_certificate (gnutls_session_t session, const gnutls_datum_t *names, int names_count,
                       const gnutls_pk_algorithm_t *algorithms, int algorithms_count, gnutls_pcert_st **chain,
                       unsigned *chain_count, gnutls_privkey_t *key)
{
  struct handshake *handshake = gnutls_session_get_ptr (session);

  (void)names;
  (void)names_count;
  (void)algorithms;
  (void)algorithms_count;
  if (NULL == handshake)
    return -1;
  if (NULL == handshake->pair)
    handshake->pair = tls_pair_take (handshake->all->tls);
  *chain = handshake->pair->chain;
  *chain_count = handshake->pair->chain_count;
  *key = handshake->pair->key;
  return 0;
}
