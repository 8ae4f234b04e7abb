/* Requests that are refused before their body, by clients that send all of it before they read. */
#include "commands.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 30000
#define CONNECTIONS_MAX 1024

/* Send a body whole. */
static bool
send_body (int fd, size_t bytes)
{
  static const char block[65536];

  for (size_t sent = 0; sent < bytes; sent += sizeof (block))
    if (! reply_write (fd, block, bytes - sent < sizeof (block) ? bytes - sent : sizeof (block)))
      return false;
  return true;
}

/* Whether the refusal is heard behind a body. */
static bool
is_heard (const char *host, const char *port, size_t bytes)
{
  int fd = reply_connect (host, port);
  struct reply reply;
  struct buffer pending;
  char head[256];
  bool heard;

  if (fd < 0)
    return false;
  snprintf (head, sizeof (head), "PUT /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", bytes);
  reply_init (&reply);
  buffer_init (&pending, 1u << 20);
  heard = reply_write (fd, head, strlen (head)) && send_body (fd, bytes)
          && reply_read (&reply, fd, &pending, false, ANSWER_MS) && 404 == reply.status;
  buffer_free (&pending);
  reply_clear (&reply);
  close (fd);
  return heard;
}

int
command_refused (int argc, char **argv)
{
  static int fds[CONNECTIONS_MAX];
  char host[256];
  char port[16];
  unsigned times = argc > 4 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  size_t bytes = argc > 4 ? strtoul (argv[3], NULL, 10) : 0;
  unsigned held = argc > 4 ? (unsigned)strtoul (argv[4], NULL, 10) : 0;
  unsigned heard = 0;

  if (0 == times || held > CONNECTIONS_MAX || ! split_base_url (argv[1], host, sizeof (host), port, sizeof (port)))
    return 2;
  /* Others that begin a large body, and do not go on. */
  for (unsigned i = 0; i < held; i++)
  {
    static const char head[] = "PUT /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx";

    fds[i] = reply_connect (host, port);
    if (fds[i] >= 0)
      reply_write (fds[i], head, strlen (head));
  }
  for (unsigned i = 0; i < times; i++)
    heard += is_heard (host, port, bytes);
  for (unsigned i = 0; i < held; i++)
    if (fds[i] >= 0)
      close (fds[i]);
  printf ("heard=%u of %u\n", heard, times);
  return heard < times;
}
