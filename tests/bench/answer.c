/* The reading side of an HTTP/1.1 client: status, length or chunks, and the end of an answer. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
answer_reset (struct answer *answer)
{
  answer->state = ANSWER_HEAD;
  answer->status = 0;
  answer->close = false;
  answer->left_bytes = 0;
  answer->body_bytes = 0;
  answer->head_length = 0;
  answer->start_length = 0;
}

/* The value of a header in a head that ends in NUL, or NULL. */
static const char *
header (const char *head, const char *name)
{
  size_t length = strlen (name);

  for (const char *line = strstr (head, "\r\n"); NULL != line; line = strstr (line + 2, "\r\n"))
    if (0 == strncasecmp (line + 2, name, length) && ':' == line[2 + length])
      return line + 3 + length + strspn (line + 3 + length, " \t");
  return NULL;
}

static enum answer_state
read_head (struct answer *answer)
{
  const char *value;
  char *end;

  if (0 != strncmp (answer->head, "HTTP/1.", 7) || 12 > answer->head_length)
    return ANSWER_BROKEN;
  answer->status = (unsigned)strtoul (answer->head + 9, NULL, 10);
  value = header (answer->head, "Connection");
  answer->close = NULL != value && 0 == strncasecmp (value, "close", 5);
  if (204 == answer->status || 304 == answer->status)
    return ANSWER_DONE;
  value = header (answer->head, "Transfer-Encoding");
  if (NULL != value && 0 == strncasecmp (value, "chunked", 7))
  {
    answer->head_length = 0;
    return ANSWER_CHUNK_SIZE;
  }
  value = header (answer->head, "Content-Length");
  if (NULL == value)
    return ANSWER_BROKEN;
  answer->left_bytes = strtoull (value, &end, 10);
  if (end == value)
    return ANSWER_BROKEN;
  return 0 == answer->left_bytes ? ANSWER_DONE : ANSWER_BODY;
}

/* Keep one byte of a head or line; true when it ended the line. */
static bool
add_to_line (struct answer *answer, char byte)
{
  if (ANSWER_HEAD_BYTES - 1 <= answer->head_length)
  {
    answer->state = ANSWER_BROKEN;
    return false;
  }
  answer->head[answer->head_length++] = byte;
  answer->head[answer->head_length] = '\0';
  return '\n' == byte;
}

static size_t
take_body (struct answer *answer, const char *data, size_t length, enum answer_state next)
{
  size_t taken = length < answer->left_bytes ? length : (size_t)answer->left_bytes;
  size_t kept = ANSWER_START_BYTES - answer->start_length;

  if (kept > taken)
    kept = taken;
  memcpy (answer->start + answer->start_length, data, kept);
  answer->start_length += kept;
  answer->body_bytes += taken;
  answer->left_bytes -= taken;
  if (0 == answer->left_bytes)
    answer->state = next;
  return taken;
}

static void
feed_byte (struct answer *answer, char byte)
{
  if (! add_to_line (answer, byte))
    return;
  switch (answer->state)
  {
  case ANSWER_HEAD:
    if (4 <= answer->head_length && 0 == memcmp (answer->head + answer->head_length - 4, "\r\n\r\n", 4))
      answer->state = read_head (answer);
    return; /* the head is kept whole */
  case ANSWER_CHUNK_SIZE:
    answer->left_bytes = strtoull (answer->head, NULL, 16);
    answer->state = 0 == answer->left_bytes ? ANSWER_TRAILER : ANSWER_CHUNK;
    break;
  case ANSWER_CHUNK_END:
    answer->state = ANSWER_CHUNK_SIZE;
    break;
  default: /* ANSWER_TRAILER */
    if (2 >= answer->head_length)
      answer->state = ANSWER_DONE;
    break;
  }
  answer->head_length = 0;
}

size_t
answer_feed (struct answer *answer, const char *data, size_t length)
{
  size_t used = 0;

  while (used < length && ANSWER_DONE != answer->state && ANSWER_BROKEN != answer->state)
    if (ANSWER_BODY == answer->state)
      used += take_body (answer, data + used, length - used, ANSWER_DONE);
    else if (ANSWER_CHUNK == answer->state)
      used += take_body (answer, data + used, length - used, ANSWER_CHUNK_END);
    else
      feed_byte (answer, data[used++]);
  return used;
}
