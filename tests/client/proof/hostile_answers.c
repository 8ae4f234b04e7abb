/* Answers of a hostile server. */
#include "hostile_answers.h"

#include "base/buffer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
/* No test waits for more than these many drops. */
#define DROPS_MAX 600
#define DROP_PAUSE_MS 100
/* jansson's own limit is 2,048 levels; a recursive reader without one dies of this. */
#define DEPTH 1000000
/* A match of 258 bytes takes 13 bits: eight of them are 13 bytes for 2,064. */
#define BOMB_BYTES (1u << 30)

bool
hostile_answer (void *payload, int fd, const struct fake_request *request)
{
  const struct hostility *hostility = payload;

  if (NULL != strstr (request->path, hostility->match))
    return hostility->answer (payload, fd, request);
  if (! hostility->is_tally
      && (NULL != strstr (request->path, "/api/tally/") || NULL != strstr (request->path, "server-info")))
    return fake_json (fd, 404, "{\"error_code\":\"ENDPOINT_NOT_FOUND\",\"message\":\"no\"}");
  return fake_default (NULL, fd, request);
}

static const char *
text_of (const void *payload)
{
  return ((const struct hostility *)payload)->text;
}

bool
answer_json (void *payload, int fd, const struct fake_request *request)
{
  (void)request;
  return fake_json (fd, 200, text_of (payload));
}

bool
answer_refusal (void *payload, int fd, const struct fake_request *request)
{
  (void)request;
  return fake_json (fd, 400, text_of (payload));
}

bool
answer_raw (void *payload, int fd, const struct fake_request *request)
{
  (void)request;
  fake_send (fd, text_of (payload), strlen (text_of (payload)));
  return false;
}

bool
answer_redirect (void *payload, int fd, const struct fake_request *request)
{
  char header[256];

  (void)request;
  snprintf (header, sizeof (header), "Location: %s/api/2.0/mlflow/runs/get\r\n", text_of (payload));
  return fake_reply (fd, 302, header, "", 0);
}

/* Send `piece` until the client has had enough. */
static bool
endless (int fd, const char *head, const char *piece)
{
  if (! fake_send (fd, head, strlen (head)))
    return false;
  while (fake_send (fd, piece, strlen (piece)))
    continue;
  return false;
}

bool
answer_endless_body (void *payload, int fd, const struct fake_request *request)
{
  static const char piece[16385] = { [0 ... 16383] = 'x' };

  (void)payload;
  (void)request;
  return endless (fd, OK_JSON "\r\n{\"a\":\"", piece);
}

bool
answer_endless_head (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  (void)request;
  return endless (fd, OK_JSON, "X-More: and more of it, again and again, without an end in sight\r\n");
}

bool
answer_endless_continue (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  (void)request;
  return endless (fd, "", "HTTP/1.1 102 Processing\r\n\r\n");
}

bool
answer_deep (void *payload, int fd, const struct fake_request *request)
{
  char *text = malloc (2 * DEPTH + 16);
  bool keeps;

  (void)payload;
  (void)request;
  if (NULL == text)
    return false;
  strcpy (text, "{\"run\":");
  memset (text + 7, '[', DEPTH);
  memset (text + 7 + DEPTH, ']', DEPTH);
  strcpy (text + 7 + 2 * DEPTH, "}");
  keeps = fake_json (fd, 200, text);
  free (text);
  return keeps;
}

/* --- a gzip stream by hand --------------------------------------------------------------------------------------- */

struct bits
{
  struct buffer out;
  unsigned pending;
  unsigned count;
};

static void
put_bit (struct bits *bits, unsigned bit)
{
  bits->pending |= bit << bits->count;
  if (8 == ++bits->count)
  {
    buffer_byte (&bits->out, (char)bits->pending);
    bits->pending = 0;
    bits->count = 0;
  }
}

/* Huffman codes go in from their highest bit (RFC 1951, 3.1.1). */
static void
put_code (struct bits *bits, unsigned code, unsigned length)
{
  while (length-- > 0)
    put_bit (bits, code >> length & 1);
}

bool
answer_bomb (void *payload, int fd, const struct fake_request *request)
{
  static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff";
  static const char text[] = "{\"a\":\"x";
  struct bits bits = { 0 };
  bool keeps;

  (void)payload;
  (void)request;
  buffer_init (&bits.out, 16u << 20);
  buffer_append (&bits.out, head, sizeof (head) - 1);
  /* The last block, with the fixed codes. */
  put_bit (&bits, 1);
  put_bit (&bits, 1);
  put_bit (&bits, 0);
  for (size_t i = 0; i < sizeof (text) - 1; i++)
    put_code (&bits, 0x30u + (unsigned char)text[i], 8);
  for (unsigned i = 0; i < BOMB_BYTES / 258; i++)
  {
    /* Length 258 is code 285; distance 1 is code 0. */
    put_code (&bits, 0xc5, 8);
    put_code (&bits, 0, 5);
  }
  put_code (&bits, 0, 7);
  for (int i = 0; i < 8; i++)
    put_bit (&bits, 0);
  keeps =
      fake_reply (fd, 200, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", bits.out.data, bits.out.len);
  buffer_free (&bits.out);
  return keeps;
}

/* --- slow ones ---------------------------------------------------------------------------------------------------- */

/* `drop` again and again; ends as soon as the other side does. */
static bool
drip (int fd, const char *head, const char *drop)
{
  struct pollfd waits = { .fd = fd, .events = POLLIN };

  fake_send (fd, head, strlen (head));
  for (int i = 0; i < DROPS_MAX; i++)
  {
    if (poll (&waits, 1, DROP_PAUSE_MS) > 0 || ! fake_send (fd, drop, strlen (drop)))
      break;
  }
  return false;
}

bool
answer_slow_body (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  (void)request;
  return drip (fd, OK_JSON "Content-Length: 100000\r\n\r\n{", " ");
}

bool
answer_slow_head (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  (void)request;
  return drip (fd, "HTTP/1.1 200 OK\r\nX-Slow: ", "x");
}

bool
answer_nothing (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  (void)request;
  return drip (fd, "", "");
}

/* --- files ---------------------------------------------------------------------------------------------------------
 */

bool
answer_changed (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  (void)request;
  return fake_reply (fd, 200, "ETag: \"" FAKE_FILE_SHA256 "\"\r\n", "jello", 5);
}

bool
answer_longer (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  (void)request;
  return fake_reply (fd, 200, "ETag: \"" FAKE_FILE_SHA256 "\"\r\n", "hello, and more than was said", 29);
}

bool
answer_shorter (void *payload, int fd, const struct fake_request *request)
{
  static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";

  (void)payload;
  (void)request;
  fake_send (fd, text, sizeof (text) - 1);
  return false;
}
