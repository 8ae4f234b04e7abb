/* Errors of the client library: names of the codes, and filling in the struct. */
#include "error.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code
{
  const char *name;
  bool retryable;
};

static const struct code codes[] = {
  [TALLY_OK] = { "TALLY_OK", false },
  [TALLY_ERROR_ARGUMENT] = { "TALLY_ERROR_ARGUMENT", false },
  [TALLY_ERROR_MEMORY] = { "TALLY_ERROR_MEMORY", true },
  [TALLY_ERROR_CONFIGURATION] = { "TALLY_ERROR_CONFIGURATION", false },
  [TALLY_ERROR_UNREACHABLE] = { "TALLY_ERROR_UNREACHABLE", true },
  [TALLY_ERROR_TIMEOUT] = { "TALLY_ERROR_TIMEOUT", true },
  [TALLY_ERROR_UNAUTHENTICATED] = { "TALLY_ERROR_UNAUTHENTICATED", false },
  [TALLY_ERROR_FORBIDDEN] = { "TALLY_ERROR_FORBIDDEN", false },
  [TALLY_ERROR_NOT_FOUND] = { "TALLY_ERROR_NOT_FOUND", false },
  [TALLY_ERROR_EXISTS] = { "TALLY_ERROR_EXISTS", false },
  [TALLY_ERROR_CONFLICT] = { "TALLY_ERROR_CONFLICT", false },
  [TALLY_ERROR_GATE] = { "TALLY_ERROR_GATE", false },
  [TALLY_ERROR_REFUSED] = { "TALLY_ERROR_REFUSED", false },
  [TALLY_ERROR_OVERLOADED] = { "TALLY_ERROR_OVERLOADED", true },
  [TALLY_ERROR_SERVER] = { "TALLY_ERROR_SERVER", true },
  [TALLY_ERROR_PROTOCOL] = { "TALLY_ERROR_PROTOCOL", true },
  [TALLY_ERROR_UNSUPPORTED] = { "TALLY_ERROR_UNSUPPORTED", false },
  [TALLY_ERROR_FILE] = { "TALLY_ERROR_FILE", false },
  [TALLY_ERROR_DIGEST] = { "TALLY_ERROR_DIGEST", true },
  [TALLY_ERROR_FULL] = { "TALLY_ERROR_FULL", true },
  [TALLY_ERROR_PENDING] = { "TALLY_ERROR_PENDING", true },
  [TALLY_ERROR_FORKED] = { "TALLY_ERROR_FORKED", false },
  [TALLY_ERROR_CANCELLED] = { "TALLY_ERROR_CANCELLED", false },
  [TALLY_ERROR_BUSY] = { "TALLY_ERROR_BUSY", true },
};

#define CODE_COUNT (sizeof (codes) / sizeof (codes[0]))

const char *
tally_code_name (enum tally_code code)
{
  return (unsigned)code < CODE_COUNT ? codes[code].name : "TALLY_ERROR_UNKNOWN";
}

const char *
tally_version (void)
{
  return TALLY_VERSION;
}

/* Cut at a character boundary and mark it, when `len`, what the whole text has, did not fit. */
static void
end_message (char *message, int len)
{
  size_t cut = TALLY_MESSAGE_BYTES - sizeof ("...");

  if (len < TALLY_MESSAGE_BYTES)
    return;
  while (cut > 0 && 0x80 == ((unsigned char)message[cut] & 0xc0))
    cut--;
  memcpy (message + cut, "...", sizeof ("..."));
}

/* Whatever a server or a file is called, a message is one line of UTF-8 that no terminal obeys: control characters, and
   what a precision has cut in two, become question marks. */
static void
clean_message (char *message)
{
  struct slice rest = slice_of (message);

  while (rest.len > 0)
  {
    char *at = message + (rest.data - message);
    size_t before = rest.len;
    uint32_t code_point = 0;

    if (! utf8_next (&rest, &code_point))
      rest = (struct slice){ rest.data + 1, rest.len - 1 };
    else if (code_point >= ' ' && (code_point < 0x7f || code_point > 0x9f))
      continue;
    memset (at, '?', before - rest.len);
  }
}

static void
begin (struct tally_error *err, enum tally_code code)
{
  memset (err, 0, sizeof (*err));
  err->code = code;
  err->retryable = (unsigned)code < CODE_COUNT && codes[code].retryable;
}

enum tally_code
error_set (struct tally_error *err, enum tally_code code, const char *format, ...)
{
  va_list arguments;

  if (NULL == err)
    return code;
  begin (err, code);
  va_start (arguments, format);
  end_message (err->message, vsnprintf (err->message, sizeof (err->message), format, arguments));
  va_end (arguments);
  clean_message (err->message);
  return code;
}

enum tally_code
error_file (struct tally_error *err, int number, const char *format, ...)
{
  char what[TALLY_MESSAGE_BYTES / 2];
  char why[128];
  va_list arguments;

  if (ENOMEM == number)
    return error_memory (err);
  if (NULL == err)
    return TALLY_ERROR_FILE;
  va_start (arguments, format);
  vsnprintf (what, sizeof (what), format, arguments);
  va_end (arguments);
  return error_set (err, TALLY_ERROR_FILE, "%s: %s", what, strerror_r (number, why, sizeof (why)));
}

enum tally_code
error_memory (struct tally_error *err)
{
  return error_set (err, TALLY_ERROR_MEMORY, "Out of memory.");
}
