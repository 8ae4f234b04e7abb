/* Requests as bare bytes over a socket, for everything that libcurl would not send. */
#include "reply.h"
#include "tls.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One read from the socket; any size does. */
#define READ_BYTES 65536

long
reply_now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

static bool speaks_tls;

void
reply_speak_tls (bool wanted)
{
  speaks_tls = wanted;
}

int
reply_connect (const char *host, const char *port)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
  struct addrinfo *found = NULL;
  int one = 1;
  int fd = -1;

  if (0 != getaddrinfo (host, port, &hints, &found))
    return -1;
  for (struct addrinfo *at = found; NULL != at && fd < 0; at = at->ai_next)
  {
    fd = socket (at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd >= 0 && 0 != connect (fd, at->ai_addr, at->ai_addrlen))
    {
      close (fd);
      fd = -1;
    }
  }
  freeaddrinfo (found);
  if (fd >= 0)
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  return fd >= 0 && speaks_tls ? tls_wrap (fd) : fd;
}

bool
reply_write (int fd, const char *data, size_t length)
{
  while (length > 0)
  {
    ssize_t sent = send (fd, data, length, MSG_NOSIGNAL);

    if (sent < 0 && EINTR == errno)
      continue;
    if (sent <= 0)
      return false;
    data += sent;
    length -= (size_t)sent;
  }
  return true;
}

/* Read what there is within the time; 1 = bytes came, 0 = closed, -1 = too slow or broken. */
static int
read_more (int fd, struct buffer *pending, long deadline_ms)
{
  char block[READ_BYTES];
  struct pollfd waits = { .fd = fd, .events = POLLIN };
  long left = deadline_ms - reply_now_ms ();
  ssize_t got;

  if (left <= 0 || poll (&waits, 1, (int)left) <= 0)
    return -1;
  got = recv (fd, block, sizeof (block), 0);
  if (got < 0)
    return ECONNRESET == errno ? 0 : -1;
  if (0 == got)
    return 0;
  return buffer_append (pending, block, (size_t)got) ? 1 : -1;
}

static void
drop_front (struct buffer *pending, size_t count)
{
  memmove (pending->data, pending->data + count, pending->len - count);
  pending->len -= count;
  pending->data[pending->len] = '\0';
}

/* Wait until `pending` holds `count` bytes. */
static bool
need (int fd, struct buffer *pending, size_t count, long deadline_ms)
{
  while (pending->len < count)
    if (1 != read_more (fd, pending, deadline_ms))
      return false;
  return true;
}

/* Wait for one line and say where it ends. */
static bool
need_line (int fd, struct buffer *pending, size_t *length, long deadline_ms)
{
  const char *end;

  while (NULL == (end = pending->len > 0 ? memmem (pending->data, pending->len, "\r\n", 2) : NULL))
    if (1 != read_more (fd, pending, deadline_ms))
      return false;
  *length = (size_t)(end - pending->data);
  return true;
}

static bool
read_chunks (struct reply *reply, int fd, struct buffer *pending, long deadline_ms)
{
  size_t line;
  size_t size;

  do
  {
    if (! need_line (fd, pending, &line, deadline_ms))
      return false;
    size = strtoul (pending->data, NULL, 16);
    drop_front (pending, line + 2);
    if (! need (fd, pending, size + 2, deadline_ms))
      return false;
    buffer_append (&reply->body, pending->data, size);
    drop_front (pending, size + 2);
  } while (size > 0);
  return true;
}

static bool
read_body (struct reply *reply, int fd, struct buffer *pending, long deadline_ms)
{
  const char *length_text = reply_header_text (reply, "content-length");
  size_t length = strtoul (length_text, NULL, 10);
  int got;

  if (0 == strcasecmp (reply_header_text (reply, "transfer-encoding"), "chunked"))
    return read_chunks (reply, fd, pending, deadline_ms);
  if ('\0' == *length_text)
  {
    while (1 == (got = read_more (fd, pending, deadline_ms)))
      ;
    length = pending->len;
    if (0 != got)
      return false;
  }
  if (! need (fd, pending, length, deadline_ms))
    return false;
  if (length > 0)
  {
    buffer_append (&reply->body, pending->data, length);
    drop_front (pending, length);
  }
  return true;
}

bool
reply_read (struct reply *reply, int fd, struct buffer *pending, bool head, long timeout_ms)
{
  long deadline_ms = reply_now_ms () + timeout_ms;
  size_t line;

  if (! need_line (fd, pending, &line, deadline_ms))
    return false;
  if (1 != sscanf (pending->data, "HTTP/1.%*c %ld", &reply->status))
    return false;
  while (line > 0)
  {
    drop_front (pending, line + 2);
    if (! need_line (fd, pending, &line, deadline_ms))
      return false;
    reply_header (reply, pending->data, line);
  }
  drop_front (pending, 2);
  if (head || reply->status < 200 || 204 == reply->status || 304 == reply->status)
    return true;
  return read_body (reply, fd, pending, deadline_ms);
}

static bool
take_step (int fd, const json_t *step, struct buffer *pending, long timeout_ms)
{
  const json_t *value = json_object_get (step, "send");
  const char *text;
  long deadline_ms = reply_now_ms () + timeout_ms;

  if (json_is_string (step))
    value = step;
  if (NULL != value)
    return reply_write (fd, json_string_value (value), json_string_length (value));
  value = json_object_get (step, "send_hex");
  if (NULL != value)
  {
    text = json_string_value (value);
    for (unsigned byte; 1 == sscanf (text, "%2x", &byte); text += 2)
      if (! reply_write (fd, &(char){ (char)byte }, 1))
        return false;
    return true;
  }
  value = json_object_get (step, "pause_ms");
  if (NULL != value)
  {
    usleep ((useconds_t)json_integer_value (value) * 1000);
    return true;
  }
  if (NULL != json_object_get (step, "shutdown"))
    return 0 == shutdown (fd, SHUT_WR);
  text = json_string_value (json_object_get (step, "read_until"));
  while (NULL != text && (0 == pending->len || NULL == memmem (pending->data, pending->len, text, strlen (text))))
    if (1 != read_more (fd, pending, deadline_ms))
      return false;
  return true;
}

/* True when the server closes the connection within the time; what it still sends before goes to `pending`. */
static bool
closes (int fd, struct buffer *pending, long timeout_ms)
{
  long deadline_ms = reply_now_ms () + timeout_ms;
  int got;

  while (1 == (got = read_more (fd, pending, deadline_ms)))
    ;
  return 0 == got;
}

bool
reply_exchange (struct reply *answers, size_t capacity, size_t *count, size_t *rest, bool *closed, const char *host,
                const char *port, const json_t *steps, const json_t *heads, long timeout_ms, long close_ms,
                struct buffer *why)
{
  int fd = reply_connect (host, port);
  struct buffer pending;
  const json_t *step;
  size_t i;
  bool going = true;

  *count = 0;
  *rest = 0;
  *closed = false;
  if (fd < 0)
  {
    buffer_text (why, "cannot connect");
    return false;
  }
  buffer_init (&pending, 256u << 20);
  if (json_is_string (steps))
    take_step (fd, steps, &pending, timeout_ms);
  json_array_foreach (steps, i, step) going = going && take_step (fd, step, &pending, timeout_ms);
  while (*count < capacity
         && reply_read (&answers[*count], fd, &pending,
                        0
                            == strcmp ("HEAD", NULL == json_string_value (json_array_get (heads, *count))
                                                   ? ""
                                                   : json_string_value (json_array_get (heads, *count))),
                        timeout_ms))
    (*count)++;
  *closed = closes (fd, &pending, close_ms);
  *rest = pending.len;
  buffer_free (&pending);
  close (fd);
  return true;
}
