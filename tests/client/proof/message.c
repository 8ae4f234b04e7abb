/* HTTP/1.1 messages as bytes. */
#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct slice
message_header (const char *data, size_t head_bytes, const char *name)
{
  const char *end = data + head_bytes;
  size_t length = strlen (name);

  for (const char *line = data; line < end;)
  {
    const char *next = memmem (line, (size_t)(end - line), "\r\n", 2);

    if (NULL == next)
      break;
    if ((size_t)(next - line) > length && ':' == line[length] && 0 == strncasecmp (line, name, length))
    {
      const char *value = line + length + 1;

      while (value < next && ' ' == *value)
        value++;
      return (struct slice){ value, (size_t)(next - value) };
    }
    line = next + 2;
  }
  return (struct slice){ NULL, 0 };
}

static bool
value_is (struct slice value, const char *text)
{
  return NULL != value.data && strlen (text) == value.len && 0 == strncasecmp (value.data, text, value.len);
}

/* The end of a chunked body that begins at `at`; 0 when it is not there yet. */
static size_t
chunks_end (const char *data, size_t bytes, size_t at)
{
  for (;;)
  {
    const char *line = at < bytes ? memmem (data + at, bytes - at, "\r\n", 2) : NULL;
    size_t size;

    if (NULL == line)
      return 0;
    size = strtoul (data + at, NULL, 16);
    at = (size_t)(line - data) + 2 + size + 2;
    if (at > bytes)
      return 0;
    if (0 == size)
      return at;
  }
}

/* Where the body of a whole head ends; 0: not there yet. */
static size_t
body_end (struct message *message, const char *data, size_t bytes, bool is_answer, bool bodiless)
{
  struct slice length = message_header (data, message->head_bytes, "Content-Length");
  size_t end;

  if (is_answer && (bodiless || 204 == message->status || 304 == message->status || message->status < 200))
    return message->head_bytes;
  if (value_is (message_header (data, message->head_bytes, "Transfer-Encoding"), "chunked"))
    return chunks_end (data, bytes, message->head_bytes);
  if (NULL == length.data)
  {
    message->until_close = is_answer;
    return is_answer ? 0 : message->head_bytes;
  }
  end = message->head_bytes + strtoul (length.data, NULL, 10);
  return end <= bytes ? end : 0;
}

enum message_state
message_scan (struct message *message, const char *data, size_t bytes, bool is_answer, bool bodiless)
{
  const char *end = bytes > 0 ? memmem (data, bytes, "\r\n\r\n", 4) : NULL;

  *message = (struct message){ 0 };
  if (NULL == end)
    return MESSAGE_PARTIAL;
  message->head_bytes = (size_t)(end - data) + 4;
  if (is_answer)
  {
    if (message->head_bytes < 12 || 0 != memcmp (data, "HTTP/1.", 7))
      return MESSAGE_BROKEN;
    message->status = atoi (data + 9);
  }
  message->expects_continue = value_is (message_header (data, message->head_bytes, "Expect"), "100-continue");
  message->closes = value_is (message_header (data, message->head_bytes, "Connection"), "close");
  message->bytes = body_end (message, data, bytes, is_answer, bodiless);
  return 0 == message->bytes ? MESSAGE_HEAD : MESSAGE_WHOLE;
}
