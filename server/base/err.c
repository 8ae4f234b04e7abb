/* Errors as values; the table of codes becomes names, statuses and hints here. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum fault
{
  THEIRS,
  PASSING,
  OURS
};

static const struct
{
  const char *name;
  const char *hint;
  unsigned status;
  enum fault fault;
} codes[ERR_COUNT] = {
  { "OK", "", 200, THEIRS },
#define ERROR(name, status, fault, hint) { #name, hint, status, fault },
#include "table/errors.def"
#undef ERROR
};

/* What a client is told to wait when it is to try again: queues that are full empty within a second, a database that
   was restarted is back after a few of its back-offs, and what lasts longer is not mended by a longer wait. */
#define RETRY_AFTER_S 1

/* Cut `text` after vsnprintf found it too long: back to a character boundary, with dots to show it. */
static void
cut (char *text, size_t capacity)
{
  size_t end = capacity - sizeof ("...");

  while (end > 0 && 0x80 == ((unsigned char)text[end] & 0xC0))
    end--;
  memcpy (text + end, "...", sizeof ("..."));
}

static void
fill (struct err *err, enum err_code code, const char *format, va_list arguments)
{
  int length;

  err->code = code;
  if (ERR_TEMPORARILY_UNAVAILABLE == code)
    err->retry_after_s = RETRY_AFTER_S;
  length = vsnprintf (err->message, sizeof (err->message), format, arguments);
  if (length < 0)
    err->message[0] = '\0';
  else if ((size_t)length >= sizeof (err->message))
    cut (err->message, sizeof (err->message));
}

enum err_code
err_set (struct err *err, enum err_code code, const char *format, ...)
{
  va_list arguments;

  if (NULL == err || ERR_OK != err->code)
    return code;
  va_start (arguments, format);
  fill (err, code, format, arguments);
  va_end (arguments);
  return code;
}

enum err_code
err_set_cause (struct err *err, enum err_code code, const char *cause, const char *format, ...)
{
  va_list arguments;

  if (NULL == err || ERR_OK != err->code)
    return code;
  va_start (arguments, format);
  fill (err, code, format, arguments);
  va_end (arguments);
  snprintf (err->cause, sizeof (err->cause), "%s", NULL == cause ? "" : cause);
  return code;
}

void
err_clear (struct err *err)
{
  err->code = ERR_OK;
  err->retry_after_s = 0;
  err->message[0] = '\0';
  err->cause[0] = '\0';
}

const char *
err_name (enum err_code code)
{
  return codes[code].name;
}

unsigned
err_http_status (enum err_code code)
{
  return codes[code].status;
}

const char *
err_hint (enum err_code code)
{
  return codes[code].hint;
}

bool
err_is_ours (enum err_code code)
{
  return OURS == codes[code].fault;
}
