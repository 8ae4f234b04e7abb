/* URL parts: decoding against a plain second implementation, and nothing lost or added when a target is taken apart. */
#include "fuzz.h"

#include "base/url.h"
#include "base/utf8.h"

#include <string.h>

/* Far above what inputs of a fuzzer give. */
#define PLENTY_BYTES ((size_t)16 * 1024 * 1024)

/* Decode by looking digits up in a string; false when malformed. */
static bool
decode_plainly (struct buffer *out, struct slice text, bool plus_is_space)
{
  static const char digits[] = "00112233445566778899AaBbCcDdEeFf";

  for (size_t i = 0; i < text.len; i++)
  {
    char c = text.data[i];

    if ('%' == c)
    {
      const char *high = i + 2 < text.len && '\0' != text.data[i + 1] ? strchr (digits, text.data[i + 1]) : NULL;
      const char *low = i + 2 < text.len && '\0' != text.data[i + 2] ? strchr (digits, text.data[i + 2]) : NULL;

      if (NULL == high || NULL == low)
        return false;
      c = (char)(unsigned char)((high - digits) / 2 * 16 + (low - digits) / 2);
      i += 2;
    }
    else if ('+' == c && plus_is_space)
      c = ' ';
    if ('\0' == c)
      return false;
    buffer_byte (out, c);
  }
  return utf8_valid (buffer_slice (out));
}

static void
check_decode (struct slice text, bool plus_is_space, struct arena *arena)
{
  struct buffer expected;
  struct slice decoded;
  bool fine;

  buffer_init (&expected, PLENTY_BYTES);
  fine = decode_plainly (&expected, text, plus_is_space);
  REQUIRE (url_decode (&decoded, text, plus_is_space, arena) == fine);
  REQUIRE (! fine || slice_equal (decoded, buffer_slice (&expected)));
  /* Nothing to decode: nothing copied. */
  if (fine && decoded.len == text.len && slice_equal (decoded, text))
    REQUIRE (decoded.data == text.data);
  buffer_free (&expected);
}

static void
check_encode (struct slice text, struct arena *arena)
{
  struct buffer encoded;
  struct slice decoded;
  bool fine = utf8_valid (text) && (0 == text.len || NULL == memchr (text.data, '\0', text.len));

  buffer_init (&encoded, PLENTY_BYTES);
  REQUIRE (url_encode (&encoded, text));
  for (size_t i = 0; i < encoded.len; i++)
    REQUIRE (encoded.data[i] > ' ' && encoded.data[i] < 0x7F && NULL == strchr ("/?#&=+\"\\", encoded.data[i]));
  for (int plus = 0; plus < 2; plus++)
  {
    REQUIRE (url_decode (&decoded, buffer_slice (&encoded), plus, arena) == fine);
    REQUIRE (! fine || slice_equal (decoded, text));
  }
  buffer_free (&encoded);
}

/* Put the segments together again; without a leading "/" the first one stands alone. */
static void
check_segments (struct slice path)
{
  struct buffer joined;
  struct slice rest = path;
  struct slice segment;
  bool slash = path.len > 0 && '/' == path.data[0];

  buffer_init (&joined, PLENTY_BYTES);
  while (url_segment_next (&rest, &segment))
  {
    REQUIRE (0 == segment.len || NULL == memchr (segment.data, '/', segment.len));
    if (slash)
      buffer_byte (&joined, '/');
    buffer_append (&joined, segment.data, segment.len);
    slash = true;
  }
  REQUIRE (slice_equal (buffer_slice (&joined), path));
  buffer_free (&joined);
}

/* Append `piece` behind an "&", unless it is empty or the first. */
static void
add_piece (struct buffer *joined, struct slice piece)
{
  if (0 == piece.len)
    return;
  if (joined->len > 0)
    buffer_byte (joined, '&');
  buffer_append (joined, piece.data, piece.len);
}

/* Put the pairs together again, and compare with the query without its empty pieces. */
static void
check_query (struct slice query)
{
  struct buffer joined;
  struct buffer expected;
  struct slice rest = query;
  struct slice name;
  struct slice value;
  size_t begin = 0;

  buffer_init (&joined, PLENTY_BYTES);
  buffer_init (&expected, PLENTY_BYTES);
  while (url_query_next (&rest, &name, &value))
  {
    size_t len = name.len;

    REQUIRE (0 == name.len || NULL == memchr (name.data, '=', name.len));
    if (NULL != value.data)
    {
      REQUIRE (value.data == name.data + name.len + 1 && '=' == value.data[-1]);
      len += 1 + value.len;
    }
    REQUIRE (len > 0 && NULL == memchr (name.data, '&', len));
    add_piece (&joined, (struct slice){ name.data, len });
  }
  for (size_t i = 0; i <= query.len; i++)
    if (i == query.len || '&' == query.data[i])
    {
      if (i > begin)
        add_piece (&expected, (struct slice){ query.data + begin, i - begin });
      begin = i + 1;
    }
  REQUIRE (slice_equal (buffer_slice (&joined), buffer_slice (&expected)));
  buffer_free (&joined);
  buffer_free (&expected);
}

static void
check_split (struct slice target)
{
  struct slice path;
  struct slice query;
  size_t len;

  if (! url_split (target, &path, &query))
  {
    /* An origin form is refused for its characters only. */
    bool clean = true;

    for (size_t i = 0; i < target.len; i++)
      clean = clean && (unsigned char)target.data[i] > ' ' && 0x7F != target.data[i] && '#' != target.data[i];
    REQUIRE (! clean || 0 == target.len || '/' != target.data[0]);
    return;
  }
  REQUIRE (path.len > 0 && '/' == path.data[0]);
  REQUIRE (NULL == memchr (path.data, '?', path.len) && NULL == memchr (path.data, '#', path.len));
  len = path.len + (NULL == query.data ? 0 : 1 + query.len);
  if (path.data >= target.data && path.data < target.data + target.len)
  {
    REQUIRE (path.data + len == target.data + target.len);
    REQUIRE ('/' != target.data[0] || path.data == target.data);
  }
  else
    REQUIRE (slice_is (path, "/"));
  if (NULL != query.data)
    REQUIRE ('?' == query.data[-1] && query.data + query.len == target.data + target.len);
  check_segments (path);
  check_query (query);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };
  struct arena *arena = arena_new (PLENTY_BYTES);

  REQUIRE (NULL != arena);
  check_decode (text, false, arena);
  check_decode (text, true, arena);
  REQUIRE (! arena_overflowed (arena));
  check_encode (text, arena);
  check_split (text);
  check_segments (text);
  check_query (text);
  arena_free (arena);
  return 0;
}
