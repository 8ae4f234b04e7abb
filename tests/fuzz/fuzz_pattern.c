/* Patterns: any pattern is compiled or refused without harm, and matched with bounded effort; LIKE agrees with a plain
   recursive definition. The input is a pattern, a NUL, and a text. */
#include "fuzz.h"

#include "base/utf8.h"
#include "search/pattern.h"

#include <string.h>

/* The ceiling of a request. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
/* Above these, the plain definition takes too long: it tries every way to share the text among the %. */
#define PLAIN_PATTERN_BYTES 8
#define PLAIN_TEXT_BYTES 12

/* LIKE by its definition; both are valid UTF-8 and the pattern does not end in a single backslash. */
static bool
plain_like (struct slice pattern, struct slice text)
{
  struct slice after_pattern = pattern;
  struct slice after_text = text;
  uint32_t wanted;
  uint32_t point;
  bool literal = false;

  if (! utf8_next (&after_pattern, &wanted))
    return 0 == text.len;
  if ('%' == wanted)
  {
    if (plain_like (after_pattern, text))
      return true;
    return utf8_next (&after_text, &point) && plain_like (pattern, after_text);
  }
  if ('\\' == wanted)
    literal = utf8_next (&after_pattern, &wanted);
  if (! utf8_next (&after_text, &point) || (point != wanted && (literal || '_' != wanted)))
    return false;
  return plain_like (after_pattern, after_text);
}

static void
check (struct slice pattern_text, struct slice text, bool like, bool fold, struct arena *arena)
{
  struct search_pattern *pattern;
  struct err err = { 0 };
  bool matches = false;
  bool again = false;
  enum err_code code = (like ? search_pattern_like : search_pattern_regex) (&pattern, pattern_text, fold, arena, &err);

  if (ERR_OK != code)
  {
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && '\0' != err.message[0]);
    return;
  }
  code = search_pattern_match (&matches, pattern, text, &err);
  REQUIRE (ERR_OK == code || (ERR_INVALID_PARAMETER_VALUE == code && ! like));
  REQUIRE (search_pattern_match (&again, pattern, text, NULL) == code && again == matches);
  if (like && ! fold && pattern_text.len <= PLAIN_PATTERN_BYTES && text.len <= PLAIN_TEXT_BYTES)
    REQUIRE (matches == plain_like (pattern_text, text));
  /* What matches as it is matches without regard to case. */
  if (like && fold && ERR_OK == search_pattern_like (&pattern, pattern_text, false, arena, NULL))
  {
    REQUIRE (ERR_OK == search_pattern_match (&again, pattern, text, NULL));
    REQUIRE (matches || ! again);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  const uint8_t *end = 0 == size ? NULL : memchr (data, '\0', size);
  struct slice pattern = { (const char *)data, NULL == end ? size : (size_t)(end - data) };
  struct slice text = { (const char *)data + pattern.len, size - pattern.len };

  REQUIRE (NULL != arena);
  if (NULL != end)
    text = (struct slice){ text.data + 1, text.len - 1 };
  /* The server's texts are valid. */
  if (utf8_valid (text))
    for (unsigned i = 0; i < 4; i++)
      check (pattern, text, i < 2, i % 2, arena);
  arena_free (arena);
  return 0;
}
