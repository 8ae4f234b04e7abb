/* Filters to tokens, as the SQL lexer does that MLflow uses, as far as it matters here. */
#include "search/lex.h"

#include "base/utf8.h"

#include <strings.h>

static bool
is_space (uint32_t point)
{
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) || 0x85 == point || 0xA0 == point
         || 0x1680 == point || (point >= 0x2000 && point <= 0x200A) || 0x2028 == point || 0x2029 == point
         || 0x202F == point || 0x205F == point || 0x3000 == point;
}

struct slice
lex_skip_space (struct slice rest)
{
  for (;;)
  {
    struct slice after = rest;
    uint32_t point;

    if (! utf8_next (&after, &point) || ! is_space (point))
      return rest;
    rest = after;
  }
}

static struct slice
skip_word (struct slice rest)
{
  for (;;)
  {
    struct slice after = rest;
    uint32_t point;

    if (! utf8_next (&after, &point) || ! utf8_is_word (point))
      return rest;
    rest = after;
  }
}

static struct slice
behind (struct slice text, size_t bytes)
{
  return (struct slice){ text.data + bytes, text.len - bytes };
}

static bool
begins (struct slice text, char byte)
{
  return text.len > 0 && byte == text.data[0];
}

static bool
is_digit_at (struct slice text, size_t at)
{
  return at < text.len && text.data[at] >= '0' && text.data[at] <= '9';
}

/* Length of what is quoted at the front, with its quotes; 0 when there is no end. A doubled quote and one behind a
   backslash (not in backticks) are content, unless no other quote could be the end. */
static size_t
quoted_length (struct slice text)
{
  char quote = text.data[0];
  size_t candidate = 0;

  for (size_t i = 1; i < text.len; i++)
  {
    if (quote != text.data[i])
      continue;
    if ('`' != quote && i > 1 && '\\' == text.data[i - 1])
      candidate = i + 1;
    else if (i + 1 < text.len && quote == text.data[i + 1])
    {
      candidate = i + 1;
      i++;
    }
    else
      return i + 1;
  }
  return candidate;
}

/* Bytes of a number without a sign at the front, or 0. */
static size_t
number_length (struct slice text)
{
  size_t at = 0;
  size_t exponent;

  while (is_digit_at (text, at))
    at++;
  if (at < text.len && '.' == text.data[at] && (at > 0 || is_digit_at (text, 1)))
    for (at++; is_digit_at (text, at);)
      at++;
  if (0 == at || at >= text.len || ('e' != text.data[at] && 'E' != text.data[at]))
    return at;
  exponent = at + 1;
  if (exponent < text.len && ('-' == text.data[exponent] || '+' == text.data[exponent]))
    exponent++;
  if (! is_digit_at (text, exponent))
    return at;
  while (is_digit_at (text, exponent))
    exponent++;
  return exponent;
}

/* One component of an identifier; false when there is none. Single quotes and a lone * are for keys behind a dot only.
 */
static bool
skip_component (struct slice *rest, bool after_dot)
{
  struct slice behind_word = skip_word (*rest);

  if (behind_word.data != rest->data)
  {
    *rest = behind_word;
    return true;
  }
  if (after_dot && begins (*rest, '*'))
  {
    *rest = behind (*rest, 1);
    return true;
  }
  if (begins (*rest, '`') || begins (*rest, '"') || (after_dot && begins (*rest, '\'')))
  {
    size_t length = quoted_length (*rest);

    if (0 == length)
      return false;
    *rest = behind (*rest, length);
    return true;
  }
  return false;
}

/* Components with dots between them, and space around the dots. */
static bool
skip_path (struct slice *rest)
{
  if (! skip_component (rest, false))
    return false;
  for (;;)
  {
    struct slice after = lex_skip_space (*rest);

    if (! begins (after, '.'))
      return true;
    *rest = behind (after, 1);
    after = lex_skip_space (*rest);
    if (skip_component (&after, true))
      *rest = after;
  }
}

static enum keyword
find_keyword (struct slice word)
{
  static const struct
  {
    struct slice name;
    enum keyword keyword;
  } keywords[] = {
    { SLICE ("AND"), KEYWORD_AND },         { SLICE ("OR"), KEYWORD_OR },       { SLICE ("NOT"), KEYWORD_NOT },
    { SLICE ("LIKE"), KEYWORD_LIKE },       { SLICE ("ILIKE"), KEYWORD_ILIKE }, { SLICE ("RLIKE"), KEYWORD_RLIKE },
    { SLICE ("REGEXP"), KEYWORD_RLIKE },    { SLICE ("IN"), KEYWORD_IN },       { SLICE ("IS"), KEYWORD_IS },
    { SLICE ("BETWEEN"), KEYWORD_BETWEEN }, { SLICE ("NULL"), KEYWORD_NULL },
  };

  for (size_t i = 0; i < sizeof (keywords) / sizeof (keywords[0]); i++)
    if (word.len == keywords[i].name.len && 0 == strncasecmp (word.data, keywords[i].name.data, word.len))
      return keywords[i].keyword;
  return KEYWORD_NONE;
}

/* Whether a word at the front is one that a value follows, and the value begins with a point: "BETWEEN .1 AND .5" has
   no components of an identifier. */
static bool
ends_before_number (struct slice word, struct slice rest)
{
  enum keyword keyword = find_keyword (word);
  struct slice after = lex_skip_space (rest);

  return (KEYWORD_AND == keyword || KEYWORD_BETWEEN == keyword) && after.data != rest.data && begins (after, '.')
         && is_digit_at (after, 1);
}

static size_t
comparison_length (struct slice text)
{
  size_t length = 0;

  while (length < text.len && NULL != memchr ("<>=~!", text.data[length], 5))
    length++;
  if (length > 0 && length < text.len && '*' == text.data[length] && '~' == text.data[length - 1])
    length++;
  return length;
}

/* Bytes of a comment at the front, or 0. One without an end takes all, so that no text is searched twice for it. */
static size_t
comment_length (struct slice text)
{
  const char *end;

  if (text.len >= 2 && 0 == memcmp (text.data, "/*", 2))
  {
    end = memmem (text.data + 2, text.len - 2, "*/", 2);
    return NULL == end ? text.len : (size_t)(end - text.data) + 2;
  }
  if (text.len < 2 || (0 != memcmp (text.data, "--", 2) && 0 != memcmp (text.data, "# ", 2)))
    return 0;
  end = memchr (text.data, '\n', text.len);
  return NULL == end ? text.len : (size_t)(end - text.data);
}

static enum token_kind
find_kind (struct slice *after, struct slice text)
{
  uint32_t point;
  size_t length;

  *after = behind (text, 0);
  if (0 == text.len)
    return TOKEN_END;
  length = comment_length (text);
  if (length > 0)
  {
    *after = behind (text, length);
    return TOKEN_COMMENT;
  }
  length = comparison_length (text);
  if (length > 0)
  {
    *after = behind (text, length);
    return TOKEN_COMPARISON;
  }
  length = number_length (text);
  if (length > 0)
  {
    *after = behind (text, length);
    /* "5a" and "1.5h" are no numbers. */
    if (skip_word (*after).data == after->data)
      return TOKEN_NUMBER;
    *after = text;
    while (begins (*after, '.') || skip_word (*after).data != after->data)
      *after = begins (*after, '.') ? behind (*after, 1) : skip_word (*after);
    return NULL == memchr (text.data, '.', text.len - after->len) ? TOKEN_WORD : TOKEN_PATH;
  }
  if (begins (text, '\''))
  {
    length = quoted_length (text);
    *after = behind (text, 0 == length ? 1 : length);
    return 0 == length ? TOKEN_OTHER : TOKEN_STRING;
  }
  *after = skip_word (text);
  if (ends_before_number ((struct slice){ text.data, text.len - after->len }, *after))
    return TOKEN_WORD;
  *after = text;
  if (skip_path (after))
  {
    length = text.len - after->len;
    if (skip_word (text).data == after->data)
      return TOKEN_WORD;
    return begins (text, '"') && length == quoted_length (text) ? TOKEN_SYMBOL : TOKEN_PATH;
  }
  *after = text;
  (void)utf8_next (after, &point);
  switch (text.data[0])
  {
  case '(':
    return TOKEN_OPEN;
  case ')':
    return TOKEN_CLOSE;
  case ';':
    return TOKEN_SEMICOLON;
  case '+':
  case '-':
  case '*':
  case '/':
  case '%':
    return TOKEN_ARITHMETIC;
  default:
    return TOKEN_OTHER;
  }
}

struct token
lex_next (struct slice *rest)
{
  struct slice text = lex_skip_space (*rest);
  struct token token = { .keyword = KEYWORD_NONE };
  struct slice after;

  token.kind = find_kind (&after, text);
  token.text = (struct slice){ text.data, text.len - after.len };
  if (TOKEN_WORD == token.kind)
    token.keyword = find_keyword (token.text);
  *rest = after;
  return token;
}

struct slice
lex_content (const struct token *token)
{
  return (struct slice){ token->text.data + 1, token->text.len - 2 };
}
