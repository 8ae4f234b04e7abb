/* Base64 in the alphabet for URLs. */
#include "base/base64url.h"

/* The six bits of a character, or -1. */
static int
value_of (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return '-' == c ? 62 : '_' == c ? 63 : -1;
}

bool
base64url_valid (struct slice text)
{
  /* Bits of the last character that stand for nothing, by the length of the last group. */
  static const int spare[] = { 0, 0, 15, 3 };
  size_t last = text.len % 4;

  if (1 == last)
    return false;
  for (size_t i = 0; i < text.len; i++)
    if (value_of (text.data[i]) < 0)
      return false;
  return 0 == last || 0 == (value_of (text.data[text.len - 1]) & spare[last]);
}

bool
base64url_decode (struct slice *bytes, struct slice text, struct arena *arena)
{
  char *out;
  size_t len = 0;
  unsigned bits = 0;
  int held = 0;

  if (! base64url_valid (text))
    return false;
  out = arena_alloc (arena, text.len / 4 * 3 + 3);
  if (NULL == out)
    return false;
  for (size_t i = 0; i < text.len; i++)
  {
    bits = bits << 6 | (unsigned)value_of (text.data[i]);
    held += 6;
    if (held >= 8)
    {
      held -= 8;
      out[len++] = (char)(unsigned char)(bits >> held);
    }
  }
  *bytes = (struct slice){ out, len };
  return true;
}
