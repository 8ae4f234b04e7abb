/* Host and Origin headers: any are judged without harm, in any case the same, and an origin that may use a browser's
   login is one that may change things. The input is a host, a line feed, and an origin. */
#include "fuzz.h"

#include "http/guard.h"

#include <ctype.h>
#include <string.h>

#define ALLOWED "*.lab.example.org, https://dash.example.com,tally.example.com:8443"

static void
check_refused (enum err_code code, const struct err *err)
{
  REQUIRE (ERR_OK == code || (ERR_PERMISSION_DENIED == code && code == err->code && '\0' != err->message[0]));
}

/* The same text in capitals; allocated. */
static char *
capitals (struct slice text)
{
  char *copy = malloc (text.len + 1);

  REQUIRE (NULL != copy);
  for (size_t i = 0; i < text.len; i++)
    copy[i] = (char)toupper ((unsigned char)text.data[i]);
  copy[text.len] = '\0';
  return copy;
}

static void
check_host (struct slice host)
{
  char *copy = capitals (host);
  struct err err = { 0 };
  enum err_code code = guard_check_host (host, ALLOWED, &err);

  check_refused (code, &err);
  REQUIRE (code == guard_check_host ((struct slice){ copy, host.len }, ALLOWED, NULL));
  /* What is let in by itself needs no list, and any list with the same ones lets it in. */
  if (ERR_OK == guard_check_host (host, "", NULL))
    REQUIRE (ERR_OK == code);
  if (guard_host_is_loopback (host))
    REQUIRE (ERR_OK == code);
  if (guard_is_loopback (host))
    REQUIRE (NULL == memchr (host.data, '/', host.len));
  free (copy);
}

static void
check_origin (struct slice origin, struct slice host)
{
  struct err err = { 0 };
  enum err_code code = guard_check_origin (origin, host, ALLOWED, &err);

  check_refused (code, &err);
  if (guard_is_own_origin (origin, host, true, ALLOWED))
    REQUIRE (guard_is_own_origin (origin, host, false, ALLOWED));
  if (guard_is_own_origin (origin, host, true, ""))
    REQUIRE (0 == origin.len || (origin.len == host.len + 8 && 's' == tolower ((unsigned char)origin.data[4])));
  /* An own origin that is a name may change things. */
  if (guard_is_own_origin (origin, host, false, "") && ERR_OK == guard_check_host (host, "", NULL))
    REQUIRE (ERR_OK == code);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  const char *line = 0 == size ? NULL : memchr (text, '\n', size);
  struct slice host = { text, NULL == line ? size : (size_t)(line - text) };
  struct slice origin = { NULL, 0 };

  if (NULL != line)
    origin = (struct slice){ line + 1, size - host.len - 1 };
  check_host (host);
  check_origin (origin, host);
  return 0;
}
