/* Answers of an S3 service: any document is read without harm and within bounds, and a text that is escaped comes back
   as it was. The input is the document; as the text of an element it is tried too. */
#include "fuzz.h"

#include "base/utf8.h"
#include "blob/s3_xml.h"

#include <stdbool.h>
#include <string.h>

/* As the reader's own bounds, which nothing of it may exceed. */
#define NAME_MAX_BYTES 64
#define TEXT_MAX_BYTES ((size_t)16 * 1024)
/* Each byte takes six when it is escaped. */
#define ESCAPED_MAX_BYTES ((size_t)6 * TEXT_MAX_BYTES)

static bool
check_element (void *context, struct slice parent, struct slice name, struct slice text)
{
  size_t *elements = context;

  REQUIRE (name.len > 0 && name.len < NAME_MAX_BYTES && parent.len < NAME_MAX_BYTES);
  REQUIRE (text.len <= TEXT_MAX_BYTES && utf8_valid (text) && utf8_valid (name));
  (*elements)++;
  return true;
}

static bool
compare_text (void *context, struct slice parent, struct slice name, struct slice text)
{
  const struct slice *expected = context;

  REQUIRE (0 == parent.len && slice_is (name, "Key"));
  REQUIRE (slice_equal (text, *expected));
  return true;
}

/* Whether XML 1.0 can hold it as it is: a CR becomes LF on the way, and most control characters have no place. */
static bool
is_plain (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.data[i] < ' ' && '\t' != text.data[i] && '\n' != text.data[i])
      return false;
  /* U+FFFE and U+FFFF are no characters. */
  for (size_t i = 0; i + 2 < text.len; i++)
    if (0 == memcmp (text.data + i, "\xEF\xBF", 2) && (unsigned char)text.data[i + 2] >= 0xBE)
      return false;
  return utf8_valid (text);
}

static void
check_escaped (struct slice text)
{
  struct buffer document;

  buffer_init (&document, ESCAPED_MAX_BYTES + 64);
  buffer_text (&document, "<Key>");
  REQUIRE (s3_xml_escape (&document, text));
  buffer_text (&document, "</Key>");
  REQUIRE (s3_xml_read (buffer_slice (&document), compare_text, &text));
  buffer_free (&document);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };
  size_t elements = 0;
  int64_t seconds = 0;

  if (s3_xml_read (text, check_element, &elements))
    REQUIRE (elements > 0);
  /* "2026-11-25T22:40:12Z" is the shortest; years have four digits. */
  if (s3_xml_time (&seconds, text))
    REQUIRE (size >= 20 && 'Z' == text.data[size - 1] && seconds <= INT64_C (253402300800));
  if (size <= TEXT_MAX_BYTES && is_plain (text))
    check_escaped (text);
  return 0;
}
