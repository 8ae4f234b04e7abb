/* The header fields of a request that decide which part of a file is sent. */
#include "api/range.h"

#include <string.h>
#include <strings.h>

#define UNIT "bytes="

static void
skip_blanks (struct slice *text)
{
  while (text->len > 0 && (' ' == text->data[0] || '\t' == text->data[0]))
    *text = (struct slice){ text->data + 1, text->len - 1 };
}

/* Take a number off; one too large becomes the largest, which lies behind every file. False when there is none. */
static bool
take_number (struct slice *text, int64_t *number)
{
  bool any = false;

  *number = 0;
  while (text->len > 0 && text->data[0] >= '0' && text->data[0] <= '9')
  {
    int digit = text->data[0] - '0';

    *number = *number > (INT64_MAX - digit) / 10 ? INT64_MAX : *number * 10 + digit;
    *text = (struct slice){ text->data + 1, text->len - 1 };
    any = true;
  }
  return any;
}

enum range_kind
range_parse (int64_t *first, int64_t *bytes, struct slice field, int64_t size_bytes)
{
  struct slice rest = field;
  int64_t from = 0;
  int64_t last = 0;
  bool has_from;
  bool has_last;

  if (field.len < sizeof (UNIT) - 1 || 0 != strncasecmp (field.data, UNIT, sizeof (UNIT) - 1))
    return RANGE_ALL;
  rest = (struct slice){ field.data + sizeof (UNIT) - 1, field.len - (sizeof (UNIT) - 1) };
  skip_blanks (&rest);
  has_from = take_number (&rest, &from);
  if (0 == rest.len || '-' != rest.data[0])
    return RANGE_ALL;
  rest = (struct slice){ rest.data + 1, rest.len - 1 };
  has_last = take_number (&rest, &last);
  skip_blanks (&rest);
  if (rest.len > 0 || (! has_from && ! has_last) || (has_from && has_last && last < from))
    return RANGE_ALL;
  if (! has_from)
  {
    /* The last bytes. Of an empty file they are all of it, which no Content-Range can say. */
    if (0 == last)
      return RANGE_OUTSIDE;
    if (0 == size_bytes)
      return RANGE_ALL;
    *first = last < size_bytes ? size_bytes - last : 0;
    *bytes = size_bytes - *first;
    return RANGE_PART;
  }
  if (from >= size_bytes)
    return RANGE_OUTSIDE;
  if (! has_last || last >= size_bytes)
    last = size_bytes - 1;
  *first = from;
  *bytes = last - from + 1;
  return RANGE_PART;
}

bool
range_etag_listed (struct slice field, struct slice etag)
{
  struct slice rest = field;

  skip_blanks (&rest);
  if (rest.len > 0 && '*' == rest.data[0])
    return true;
  while (rest.len > 0)
  {
    const char *end;
    struct slice tag;

    if (rest.len > 2 && 'W' == rest.data[0] && '/' == rest.data[1])
      rest = (struct slice){ rest.data + 2, rest.len - 2 };
    end = rest.len > 1 && '"' == rest.data[0] ? memchr (rest.data + 1, '"', rest.len - 1) : NULL;
    if (NULL == end)
      return false;
    tag = (struct slice){ rest.data, (size_t)(end + 1 - rest.data) };
    if (slice_equal (tag, etag))
      return true;
    rest = (struct slice){ end + 1, rest.len - tag.len };
    skip_blanks (&rest);
    while (rest.len > 0 && ',' == rest.data[0])
    {
      rest = (struct slice){ rest.data + 1, rest.len - 1 };
      skip_blanks (&rest);
    }
  }
  return false;
}

bool
range_still_valid (struct slice field, struct slice etag, struct slice last_modified)
{
  return NULL == field.data || slice_equal (field, etag) || slice_equal (field, last_modified);
}
