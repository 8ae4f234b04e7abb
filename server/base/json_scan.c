/* A strict pull scanner for JSON: one pass over the bytes, with a bit a level to remember where it is. */
#include "base/json_scan.h"

#include "base/hex.h"
#include "base/json_plain.h"
#include "base/number.h"
#include "base/utf8.h"

#include <math.h>

/* Bits in one word of `objects`. */
#define WORD_BITS 64

/* Every integer of up to 18 digits fits int64. */
#define SAFE_INTEGER_BYTES 18

/* No real of up to 300 bytes without an exponent reaches 1e308. */
#define SAFE_REAL_BYTES 300

static bool
fail (struct json_scan *scan, const char *error)
{
  if (NULL == scan->error)
    scan->error = error;
  return false;
}

static bool
fail_at (struct json_scan *scan, const char *place, const char *error)
{
  if (NULL == scan->error)
    scan->next = place;
  return fail (scan, error);
}

void
json_scan_init (struct json_scan *scan, struct slice text, struct arena *arena, unsigned max_depth)
{
  scan->start = NULL == text.data ? "" : text.data;
  scan->next = scan->start;
  scan->end = scan->start + text.len;
  scan->arena = arena;
  scan->error = NULL;
  scan->depth = 0;
  scan->max_depth = max_depth < JSON_SCAN_MAX_DEPTH ? max_depth : JSON_SCAN_MAX_DEPTH;
  scan->due = true;
  scan->fresh = false;
  scan->in_object = false;
}

static void
skip_space (struct json_scan *scan)
{
  const char *next = scan->next;

  while (next < scan->end && *next <= ' ' && (' ' == *next || '\n' == *next || '\r' == *next || '\t' == *next))
    next++;
  scan->next = next;
}

/* Pass `byte` over if it is next. */
static bool
take (struct json_scan *scan, char byte)
{
  if (scan->next == scan->end || byte != *scan->next)
    return false;
  scan->next++;
  return true;
}

static void
push (struct json_scan *scan, bool object)
{
  uint64_t *word = &scan->objects[scan->depth / WORD_BITS];
  unsigned bit = scan->depth % WORD_BITS;

  /* Bits above belong to levels that are not open: whatever they are, they are written before they are read. */
  *word = 0 == bit ? object : (*word & ~(UINT64_C (1) << bit)) | (uint64_t)object << bit;
  scan->depth++;
  scan->in_object = object;
  scan->fresh = true;
}

static void
pop (struct json_scan *scan)
{
  unsigned level;

  scan->depth--;
  scan->fresh = false;
  if (0 == scan->depth)
    return;
  level = scan->depth - 1;
  scan->in_object = 0 != (scan->objects[level / WORD_BITS] >> (level % WORD_BITS) & 1);
}

/* ---- strings ---- */

/* The value of the escape "\uXXXX" that begins at `next`, or -1 when none does. */
static int
unicode_escape (const char *next, const char *end)
{
  int value = 0;

  if (end - next < 6 || '\\' != next[0] || 'u' != next[1])
    return -1;
  for (int i = 2; i < 6; i++)
  {
    int digit = hex_value (next[i]);

    if (digit < 0)
      return -1;
    value = value << 4 | digit;
  }
  return value;
}

/* The code point of the escape or the pair of surrogate escapes at `*next`, which moves behind it; -1 when malformed.
 */
static int32_t
escaped_code_point (const char **next, const char *end)
{
  int first = unicode_escape (*next, end);
  int second;

  if (first < 0 || (first >= 0xDC00 && first <= 0xDFFF))
    return -1;
  *next += 6;
  if (first < 0xD800 || first > 0xDBFF)
    return first;
  second = unicode_escape (*next, end);
  if (second < 0xDC00 || second > 0xDFFF)
    return -1;
  *next += 6;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

/* What a one-letter escape stands for, or '\0' when there is no such escape. */
static char
short_escape (char letter)
{
  switch (letter)
  {
  case '"':
  case '\\':
  case '/':
    return letter;
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  default:
    return '\0';
  }
}

/* What check_string found besides its end. */
struct string_marks
{
  bool escapes;
  bool nul;
};

/* Check the string whose first byte behind the quote is next, and step behind its closing quote. */
static bool
check_string (struct json_scan *scan, struct string_marks *marks)
{
  const char *next = scan->next;
  const char *end = scan->end;

  for (;;)
  {
    next = json_plain_end (next, end);
    if (next == end)
      return fail_at (scan, next, "string without an end");
    if ('"' == *next)
    {
      scan->next = next + 1;
      return true;
    }
    if ('\\' == *next)
    {
      const char *escape = next;

      marks->escapes = true;
      if (end - next >= 2 && '\0' != short_escape (next[1]))
        next += 2;
      else
      {
        int32_t code_point = escaped_code_point (&next, end);

        if (code_point < 0)
          return fail_at (scan, escape, "invalid escape in string");
        marks->nul |= 0 == code_point;
      }
    }
    else if ((unsigned char)*next < 0x20)
      return fail_at (scan, next, "control character in string");
    else
    {
      size_t len = utf8_sequence ((struct slice){ next, (size_t)(end - next) });

      if (0 == len)
        return fail_at (scan, next, "invalid UTF-8");
      next += len;
    }
  }
}

/* Copy a checked string without its escapes; the copy is never longer. False when the arena refuses. */
static bool
unescape (struct json_scan *scan, struct slice raw, struct slice *text)
{
  const char *next = raw.data;
  const char *end = raw.data + raw.len;
  char *copy = arena_alloc (scan->arena, raw.len);
  char *to = copy;

  if (NULL == copy)
    return fail_at (scan, raw.data, "out of memory for a string");
  while (next < end)
  {
    const char *escape = memchr (next, '\\', (size_t)(end - next));
    size_t plain = (size_t)((NULL == escape ? end : escape) - next);

    memcpy (to, next, plain);
    to += plain;
    next += plain;
    if (NULL == escape)
      break;
    if ('u' == next[1])
      to += utf8_encode (to, (uint32_t)escaped_code_point (&next, end));
    else
    {
      *to++ = short_escape (next[1]);
      next += 2;
    }
  }
  *text = (struct slice){ copy, (size_t)(to - copy) };
  return true;
}

/* Read the string whose first byte behind the quote is next; only check it when `text` is NULL. */
static bool
read_string (struct json_scan *scan, struct slice *text, bool is_name)
{
  const char *begin = scan->next;
  struct string_marks marks = { false, false };
  struct slice raw;

  if (! check_string (scan, &marks))
    return false;
  if (is_name && marks.nul)
    return fail_at (scan, begin, "NUL in a member name");
  if (NULL == text)
    return true;
  raw = (struct slice){ begin, (size_t)(scan->next - 1 - begin) };
  if (marks.escapes)
    return unescape (scan, raw, text);
  *text = raw;
  return true;
}

/* ---- numbers and literals ---- */

static const char *
digits_end (const char *next, const char *end)
{
  while (next < end && *next >= '0' && *next <= '9')
    next++;
  return next;
}

static bool
read_number (struct json_scan *scan, struct json_scan_value *value)
{
  const char *begin = scan->next;
  const char *end = scan->end;
  const char *next = begin;
  const char *digits;
  bool exponent = false;

  value->kind = JSON_SCAN_INTEGER;
  if ('-' == *next)
    next++;
  digits = next;
  next = digits_end (next, end);
  if (next == digits)
    return fail_at (scan, next, next == begin ? "expected a value" : "malformed number");
  if ('0' == *digits && next - digits > 1)
    return fail_at (scan, digits, "malformed number");
  if (next < end && '.' == *next)
  {
    value->kind = JSON_SCAN_REAL;
    digits = next + 1;
    next = digits_end (digits, end);
    if (next == digits)
      return fail_at (scan, next, "malformed number");
  }
  if (next < end && ('e' == *next || 'E' == *next))
  {
    value->kind = JSON_SCAN_REAL;
    exponent = true;
    next++;
    if (next < end && ('-' == *next || '+' == *next))
      next++;
    digits = next;
    next = digits_end (digits, end);
    if (next == digits)
      return fail_at (scan, next, "malformed number");
  }
  value->text = (struct slice){ begin, (size_t)(next - begin) };
  if (JSON_SCAN_INTEGER == value->kind)
  {
    int64_t integer;

    if (value->text.len > SAFE_INTEGER_BYTES && ! number_parse_int64 (value->text, &integer))
      return fail (scan, "integer outside int64");
  }
  else if (exponent || value->text.len > SAFE_REAL_BYTES)
  {
    double real;

    if (! number_parse_double (value->text, &real))
      return fail (scan, "number outside double");
  }
  scan->next = next;
  return true;
}

static bool
read_literal (struct json_scan *scan, struct json_scan_value *value, struct slice literal, enum json_scan_kind kind)
{
  if ((size_t)(scan->end - scan->next) < literal.len || 0 != memcmp (scan->next, literal.data, literal.len))
    return fail (scan, "expected a value");
  value->kind = kind;
  value->text = (struct slice){ scan->next, literal.len };
  scan->next += literal.len;
  return true;
}

/* ---- values ---- */

/* Read a scalar or an opening bracket; strings are only checked when `keep` is false. */
static bool
read_value (struct json_scan *scan, struct json_scan_value *value, bool keep)
{
  bool done;

  if (NULL != scan->error)
    return false;
  if (! scan->due)
    return fail (scan, "scanner used out of order");
  skip_space (scan);
  if (scan->depth >= scan->max_depth)
    return fail (scan, "nesting deeper than the limit");
  if (scan->next == scan->end)
    return fail (scan, "expected a value");
  switch (*scan->next)
  {
  case '"':
    scan->next++;
    value->kind = JSON_SCAN_STRING;
    done = read_string (scan, keep ? &value->text : NULL, false);
    break;
  case '{':
  case '[':
    value->kind = '{' == *scan->next ? JSON_SCAN_OBJECT : JSON_SCAN_ARRAY;
    value->text = (struct slice){ scan->next, 1 };
    scan->next++;
    scan->due = false;
    push (scan, JSON_SCAN_OBJECT == value->kind);
    return true;
  case 't':
    done = read_literal (scan, value, SLICE ("true"), JSON_SCAN_TRUE);
    break;
  case 'f':
    done = read_literal (scan, value, SLICE ("false"), JSON_SCAN_FALSE);
    break;
  case 'n':
    done = read_literal (scan, value, SLICE ("null"), JSON_SCAN_NULL);
    break;
  default:
    done = read_number (scan, value);
    break;
  }
  scan->due = false;
  return done;
}

bool
json_scan_value (struct json_scan *scan, struct json_scan_value *value)
{
  return read_value (scan, value, true);
}

/* The next member; its name is only checked when `name` is NULL. */
static bool
read_member (struct json_scan *scan, struct slice *name)
{
  if (NULL != scan->error)
    return false;
  if (scan->due || 0 == scan->depth || ! scan->in_object)
    return fail (scan, "scanner used out of order");
  skip_space (scan);
  if (take (scan, '}'))
  {
    pop (scan);
    return false;
  }
  if (! scan->fresh)
  {
    if (! take (scan, ','))
      return fail (scan, "expected ',' or '}'");
    skip_space (scan);
  }
  if (! take (scan, '"'))
    return fail (scan, scan->fresh ? "expected a member name or '}'" : "expected a member name");
  if (! read_string (scan, name, true))
    return false;
  skip_space (scan);
  if (! take (scan, ':'))
    return fail (scan, "expected ':'");
  scan->fresh = false;
  scan->due = true;
  return true;
}

bool
json_scan_member (struct json_scan *scan, struct slice *name)
{
  return read_member (scan, name);
}

bool
json_scan_element (struct json_scan *scan)
{
  if (NULL != scan->error)
    return false;
  if (scan->due || 0 == scan->depth || scan->in_object)
    return fail (scan, "scanner used out of order");
  skip_space (scan);
  if (take (scan, ']'))
  {
    pop (scan);
    return false;
  }
  if (! scan->fresh && ! take (scan, ','))
    return fail (scan, "expected ',' or ']'");
  scan->fresh = false;
  scan->due = true;
  return true;
}

bool
json_scan_skip (struct json_scan *scan)
{
  unsigned base = scan->depth;
  struct json_scan_value value;

  do
  {
    if (! read_value (scan, &value, false))
      return false;
    /* False means closed, so go on one level up, or failed. */
    while (NULL == scan->error && scan->depth > base
           && ! (scan->in_object ? read_member (scan, NULL) : json_scan_element (scan)))
      continue;
  } while (NULL == scan->error && scan->depth > base);
  return NULL == scan->error;
}

bool
json_scan_raw (struct json_scan *scan, struct slice *raw)
{
  const char *begin;

  if (NULL == scan->error)
    skip_space (scan);
  begin = scan->next;
  if (! json_scan_skip (scan))
    return false;
  *raw = (struct slice){ begin, (size_t)(scan->next - begin) };
  return true;
}

bool
json_scan_end (struct json_scan *scan)
{
  if (NULL != scan->error)
    return false;
  if (scan->due || 0 != scan->depth)
    return fail (scan, "scanner used out of order");
  skip_space (scan);
  if (scan->next != scan->end)
    return fail (scan, "text behind the value");
  return true;
}

bool
json_scan_failed (const struct json_scan *scan)
{
  return NULL != scan->error;
}

const char *
json_scan_error (const struct json_scan *scan, size_t *offset)
{
  if (NULL != scan->error && NULL != offset)
    *offset = (size_t)(scan->next - scan->start);
  return scan->error;
}

/* ---- what values mean ---- */

bool
json_scan_int64 (const struct json_scan_value *value, int64_t *out)
{
  switch (value->kind)
  {
  case JSON_SCAN_INTEGER:
    return number_parse_int64 (value->text, out);
  case JSON_SCAN_REAL:
  case JSON_SCAN_STRING:
    return number_parse_integral (value->text, out);
  default:
    return false;
  }
}

/* True when `text` is `name`, which is in lower case, in any case. */
static bool
is_name (struct slice text, struct slice name)
{
  if (text.len != name.len)
    return false;
  for (size_t i = 0; i < name.len; i++)
    if ((text.data[i] | 0x20) != name.data[i])
      return false;
  return true;
}

/* NaN and the infinities by name. */
static bool
named_double (struct slice text, double *out)
{
  bool negative = text.len > 0 && '-' == text.data[0];

  if (negative || (text.len > 0 && '+' == text.data[0]))
  {
    text.data++;
    text.len--;
  }
  if (is_name (text, SLICE ("nan")))
    *out = (double)NAN;
  else if (is_name (text, SLICE ("inf")) || is_name (text, SLICE ("infinity")))
    *out = negative ? -(double)INFINITY : (double)INFINITY;
  else
    return false;
  return true;
}

bool
json_scan_double (const struct json_scan_value *value, double *out)
{
  switch (value->kind)
  {
  case JSON_SCAN_INTEGER:
  case JSON_SCAN_REAL:
    return number_parse_double (value->text, out);
  case JSON_SCAN_STRING:
    return number_parse_double (value->text, out) || named_double (value->text, out);
  default:
    return false;
  }
}
