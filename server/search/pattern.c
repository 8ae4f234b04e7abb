/* LIKE and ILIKE: compiled to a list of characters and wildcards, matched without recursion. */
#include "search/pattern_private.h"

#include "base/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

/* What stands for % and _; above every code point. */
#define ANY_TEXT UINT32_C (0x110000)
#define ANY_CHARACTER UINT32_C (0x110001)

static locale_t folding;
static pthread_once_t folding_once = PTHREAD_ONCE_INIT;

static void
open_folding (void)
{
  folding = newlocale (LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Without the locale, which every Debian has, ASCII alone is folded. */
static uint32_t
fold (uint32_t point)
{
  if (point < 0x80)
    return point >= 'A' && point <= 'Z' ? point + ('a' - 'A') : point;
  return (locale_t)0 == folding ? point : (uint32_t)towlower_l ((wint_t)point, folding);
}

enum err_code
search_pattern_new (struct search_pattern **out, struct slice text, struct arena *arena, struct err *err)
{
  struct search_pattern *pattern;

  *out = NULL;
  if (text.len > SEARCH_PATTERN_MAX_BYTES)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "A pattern has %zu bytes; at most %d are allowed.", text.len,
                    SEARCH_PATTERN_MAX_BYTES);
  if (! utf8_valid (text))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "A pattern is not valid UTF-8.");
  pattern = arena_alloc (arena, sizeof (*pattern));
  if (NULL == pattern)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  pattern->text = text;
  *out = pattern;
  return ERR_OK;
}

enum err_code
search_pattern_like (struct search_pattern **out, struct slice text, bool fold_case, struct arena *arena,
                     struct err *err)
{
  enum err_code code = search_pattern_new (out, text, arena, err);
  struct search_pattern *pattern = *out;
  struct slice rest = text;
  uint32_t point;

  if (ERR_OK != code)
    return code;
  pthread_once (&folding_once, open_folding);
  pattern->fold_case = fold_case;
  pattern->items = arena_array (arena, text.len, sizeof (uint32_t));
  if (NULL == pattern->items)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  while (utf8_next (&rest, &point))
  {
    if ('%' == point)
      point = ANY_TEXT;
    else if ('_' == point)
      point = ANY_CHARACTER;
    else if ('\\' == point && ! utf8_next (&rest, &point))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "LIKE pattern must not end with escape character");
    else if (fold_case)
      point = fold (point);
    /* "%%" is "%". */
    if (ANY_TEXT != point || 0 == pattern->count || ANY_TEXT != pattern->items[pattern->count - 1])
      pattern->items[pattern->count++] = point;
  }
  return ERR_OK;
}

/* Each % takes as little as possible; when the rest fails, the last one takes one character more. Earlier ones need
   never be asked again. */
static bool
match_like (const struct search_pattern *pattern, struct slice text)
{
  struct slice resume = { NULL, 0 }; /* where the text goes on when the last % takes one more */
  size_t resume_item = 0;
  size_t item = 0;

  for (;;)
  {
    struct slice after = text;
    uint32_t point;
    bool more;

    if (item < pattern->count && ANY_TEXT == pattern->items[item])
    {
      resume_item = ++item;
      resume = text;
      if (item == pattern->count)
        return true;
      continue;
    }
    more = utf8_next (&after, &point);
    if (! more && item == pattern->count)
      return true;
    if (more && item < pattern->count
        && (ANY_CHARACTER == pattern->items[item]
            || pattern->items[item] == (pattern->fold_case ? fold (point) : point)))
    {
      item++;
      text = after;
      continue;
    }
    if (! more || NULL == resume.data || ! utf8_next (&resume, &point))
      return false;
    text = resume;
    item = resume_item;
  }
}

enum err_code
search_pattern_match (bool *matches, const struct search_pattern *pattern, struct slice text, struct err *err)
{
  if (NULL == text.data)
    text = SLICE ("");
  if (NULL != pattern->regex)
    return search_regex_match (matches, pattern, text, err);
  *matches = match_like (pattern, text);
  return ERR_OK;
}

bool
search_pattern_in_sql (const struct search_pattern *pattern)
{
  return NULL == pattern->regex && ! pattern->fold_case;
}

struct slice
search_pattern_text (const struct search_pattern *pattern)
{
  return pattern->text;
}
