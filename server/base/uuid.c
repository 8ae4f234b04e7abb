/* Ids of runs as text. */
#include "base/uuid.h"

#include <string.h>

static int
digit_value (char digit)
{
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  if (digit >= 'a' && digit <= 'f')
    return digit - 'a' + 10;
  return -1;
}

void
uuid_format (char text[UUID_TEXT_BYTES], const struct uuid *id)
{
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < sizeof (id->bytes); i++)
  {
    text[2 * i] = digits[id->bytes[i] >> 4];
    text[2 * i + 1] = digits[id->bytes[i] & 15];
  }
  text[UUID_TEXT_BYTES - 1] = '\0';
}

bool
uuid_parse (struct uuid *id, struct slice text)
{
  if (text.len != UUID_TEXT_BYTES - 1)
    return false;
  for (size_t i = 0; i < sizeof (id->bytes); i++)
  {
    int high = digit_value (text.data[2 * i]);
    int low = digit_value (text.data[2 * i + 1]);

    if (high < 0 || low < 0)
      return false;
    id->bytes[i] = (unsigned char)(high << 4 | low);
  }
  return true;
}

bool
uuid_parse_given (struct uuid *id, struct slice text)
{
  static const unsigned char nil[sizeof (id->bytes)] = { 0 };
  /* Digits in front of each dash: RFC 9562, section 4. */
  static const size_t dashes[] = { 8, 13, 18, 23 };
  char digits[UUID_TEXT_BYTES - 1];
  size_t dash = 0;
  size_t count = 0;
  bool dashed = text.len == sizeof (digits) + sizeof (dashes) / sizeof (dashes[0]);

  if (! dashed && text.len != sizeof (digits))
    return false;
  for (size_t i = 0; i < text.len; i++)
  {
    char c = text.data[i];

    if (dashed && dash < sizeof (dashes) / sizeof (dashes[0]) && dashes[dash] == i)
    {
      dash++;
      if ('-' != c)
        return false;
    }
    else
      digits[count++] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
  }
  return uuid_parse (id, (struct slice){ digits, count }) && 0 != memcmp (id->bytes, nil, sizeof (nil));
}
