/* TLS below clients that write bare bytes: one thread for each connection carries them over. */
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The largest record of TLS. */
#define BLOCK_BYTES 16384
/* A thread has a block for each direction, and OpenSSL's own needs. */
#define STACK_BYTES ((size_t)256 * 1024)

struct link
{
  int plain;
  int wire;
  SSL *ssl;
  char up[BLOCK_BYTES]; /* from the client, not yet written */
  size_t up_bytes;
  char down[BLOCK_BYTES]; /* from the server, not yet written */
  size_t down_bytes;
  bool plain_ended; /* the client sends no more */
  bool said_so; /* the server knows */
  bool wire_ended; /* the server sends no more, and the client knows */
  bool ended;
  short wants; /* what OpenSSL waits for on the wire */
};

const char *
tls_ca_file (void)
{
  return getenv ("TALLY_TEST_CA");
}

static SSL_CTX *context;

/* The threads of connections may still run when the program ends: nothing is freed below them then. OpenSSL heeds this
   only in the first call of all. */
static void __attribute__ ((constructor)) keep_library (void)
{
  if (1 != OPENSSL_init_crypto (OPENSSL_INIT_NO_ATEXIT, NULL))
    abort ();
}

static void
make_context (void)
{
  context = SSL_CTX_new (TLS_client_method ());
  if (NULL == context)
    abort ();
  SSL_CTX_set_mode (context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (NULL != tls_ca_file ())
  {
    if (1 != SSL_CTX_load_verify_locations (context, tls_ca_file (), NULL))
      abort ();
    SSL_CTX_set_verify (context, SSL_VERIFY_PEER, NULL);
  }
}

SSL_CTX *
tls_context (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  (void)pthread_once (&once, make_context);
  return context;
}

/* Whether OpenSSL only waits; then for what. Otherwise the connection is over. */
static bool
only_waits (struct link *link, int result)
{
  int error = SSL_get_error (link->ssl, result);

  if (SSL_ERROR_WANT_READ == error)
    link->wants |= POLLIN;
  else if (SSL_ERROR_WANT_WRITE == error)
    link->wants |= POLLOUT;
  else
    link->ended = true;
  return ! link->ended;
}

static void
drop_front (char *block, size_t *bytes, size_t gone)
{
  memmove (block, block + gone, *bytes - gone);
  *bytes -= gone;
}

/* Write to the server what the client has written, and say when that was all. */
static void
carry_up (struct link *link)
{
  if (link->up_bytes > 0)
  {
    int result = SSL_write (link->ssl, link->up, (int)link->up_bytes);

    if (result > 0)
      drop_front (link->up, &link->up_bytes, (size_t)result);
    else if (! only_waits (link, result))
    {
      /* The server takes no more, but may have answered. */
      link->ended = false;
      link->up_bytes = 0;
      link->plain_ended = true;
      link->said_so = true;
    }
  }
  else if (link->plain_ended && ! link->said_so)
  {
    link->said_so = true;
    (void)SSL_shutdown (link->ssl);
    (void)shutdown (link->wire, SHUT_WR);
  }
}

/* Take from the server as much as the client has room for. */
static void
carry_down (struct link *link)
{
  if (0 == link->down_bytes && ! link->wire_ended)
  {
    int result = SSL_read (link->ssl, link->down, sizeof (link->down));

    if (result > 0)
      link->down_bytes = (size_t)result;
    else if (! only_waits (link, result))
    {
      /* The client may go on, as on any half-closed connection. */
      link->ended = false;
      link->wire_ended = true;
      (void)shutdown (link->plain, SHUT_WR);
    }
  }
  if (link->down_bytes > 0)
  {
    ssize_t sent = send (link->plain, link->down, link->down_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent > 0)
      drop_front (link->down, &link->down_bytes, (size_t)sent);
    else if (sent < 0 && EAGAIN != errno && EINTR != errno)
      link->ended = true;
  }
}

/* Wait for what can go on. */
static void
wait_for_more (struct link *link)
{
  struct pollfd fds[2] = { { .fd = link->plain }, { .fd = link->wire, .events = link->wants } };
  bool buffered = 0 == link->down_bytes && ! link->wire_ended && SSL_pending (link->ssl) > 0;

  if (0 == link->up_bytes && ! link->plain_ended)
    fds[0].events |= POLLIN;
  if (link->down_bytes > 0)
    fds[0].events |= POLLOUT;
  else if (! link->wire_ended)
    fds[1].events |= POLLIN;
  (void)poll (fds, 2, buffered ? 0 : -1);
  link->wants = 0;
  /* Reset: nobody will take anything more. */
  if (link->wire_ended && 0 != (fds[1].revents & (POLLHUP | POLLERR)))
    link->ended = true;
  /* Closed, not only shut down. */
  if (0 != (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
    link->ended = link->ended || link->plain_ended || 0 == (fds[0].revents & POLLIN);
  if (0 != (fds[0].revents & POLLIN) && 0 == link->up_bytes)
  {
    ssize_t got = recv (link->plain, link->up, sizeof (link->up), MSG_DONTWAIT);

    if (got > 0)
      link->up_bytes = (size_t)got;
    else if (0 == got || (EAGAIN != errno && EINTR != errno))
      link->plain_ended = true;
  }
}

static void *
carry (void *user)
{
  struct link *link = user;

  for (bool connected = false; ! link->ended;)
  {
    int result = connected ? 1 : SSL_connect (link->ssl);

    if (1 == result)
    {
      connected = true;
      carry_up (link);
      carry_down (link);
    }
    else
      (void)only_waits (link, result);
    link->ended = link->ended || (link->wire_ended && link->plain_ended && 0 == link->up_bytes);
    if (! link->ended)
      wait_for_more (link);
  }
  SSL_free (link->ssl);
  close (link->wire);
  close (link->plain);
  free (link);
  return NULL;
}

int
tls_wrap (int fd)
{
  struct link *link = calloc (1, sizeof (*link));
  pthread_attr_t attributes;
  pthread_t thread;
  int ends[2] = { -1, -1 };
  bool started = false;

  if (NULL == link || 0 != socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
    goto out;
  link->plain = ends[1];
  link->wire = fd;
  link->ssl = SSL_new (tls_context ());
  if (NULL == link->ssl || 1 != SSL_set_fd (link->ssl, fd) || 0 != fcntl (fd, F_SETFL, O_NONBLOCK))
    goto out;
  (void)pthread_attr_init (&attributes);
  (void)pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
  (void)pthread_attr_setstacksize (&attributes, STACK_BYTES);
  started = 0 == pthread_create (&thread, &attributes, carry, link);
  (void)pthread_attr_destroy (&attributes);
out:
  if (started)
    return ends[0];
  if (NULL != link)
    SSL_free (link->ssl);
  free (link);
  if (ends[0] >= 0)
    close (ends[0]);
  if (ends[1] >= 0)
    close (ends[1]);
  close (fd);
  return -1;
}
