/* The writer against jansson and the scanner: whatever is written reads back the same. */
#include "fuzz.h"

#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* Far above what inputs of a fuzzer give. */
#define PLENTY_BYTES ((size_t)64 * 1024 * 1024)

/* Nesting that a program of bytes reaches at most. */
#define DEEPEST 32

/* What a text becomes: the same, with U+FFFD for every byte that is not part of valid UTF-8. */
static void
mend (struct buffer *out, struct slice text)
{
  while (text.len > 0)
  {
    struct slice rest = text;
    uint32_t code_point;

    if (utf8_next (&rest, &code_point))
      buffer_append (out, text.data, text.len - rest.len);
    else
    {
      buffer_append (out, "\xEF\xBF\xBD", 3);
      rest.data++;
      rest.len--;
    }
    text = rest;
  }
}

static void
check_string (struct slice text)
{
  struct buffer mended;
  struct buffer out;
  struct json_write w;
  struct arena *arena = arena_new (PLENTY_BYTES);
  struct json_scan scan;
  struct json_scan_value value;
  json_t *parsed;

  REQUIRE (NULL != arena);
  buffer_init (&mended, PLENTY_BYTES);
  buffer_init (&out, PLENTY_BYTES);
  mend (&mended, text);
  json_write_init (&w, &out);
  json_write_string (&w, text);
  REQUIRE (! out.failed);
  parsed = json_loadb (out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  REQUIRE (json_is_string (parsed));
  REQUIRE (
      slice_equal (buffer_slice (&mended), (struct slice){ json_string_value (parsed), json_string_length (parsed) }));
  json_decref (parsed);
  json_scan_init (&scan, buffer_slice (&out), arena, 1);
  REQUIRE (json_scan_value (&scan, &value) && json_scan_end (&scan));
  REQUIRE (JSON_SCAN_STRING == value.kind && slice_equal (value.text, buffer_slice (&mended)));
  /* No byte that a line of a log or a script in a page could end at. */
  for (size_t i = 0; i < out.len; i++)
    REQUIRE ((unsigned char)out.data[i] >= 0x20);
  REQUIRE (NULL == memmem (out.data, out.len, "\u2028", 3) && NULL == memmem (out.data, out.len, "\u2029", 3));
  buffer_free (&out);
  buffer_free (&mended);
  arena_free (arena);
}

/* Take the input as a program: each byte writes one thing, and what is open at the end is closed. */
static void
write_program (struct json_write *w, const uint8_t *data, size_t size)
{
  bool objects[DEEPEST];
  unsigned depth = 0;

  json_write_array (w);
  for (size_t i = 0; i < size; i++)
  {
    unsigned code = data[i] & 15;
    struct slice rest = { (const char *)data + i, data[i] >> 4 < size - i ? data[i] >> 4 : size - i };
    int64_t integer = 0;
    double real;

    memcpy (&integer, data + i, size - i < sizeof (integer) ? size - i : sizeof (integer));
    memcpy (&real, &integer, sizeof (real));
    if (code >= 14)
    {
      if (depth > 0)
      {
        depth--;
        objects[depth] ? json_write_object_end (w) : json_write_array_end (w);
      }
      continue;
    }
    if (depth > 0 && objects[depth - 1])
    {
      /* Numbered names, so that jansson drops none as a repetition. */
      char name[32];

      snprintf (name, sizeof (name), "\"%zu", i);
      if (0 != (code & 1))
        json_write_key_slice (w, slice_of (name));
      else
        json_write_key (w, name + 1);
    }
    if (code < 4 && DEEPEST == depth)
      code = 4;
    switch (code)
    {
    case 0:
    case 1:
      json_write_object (w);
      objects[depth++] = true;
      break;
    case 2:
    case 3:
      json_write_array (w);
      objects[depth++] = false;
      break;
    case 4:
      json_write_null (w);
      break;
    case 5:
      json_write_bool (w, data[i] > 127);
      break;
    case 6:
      json_write_int64 (w, integer);
      break;
    case 7:
      /* As far as jansson reads integers. */
      json_write_uint64 (w, (uint64_t)integer >> 1);
      break;
    case 8:
    case 9:
      json_write_double (w, real);
      break;
    case 10:
      json_write_raw (w, SLICE ("{\"a\": [1, 2]}"));
      break;
    default:
      json_write_string (w, rest);
      break;
    }
  }
  while (depth-- > 0)
    objects[depth] ? json_write_object_end (w) : json_write_array_end (w);
  json_write_array_end (w);
}

/* Things written into the outermost array, found again by jansson and by the scanner. */
static void
check_program (const uint8_t *data, size_t size)
{
  struct buffer out;
  struct buffer small;
  struct json_write w;
  struct json_scan scan;
  json_t *parsed;

  buffer_init (&out, PLENTY_BYTES);
  json_write_init (&w, &out);
  write_program (&w, data, size);
  REQUIRE (! out.failed);
  parsed = json_loadb (out.data, out.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
  REQUIRE (json_is_array (parsed));
  json_decref (parsed);
  json_scan_init (&scan, buffer_slice (&out), NULL, DEEPEST + 8);
  REQUIRE (json_scan_skip (&scan) && json_scan_end (&scan));
  /* The same into a buffer that is too small fails, and sticks. */
  buffer_init (&small, out.len - 1);
  json_write_init (&w, &small);
  write_program (&w, data, size);
  REQUIRE (small.failed && small.len <= out.len - 1);
  buffer_free (&small);
  buffer_free (&out);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  check_string ((struct slice){ (const char *)data, size });
  check_program (data, size);
  return 0;
}
