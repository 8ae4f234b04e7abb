/* Values of comparisons: numbers, strings, times, and lists by the rules of Python. */
#include "search/filter_private.h"

#include "base/number.h"
#include "base/utf8.h"
#include "search/time.h"

#include <math.h>
#include <strings.h>

/* The digits in front of the point once the exponent has moved it: "-12.5e1" gives "-125". A value that is not
   integral has at least as many digits as its exponent takes away. */
static bool
read_floor (int64_t *floor, struct slice text, struct arena *arena)
{
  const char *e = memchr (text.data, 'e', text.len);
  char *digits = arena_copy (arena, text.data, text.len);
  bool negative = '-' == text.data[0];
  int64_t exponent = 0;
  size_t count = 0;
  size_t mantissa;
  size_t whole = 0;
  bool point = false;

  if (NULL == digits)
    return false;
  if (NULL == e)
    e = memchr (text.data, 'E', text.len);
  mantissa = NULL == e ? text.len : (size_t)(e - text.data);
  if (NULL != e && ! number_parse_int64 ((struct slice){ e + 1, text.len - mantissa - 1 }, &exponent))
    exponent = '-' == e[1] ? -(int64_t)text.len - 1 : (int64_t)text.len + 1;
  for (size_t i = 0; i < mantissa; i++)
    if ('.' == text.data[i])
      point = true;
    else if ('-' != text.data[i])
    {
      digits[count++] = text.data[i];
      whole += ! point;
    }
  /* Not integral: the point falls in front of the last digit, or in front of all. */
  if (exponent < -(int64_t)whole)
    exponent = -(int64_t)whole;
  if ((int64_t)whole + exponent > (int64_t)count)
    exponent = (int64_t)count - (int64_t)whole;
  whole = (size_t)((int64_t)whole + exponent);
  *floor = 0;
  if (whole > 0 && ! number_parse_int64 ((struct slice){ digits, whole }, floor))
    return false;
  if (negative)
    *floor = -*floor - 1;
  return true;
}

struct filter_number
filter_number_of (int64_t value)
{
  return (struct filter_number){ (double)value, value, true, 0 };
}

bool
filter_number_read (struct filter_number *out, struct slice text, struct arena *arena)
{
  bool negative = text.len > 0 && '-' == text.data[0];
  struct slice rest = { text.data + negative, text.len - negative };

  *out = (struct filter_number){ .exact = false };
  if (TOKEN_NUMBER != lex_next (&rest).kind || rest.len > 0)
  {
    /* NaN and Infinity; in words such as "5a" and "0x10" there is no number. */
    if (! search_number (&out->value, text) || isfinite (out->value))
      return false;
    out->beyond = isnan (out->value) ? 0 : out->value < 0 ? -1 : 1;
    return true;
  }
  if (! number_parse_double (text, &out->value))
    out->value = negative ? -INFINITY : INFINITY;
  if (number_parse_integral (text, &out->floor))
    out->exact = true;
  else if (! (out->value > -9.3e18 && out->value < 9.3e18) || ! read_floor (&out->floor, text, arena))
    out->beyond = negative ? -1 : 1;
  return true;
}

/* "-" and what follows it at once. */
static struct slice
with_sign (struct filter_parser *parser)
{
  struct slice sign = parser->token.text;
  struct slice after = parser->rest;
  struct token next = lex_next (&after);

  if (! slice_is (sign, "-") || sign.data + 1 != next.text.data
      || (TOKEN_NUMBER != next.kind && TOKEN_WORD != next.kind))
    return (struct slice){ NULL, 0 };
  filter_advance (parser);
  return (struct slice){ sign.data, next.text.len + 1 };
}

static bool
is_now (const struct filter_parser *parser)
{
  struct slice rest = parser->rest;

  return TOKEN_WORD == parser->token.kind && 3 == parser->token.text.len
         && 0 == strncasecmp (parser->token.text.data, "now", 3) && TOKEN_OPEN == lex_next (&rest).kind
         && TOKEN_CLOSE == lex_next (&rest).kind;
}

/* "+ 7d - 2h" behind a time. */
static enum err_code
add_durations (int64_t *ms, struct filter_parser *parser)
{
  while (TOKEN_ARITHMETIC == parser->token.kind
         && (slice_is (parser->token.text, "+") || slice_is (parser->token.text, "-")))
  {
    bool minus = '-' == parser->token.text.data[0];
    int64_t duration;

    filter_advance (parser);
    if (TOKEN_WORD != parser->token.kind || ! search_duration_parse (&duration, parser->token.text))
      return filter_syntax (parser, "a duration such as 7d or 1d12h");
    if (__builtin_add_overflow (*ms, minus ? -duration : duration, ms))
      return filter_fail (parser, parser->token.text, NULL, "Invalid time: beyond what a time can be");
    filter_advance (parser);
  }
  return ERR_OK;
}

static enum err_code
take_time (struct filter_value *out, struct filter_parser *parser)
{
  const char *start = parser->token.text.data;
  int64_t ms = parser->now_ms;
  enum err_code code;

  if (TOKEN_WORD == parser->token.kind)
  {
    filter_advance (parser);
    filter_advance (parser);
  }
  else if (! search_time_parse (&ms, lex_content (&parser->token)))
    return ERR_OK;
  out->raw = (struct slice){ start, (size_t)(parser->token.text.data + parser->token.text.len - start) };
  filter_advance (parser);
  code = add_durations (&ms, parser);
  out->is_number = true;
  out->number = filter_number_of (ms);
  return code;
}

enum err_code
filter_take_value (struct filter_value *out, struct filter_parser *parser, bool is_time)
{
  struct slice text = parser->token.text;
  bool quoted = TOKEN_STRING == parser->token.kind || TOKEN_SYMBOL == parser->token.kind;
  enum err_code code;

  *out = (struct filter_value){ .raw = text };
  if (is_time && (quoted || is_now (parser)))
  {
    code = take_time (out, parser);
    if (ERR_OK != code || out->is_number)
      return code;
  }
  switch (parser->token.kind)
  {
  case TOKEN_STRING:
  case TOKEN_SYMBOL:
    out->text = lex_content (&parser->token);
    break;
  case TOKEN_ARITHMETIC:
    text = with_sign (parser);
    if (NULL == text.data || ! filter_number_read (&out->number, text, parser->arena))
      return filter_syntax (parser, "a value");
    out->raw = text;
    out->is_number = true;
    break;
  case TOKEN_NUMBER:
  case TOKEN_WORD:
    if (KEYWORD_NONE != parser->token.keyword && KEYWORD_NULL != parser->token.keyword)
      return filter_syntax (parser, "a value");
    out->is_number = filter_number_read (&out->number, text, parser->arena);
    out->symbol = ! out->is_number && KEYWORD_NULL != parser->token.keyword;
    break;
  case TOKEN_PATH:
    out->symbol = true;
    break;
  case TOKEN_OPEN:
    /* No value, but MLflow names it as one. */
    if (! filter_take_parenthesis (&out->raw, &parser->rest, text))
      return filter_syntax (parser, "a value");
    break;
  default:
    return filter_syntax (parser, "a value");
  }
  filter_advance (parser);
  return ERR_OK;
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

static enum err_code
ill_formed (struct filter_parser *parser, struct slice at, const char *expected)
{
  return filter_fail (parser, (struct slice){ at.data, at.len > 0 ? utf8_sequence (at) : 0 }, expected,
                      "While parsing a list in the query, expected a non-empty list of string values, but got "
                      "ill-formed list.");
}

static int
hex_value (char byte)
{
  if (byte >= '0' && byte <= '9')
    return byte - '0';
  if (byte >= 'a' && byte <= 'f')
    return byte - 'a' + 10;
  return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* `most` digits of a base at the front, at least `least`. */
static bool
take_digits (uint32_t *point, struct slice *rest, size_t least, size_t most, int base)
{
  size_t count = 0;

  *point = 0;
  while (count < most && count < rest->len && hex_value (rest->data[count]) >= 0
         && hex_value (rest->data[count]) < base)
    *point = *point * (uint32_t)base + (uint32_t)hex_value (rest->data[count++]);
  *rest = (struct slice){ rest->data + count, rest->len - count };
  return count >= least;
}

/* What follows a backslash in a string of Python; writes its bytes. */
static bool
take_escape (char **out, struct slice *rest)
{
  static const char names[] = "\\'\"abfnrtv\n";
  static const char bytes[] = "\\'\"\a\b\f\n\r\t\v";
  char byte = rest->data[0];
  const char *name = '\0' == byte ? NULL : strchr (names, byte);
  uint32_t point;
  bool valid;

  if (byte >= '0' && byte <= '7')
    valid = take_digits (&point, rest, 1, 3, 8);
  else
  {
    *rest = (struct slice){ rest->data + 1, rest->len - 1 };
    if ('\n' == byte)
      return true;
    if (NULL != name)
    {
      *(*out)++ = bytes[name - names];
      return true;
    }
    if ('x' == byte)
      valid = take_digits (&point, rest, 2, 2, 16);
    else if ('u' == byte)
      valid = take_digits (&point, rest, 4, 4, 16);
    else if ('U' == byte)
      valid = take_digits (&point, rest, 8, 8, 16);
    else
    {
      /* Python keeps the backslash of what it does not know; \N{...} would need the names of all characters. */
      *(*out)++ = '\\';
      *(*out)++ = byte;
      return 'N' != byte;
    }
  }
  if (! valid || 0 == point || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
    return false;
  *out += utf8_encode (*out, point);
  return true;
}

/* One string at the front, appended to `out`. The written form is never shorter than its bytes. */
static bool
take_string (char **out, struct slice *rest)
{
  char quote = rest->data[0];

  *rest = (struct slice){ rest->data + 1, rest->len - 1 };
  while (rest->len > 0 && quote != rest->data[0])
  {
    char byte = rest->data[0];

    if ('\n' == byte)
      return false;
    if ('\\' != byte)
      *(*out)++ = byte;
    *rest = (struct slice){ rest->data + 1, rest->len - 1 };
    if ('\\' == byte && (0 == rest->len || ! take_escape (out, rest)))
      return false;
  }
  if (0 == rest->len)
    return false;
  *rest = (struct slice){ rest->data + 1, rest->len - 1 };
  return true;
}

/* Bytes of the strings beside each other at the front, at least those that are between their quotes. */
static size_t
strings_length (struct slice rest)
{
  size_t at = 0;

  while (at < rest.len && ('\'' == rest.data[at] || '"' == rest.data[at]))
  {
    char quote = rest.data[at++];

    while (at < rest.len && quote != rest.data[at])
      at += '\\' == rest.data[at] ? 2 : 1;
    at++;
    if (at >= rest.len)
      return rest.len;
    at = (size_t)(lex_skip_space ((struct slice){ rest.data + at, rest.len - at }).data - rest.data);
  }
  return at;
}

/* Strings beside each other are one. */
static bool
take_strings (struct slice *text, struct slice *rest, struct arena *arena)
{
  char *start = arena_alloc (arena, strings_length (*rest));
  char *out = start;

  if (NULL == start)
    return false;
  while (rest->len > 0 && ('\'' == rest->data[0] || '"' == rest->data[0]))
  {
    if (! take_string (&out, rest))
      return false;
    *rest = lex_skip_space (*rest);
  }
  *text = (struct slice){ start, (size_t)(out - start) };
  return true;
}

/* A string, a number or the name of one. */
static bool
take_item (struct filter_value *item, struct slice *rest, struct arena *arena)
{
  struct slice start = *rest;
  struct token token;
  bool negative;

  *item = (struct filter_value){ .is_number = false };
  if ('\'' == start.data[0] || '"' == start.data[0])
  {
    if (! take_strings (&item->text, rest, arena))
      return false;
    item->raw = (struct slice){ start.data, (size_t)(rest->data - start.data) };
    return true;
  }
  negative = '-' == start.data[0];
  if (negative)
    *rest = (struct slice){ start.data + 1, start.len - 1 };
  token = lex_next (rest);
  item->raw = (struct slice){ start.data, token.text.len + negative };
  item->is_number = true;
  return (TOKEN_NUMBER == token.kind || TOKEN_WORD == token.kind) && token.text.data == start.data + negative
         && filter_number_read (&item->number, item->raw, arena);
}

static enum err_code
add_item (struct filter_value **items, size_t *count, size_t *capacity, const struct filter_value *item,
          struct filter_parser *parser)
{
  if (parser->items++ == FILTER_MAX_ITEMS)
    return filter_fail (parser, item->raw, NULL,
                        "The lists of the filter have more than %d items; at most %d are allowed", FILTER_MAX_ITEMS,
                        FILTER_MAX_ITEMS);
  if (*count == *capacity)
  {
    size_t larger = 0 == *capacity ? 8 : *capacity * 2;
    struct filter_value *grown = arena_array (parser->arena, larger, sizeof (*grown));

    if (NULL == grown)
      return filter_no_memory (parser);
    if (*count > 0)
      memcpy (grown, *items, *count * sizeof (*grown));
    *items = grown;
    *capacity = larger;
  }
  (*items)[(*count)++] = *item;
  return ERR_OK;
}

enum err_code
filter_take_list (struct filter_value **out, size_t *count, struct slice *raw, struct filter_parser *parser)
{
  struct slice start = parser->token.text;
  struct slice rest = lex_skip_space (parser->rest);
  size_t capacity = 0;
  enum err_code code = ERR_OK;

  *out = NULL;
  *count = 0;
  while (rest.len > 0 && ')' != rest.data[0])
  {
    struct slice before = rest;
    struct filter_value item;

    if (! take_item (&item, &rest, parser->arena))
      return arena_overflowed (parser->arena) ? filter_no_memory (parser)
                                              : ill_formed (parser, before, "a quoted string or a number");
    code = add_item (out, count, &capacity, &item, parser);
    if (ERR_OK != code)
      return code;
    rest = lex_skip_space (rest);
    if (rest.len > 0 && ',' == rest.data[0])
      rest = lex_skip_space ((struct slice){ rest.data + 1, rest.len - 1 });
    else if (rest.len > 0 && ')' != rest.data[0])
      return ill_formed (parser, rest, "',' or ')'");
  }
  if (0 == rest.len)
    return filter_syntax (parser, "a list that ends with ')'");
  if (0 == *count)
    return filter_fail (parser, (struct slice){ rest.data, 1 }, "a quoted string or a number",
                        "While parsing a list in the query, expected a non-empty list of string values, but got empty "
                        "list");
  *raw = (struct slice){ start.data, (size_t)(rest.data + 1 - start.data) };
  parser->rest = (struct slice){ rest.data + 1, rest.len - 1 };
  filter_advance (parser);
  return ERR_OK;
}
