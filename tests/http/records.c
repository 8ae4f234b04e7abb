/* TLS records that no library sends by itself: many small ones at once, new keys in front of a request, handshakes that
   stop in the middle. */
#include "commands.h"
#include "reply.h"
#include "tls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request is answered within a fraction of it. A stall would last until idle-timeout-ms. */
#define ANSWER_MS 30000
#define CONNECTIONS_MAX 1024

/* A connection whose records are written when we say so. */
struct wire
{
  int fd;
  SSL *ssl;
  BIO *in; /* what has come, and what is to be sent */
  BIO *out;
  struct buffer pending; /* plain bytes that have come */
};

/* Send every record that was made, in one go. */
static bool
flush (struct wire *wire)
{
  char *data;
  long bytes = BIO_get_mem_data (wire->out, &data);
  bool sent = reply_write (wire->fd, data, (size_t)bytes);

  (void)BIO_reset (wire->out);
  return sent;
}

/* Wait for some bytes of the server's. */
static bool
fill (struct wire *wire, long deadline_ms)
{
  char block[16384];
  struct pollfd waits = { .fd = wire->fd, .events = POLLIN };
  long left = deadline_ms - reply_now_ms ();
  ssize_t got;

  if (left <= 0 || poll (&waits, 1, (int)left) <= 0)
    return false;
  got = recv (wire->fd, block, sizeof (block), 0);
  return got > 0 && got == BIO_write (wire->in, block, (int)got);
}

static void
wire_close (struct wire *wire)
{
  SSL_free (wire->ssl);
  if (wire->fd >= 0)
    close (wire->fd);
  buffer_free (&wire->pending);
}

/* A connection whose first flight is made, but not sent. */
static bool
wire_begin (struct wire *wire, const char *host, const char *port)
{
  memset (wire, 0, sizeof (*wire));
  buffer_init (&wire->pending, 1u << 20);
  reply_speak_tls (false);
  wire->fd = reply_connect (host, port);
  wire->ssl = SSL_new (tls_context ());
  wire->in = BIO_new (BIO_s_mem ());
  wire->out = BIO_new (BIO_s_mem ());
  if (NULL == wire->ssl || NULL == wire->in || NULL == wire->out)
    abort ();
  SSL_set_bio (wire->ssl, wire->in, wire->out);
  SSL_set_connect_state (wire->ssl);
  (void)SSL_do_handshake (wire->ssl);
  return wire->fd >= 0;
}

static bool
wire_open (struct wire *wire, const char *host, const char *port, int version)
{
  long deadline_ms = reply_now_ms () + ANSWER_MS;

  if (! wire_begin (wire, host, port))
    return false;
  /* Another version wants another first flight. */
  if (0 != version)
  {
    (void)BIO_reset (wire->out);
    SSL_clear (wire->ssl);
    SSL_set_connect_state (wire->ssl);
    (void)SSL_set_max_proto_version (wire->ssl, version);
  }
  for (;;)
  {
    int result = SSL_do_handshake (wire->ssl);

    if (! flush (wire))
      return false;
    if (1 == result)
      return true;
    if (SSL_ERROR_WANT_READ != SSL_get_error (wire->ssl, result) || ! fill (wire, deadline_ms))
      return false;
  }
}

static bool
put (struct wire *wire, const char *text, size_t bytes)
{
  while (bytes > 0)
  {
    /* A record at a time. */
    int written = SSL_write (wire->ssl, text, (int)bytes);

    if (written <= 0)
      return false;
    text += written;
    bytes -= (size_t)written;
  }
  return true;
}

/* Wait for `count` answers that end in `OK`, those of /health. */
static bool
take_healths (struct wire *wire, unsigned count)
{
  long deadline_ms = reply_now_ms () + ANSWER_MS;
  char block[16384];

  for (;;)
  {
    unsigned found = 0;
    int got = SSL_read (wire->ssl, block, sizeof (block));

    if (got > 0)
      buffer_append (&wire->pending, block, (size_t)got);
    else if (SSL_ERROR_WANT_READ != SSL_get_error (wire->ssl, got) || ! flush (wire) || ! fill (wire, deadline_ms))
      return false;
    for (const char *at = wire->pending.data; NULL != at && NULL != (at = strstr (at, "\r\n\r\nOK")); at += 6)
      found++;
    if (found == count)
    {
      buffer_clear (&wire->pending);
      return true;
    }
  }
}

static const char health[] = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* New keys and a request behind them, in one segment. */
static bool
renew_keys (struct wire *wire, unsigned number)
{
  if (TLS1_3_VERSION != SSL_version (wire->ssl))
    return true;
  return 1 == SSL_key_update (wire->ssl, number % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED)
         && put (wire, health, sizeof (health) - 1) && flush (wire) && take_healths (wire, 1);
}

/* A request, one byte a record, all of them at once. */
static bool
split_finely (struct wire *wire)
{
  for (size_t i = 0; i < sizeof (health) - 1; i++)
    if (! put (wire, health + i, 1))
      return false;
  return flush (wire) && take_healths (wire, 1);
}

/* Many requests in one record, and the last one's end in another. */
static bool
crowd (struct wire *wire)
{
  struct buffer text;
  bool ok;

  buffer_init (&text, 1u << 14);
  for (unsigned i = 0; i < 100; i++)
    buffer_append (&text, health, sizeof (health) - 1);
  ok = put (wire, text.data, text.len - 3) && flush (wire) && take_healths (wire, 99)
       && put (wire, text.data + text.len - 3, 3) && flush (wire) && take_healths (wire, 1);
  buffer_free (&text);
  return ok;
}

/* A body of several records with the next request in its last one, and a header that fills more than one read. */
static bool
follow_a_body (struct wire *wire)
{
  enum
  {
    BODY_BYTES = 40000,
    HEADER_BYTES = 9000
  };
  struct buffer text;
  bool ok;

  buffer_init (&text, 1u << 17);
  /* Refused after it was read to its end: nobody asks what is in it. */
  buffer_printf (&text,
                 "POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 "Content-Length: %d\r\n\r\n",
                 BODY_BYTES);
  for (unsigned i = 0; i < BODY_BYTES; i++)
    buffer_byte (&text, ' ');
  buffer_text (&text, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ");
  for (unsigned i = 0; i < HEADER_BYTES; i++)
    buffer_byte (&text, 'x');
  buffer_text (&text, "\r\n\r\n");
  ok = put (wire, text.data, text.len) && flush (wire) && take_healths (wire, 1);
  buffer_free (&text);
  return ok;
}

int
command_records (int argc, char **argv)
{
  static const int versions[] = { 0, TLS1_2_VERSION };
  char host[256];
  char port[16];
  unsigned times = argc > 2 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  unsigned wrong = 0;

  if (0 == times || ! split_base_url (argv[1], host, sizeof (host), port, sizeof (port)))
    return 2;
  for (size_t v = 0; v < sizeof (versions) / sizeof (versions[0]); v++)
  {
    struct wire wire;
    bool ok = wire_open (&wire, host, port, versions[v]);

    for (unsigned i = 0; ok && i < times; i++)
    {
      const char *what = "new keys";

      ok = renew_keys (&wire, i);
      if (ok)
        what = "small records", ok = split_finely (&wire);
      if (ok)
        what = "many requests in a record", ok = crowd (&wire);
      if (ok)
        what = "a request behind a body", ok = follow_a_body (&wire);
      if (! ok)
        printf ("%s: no answer to %s, round %u\n", SSL_get_version (wire.ssl), what, i);
    }
    wrong += ! ok;
    wire_close (&wire);
  }
  printf ("versions=%zu wrong=%u\n", sizeof (versions) / sizeof (versions[0]), wrong);
  return 0 != wrong;
}

/* How much of the first flight is sent. */
static bool
send_part (struct wire *wire, const char *part)
{
  char *data;
  long bytes = BIO_get_mem_data (wire->out, &data);

  if (0 == strcmp (part, "none"))
    bytes = 0;
  else if (0 == strcmp (part, "half"))
    bytes /= 2;
  return reply_write (wire->fd, data, (size_t)bytes);
}

/* How many the server has not closed. What it sends is thrown away. */
static unsigned
count_open (struct wire *wires, unsigned count)
{
  unsigned open = 0;
  char block[16384];

  for (unsigned i = 0; i < count; i++)
  {
    ssize_t got;

    while (0 < (got = recv (wires[i].fd, block, sizeof (block), MSG_DONTWAIT)))
      ;
    open += got < 0 && EAGAIN == errno;
  }
  return open;
}

int
command_half_open (int argc, char **argv)
{
  static struct wire wires[CONNECTIONS_MAX];
  char host[256];
  char port[16];
  unsigned count = argc > 4 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  long hold_ms = argc > 4 ? strtol (argv[4], NULL, 10) : 0;
  long began_ms;
  long closed_ms = -1;
  unsigned open = 0;

  if (0 == count || count > CONNECTIONS_MAX || ! split_base_url (argv[1], host, sizeof (host), port, sizeof (port)))
    return 2;
  for (unsigned i = 0; i < count; i++)
    if (! wire_begin (&wires[i], host, port) || ! send_part (&wires[i], argv[3]))
      return 1;
  began_ms = reply_now_ms ();
  while (closed_ms < 0 && reply_now_ms () - began_ms < hold_ms)
  {
    usleep (50000);
    open = count_open (wires, count);
    if (0 == open)
      closed_ms = reply_now_ms () - began_ms;
  }
  printf ("count=%u open=%u closed_ms=%ld\n", count, open, closed_ms);
  for (unsigned i = 0; i < count; i++)
    wire_close (&wires[i]);
  return 0;
}
