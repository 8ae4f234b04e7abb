/* What must not be shown: credentials in addresses and in arguments of programs. */
#include "secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define HIDDEN "***"

static size_t
find_text (struct slice text, const char *wanted)
{
  const char *at = 0 == text.len ? NULL : memmem (text.data, text.len, wanted, strlen (wanted));

  return NULL == at ? text.len : (size_t)(at - text.data);
}

/* The first of some characters; the length when none is there. */
static size_t
find_any (struct slice text, const char *characters)
{
  for (size_t i = 0; i < text.len; i++)
    if ('\0' != text.data[i] && NULL != strchr (characters, text.data[i]))
      return i;
  return text.len;
}

static bool
is_web (struct slice scheme)
{
  static const char *const schemes[] = { "http", "https" };

  for (size_t i = 0; i < 2; i++)
    if (scheme.len >= strlen (schemes[i])
        && 0 == strncasecmp (scheme.data + scheme.len - strlen (schemes[i]), schemes[i], strlen (schemes[i])))
      return true;
  return false;
}

void
secret_put_url (struct buffer *out, struct slice url)
{
  size_t scheme = find_text (url, "://");
  struct slice rest;
  struct slice authority;
  size_t at;
  bool web;

  if (scheme == url.len)
  {
    (void)buffer_append (out, url.data, url.len);
    return;
  }
  web = is_web ((struct slice){ url.data, scheme });
  rest = (struct slice){ url.data + scheme + 3, url.len - scheme - 3 };
  (void)buffer_append (out, url.data, scheme + 3);
  authority = (struct slice){ rest.data, find_any (rest, "/?#") };
  at = authority.len;
  while (at > 0 && '@' != authority.data[at - 1])
    at--;
  if (at > 0)
  {
    size_t name = web ? 0 : find_any ((struct slice){ authority.data, at - 1 }, ":");

    (void)buffer_append (out, authority.data, name);
    if (name > 0)
      (void)buffer_byte (out, '@');
    rest = (struct slice){ rest.data + at, rest.len - at };
  }
  (void)buffer_append (out, rest.data, web ? find_any (rest, "?#") : rest.len);
}

/* Words in the names of arguments whose values are nobody's business. */
static bool
is_secret (struct slice name)
{
  static const char *const words[] = { "password",    "passwd",      "secret",     "token",
                                       "apikey",      "api-key",     "api_key",    "credential",
                                       "private-key", "private_key", "access-key", "access_key" };

  for (size_t w = 0; w < sizeof (words) / sizeof (words[0]); w++)
    for (size_t i = 0; i + strlen (words[w]) <= name.len; i++)
      if (0 == strncasecmp (name.data + i, words[w], strlen (words[w])))
        return true;
  return false;
}

void
secret_put_arguments (struct buffer *out, struct slice arguments)
{
  bool hide = false; /* the argument before was the name of a secret */
  bool first = true;

  while (arguments.len > 0)
  {
    size_t length = strnlen (arguments.data, arguments.len);
    struct slice argument = { arguments.data, length };
    size_t equals = find_any (argument, "=");
    struct slice name = { argument.data, equals };

    length += length < arguments.len;
    arguments = (struct slice){ arguments.data + length, arguments.len - length };
    if (! first)
      (void)buffer_byte (out, ' ');
    first = false;
    if (hide && ! (argument.len > 0 && '-' == argument.data[0]))
      (void)buffer_text (out, HIDDEN);
    else if (equals < argument.len && is_secret (name))
    {
      (void)buffer_append (out, argument.data, equals + 1);
      (void)buffer_text (out, HIDDEN);
    }
    else
      secret_put_url (out, argument);
    hide = equals == argument.len && argument.len > 1 && '-' == argument.data[0] && is_secret (name);
  }
}
