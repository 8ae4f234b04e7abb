/* What is wrong with a filter: MLflow's text first, then the place and what was expected there.

   DESIGN
   MLflow groups a filter into comparisons and lists everything else in its message. The same is done here once a
   filter has failed: a walk over its tokens that skips what MLflow takes for comparisons. */
#include "search/filter_private.h"

#include "base/buffer.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* Bytes of a filter that a message quotes: half of a message, so that the place still fits. */
#define QUOTED_MAX_BYTES (ERR_MESSAGE_BYTES / 2)
/* Tokens of a filter that are looked at for the message. */
#define TOKENS_MAX 200
/* Parentheses without an end that are looked for: each costs a walk through the whole filter. */
#define UNCLOSED_MAX 2

static struct slice
shorten (struct slice text, size_t max)
{
  if (text.len <= max)
    return text;
  text.len = max;
  while (text.len > 0 && ! utf8_valid (text))
    text.len--;
  return text;
}

static enum err_code
fail_at (struct filter_parser *parser, struct slice at, const char *expected, const char *text)
{
  size_t offset = (size_t)(at.data - parser->whole.data);
  size_t character = utf8_length ((struct slice){ parser->whole.data, offset }) + 1;
  struct slice found = shorten (at, 40);
  struct slice cut = shorten (slice_of (text), QUOTED_MAX_BYTES);
  size_t end = cut.len;

  /* The place begins a sentence of its own. */
  while (end > 0 && '.' == cut.data[end - 1])
    end--;
  if (NULL == expected)
    return err_set (parser->err, ERR_INVALID_PARAMETER_VALUE, "%.*s. At character %zu.", (int)end, cut.data, character);
  if (0 == found.len)
    return err_set (parser->err, ERR_INVALID_PARAMETER_VALUE, "%.*s. At character %zu: expected %s, found the end.",
                    (int)end, cut.data, character, expected);
  return err_set (parser->err, ERR_INVALID_PARAMETER_VALUE, "%.*s. At character %zu: expected %s, found %.*s.",
                  (int)end, cut.data, character, expected, SLICE_ARG (found));
}

enum err_code
filter_fail (struct filter_parser *parser, struct slice at, const char *expected, const char *format, ...)
{
  char text[ERR_MESSAGE_BYTES];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (text, sizeof (text), format, arguments);
  va_end (arguments);
  return fail_at (parser, at, expected, text);
}

enum err_code
filter_no_memory (struct filter_parser *parser)
{
  if (arena_out_of_memory (parser->arena))
    return err_set (parser->err, ERR_INTERNAL_ERROR, "out of memory");
  return err_set (parser->err, ERR_INVALID_PARAMETER_VALUE, "The filter is too large; ask for less at a time.");
}

const char *
filter_repr (struct slice text, struct arena *arena)
{
  struct slice rest = shorten (text, QUOTED_MAX_BYTES);
  char quote = NULL != memchr (rest.data, '\'', rest.len) && NULL == memchr (rest.data, '"', rest.len) ? '"' : '\'';
  struct buffer out;
  char *copy;

  buffer_init (&out, (size_t)8 * ERR_MESSAGE_BYTES);
  buffer_byte (&out, quote);
  for (size_t i = 0; i < rest.len; i++)
  {
    char byte = rest.data[i];

    if ('\n' == byte || '\r' == byte || '\t' == byte)
      buffer_printf (&out, "\\%c", '\n' == byte ? 'n' : '\r' == byte ? 'r' : 't');
    else if ((unsigned char)byte < 0x20 || 0x7F == byte)
      buffer_printf (&out, "\\x%02x", (unsigned)byte);
    else if ('\\' == byte || quote == byte)
      buffer_printf (&out, "\\%c", byte);
    else
      buffer_byte (&out, byte);
  }
  buffer_byte (&out, quote);
  copy = out.failed ? NULL : arena_copy (arena, out.data, out.len);
  buffer_free (&out);
  return NULL == copy ? "" : copy;
}

/* --- what MLflow sees -------------------------------------------------------------------------------------------- */

/* A token or a group of them. */
struct piece
{
  struct slice text;
  enum piece_kind
  {
    PIECE_IDENTIFIER,
    PIECE_VALUE, /* what may stand in a comparison but is no identifier */
    PIECE_PARENTHESIS,
    PIECE_COMPARISON,
    PIECE_AND,
    PIECE_NOT,
    PIECE_IN,
    PIECE_IS,
    PIECE_NULL,
    PIECE_ARITHMETIC,
    PIECE_OTHER
  } kind;
};

static struct slice
join (struct slice first, struct slice last)
{
  return (struct slice){ first.data, (size_t)(last.data + last.len - first.data) };
}

static enum piece_kind
kind_of_word (enum keyword keyword)
{
  switch (keyword)
  {
  case KEYWORD_NONE:
    return PIECE_IDENTIFIER;
  case KEYWORD_AND:
    return PIECE_AND;
  case KEYWORD_NOT:
    return PIECE_NOT;
  case KEYWORD_IN:
    return PIECE_IN;
  case KEYWORD_IS:
    return PIECE_IS;
  case KEYWORD_NULL:
    return PIECE_NULL;
  case KEYWORD_LIKE:
  case KEYWORD_ILIKE:
  case KEYWORD_RLIKE:
    return PIECE_COMPARISON;
  default:
    return PIECE_OTHER;
  }
}

static enum piece_kind
kind_of (const struct token *token)
{
  switch (token->kind)
  {
  case TOKEN_WORD:
    return kind_of_word (token->keyword);
  case TOKEN_PATH:
  case TOKEN_SYMBOL:
    return PIECE_IDENTIFIER;
  case TOKEN_STRING:
  case TOKEN_NUMBER:
    return PIECE_VALUE;
  case TOKEN_COMPARISON:
    return PIECE_COMPARISON;
  case TOKEN_ARITHMETIC:
    return PIECE_ARITHMETIC;
  default:
    return PIECE_OTHER;
  }
}

bool
filter_take_parenthesis (struct slice *text, struct slice *rest, struct slice open)
{
  struct slice after = *rest;
  struct token token = { .text = open };
  size_t depth = 1;

  while (depth > 0)
  {
    token = lex_next (&after);
    if (TOKEN_END == token.kind)
      return false;
    depth += TOKEN_OPEN == token.kind;
    depth -= TOKEN_CLOSE == token.kind;
  }
  *text = join (open, token.text);
  *rest = after;
  return true;
}

/* Split into pieces; minus signs that belong to numbers, parentheses and NOT LIKE are put together. */
static size_t
take_pieces (struct piece *pieces, struct slice rest)
{
  size_t unclosed = 0;
  size_t count = 0;

  while (count < TOKENS_MAX)
  {
    struct token token = lex_next (&rest);
    struct piece *before = 0 == count ? NULL : &pieces[count - 1];
    struct piece piece = { token.text, kind_of (&token) };

    if (TOKEN_END == token.kind)
      break;
    if (TOKEN_OPEN == token.kind && unclosed < UNCLOSED_MAX)
    {
      if (filter_take_parenthesis (&piece.text, &rest, token.text))
        piece.kind = PIECE_PARENTHESIS;
      else
        unclosed++;
    }
    if (TOKEN_NUMBER == token.kind && NULL != before && slice_is (before->text, "-")
        && before->text.data + 1 == token.text.data)
    {
      piece.text = join (before->text, token.text);
      count--;
    }
    else if (PIECE_COMPARISON == piece.kind && TOKEN_WORD == token.kind && NULL != before && PIECE_NOT == before->kind)
    {
      piece.text = join (before->text, token.text);
      count--;
    }
    else if (PIECE_NULL == piece.kind && NULL != before && PIECE_NOT == before->kind)
    {
      piece.text = join (before->text, token.text);
      count--;
    }
    pieces[count++] = piece;
  }
  return count;
}

static bool
is_operand (const struct piece *piece)
{
  return piece->kind <= PIECE_PARENTHESIS;
}

/* "a - b" counts as one operand that is no identifier. */
static size_t
take_operand (struct piece *out, const struct piece *pieces, size_t count)
{
  size_t used = 1;

  *out = pieces[0];
  while (used + 1 < count && PIECE_ARITHMETIC == pieces[used].kind && is_operand (&pieces[used + 1]))
  {
    out->text = join (out->text, pieces[used + 1].text);
    out->kind = PIECE_VALUE;
    used += 2;
  }
  return used;
}

/* Pieces that MLflow takes for one comparison behind the operand, or 0. */
static size_t
comparison_behind (const struct piece *operand, const struct piece *pieces, size_t count)
{
  struct piece right;
  bool identifier = PIECE_IDENTIFIER == operand->kind;

  if (count >= 2 && PIECE_COMPARISON == pieces[0].kind && (is_operand (&pieces[1]) || PIECE_NULL == pieces[1].kind))
    return 1 + take_operand (&right, pieces + 1, count - 1);
  if (identifier && count >= 2 && PIECE_IN == pieces[0].kind && PIECE_PARENTHESIS == pieces[1].kind)
    return 2;
  if (identifier && count >= 3 && PIECE_NOT == pieces[0].kind && PIECE_IN == pieces[1].kind
      && PIECE_PARENTHESIS == pieces[2].kind)
    return 3;
  if (identifier && count >= 2 && PIECE_IS == pieces[0].kind && PIECE_NULL == pieces[1].kind)
    return 2;
  return 0;
}

static void
put_clause (struct buffer *list, struct slice text, bool quoted)
{
  const char *quote = quoted ? "'" : "";

  if (list->len < QUOTED_MAX_BYTES)
    buffer_printf (list, "%s%s%.*s%s", 0 == list->len ? "" : ", ", quote, SLICE_ARG (shorten (text, QUOTED_MAX_BYTES)),
                   quote);
}

/* List what is no comparison; `not_identifier` is the first left side that is none. */
static void
list_clauses (struct buffer *list, struct slice *not_identifier, struct filter_parser *parser)
{
  struct piece *pieces = arena_array (parser->arena, TOKENS_MAX, sizeof (struct piece));
  size_t count = NULL == pieces ? 0 : take_pieces (pieces, parser->whole);
  bool quoted = &search_runs == parser->resource;

  for (size_t i = 0; i < count;)
  {
    struct piece operand = pieces[i];
    size_t used = is_operand (&pieces[i]) ? take_operand (&operand, pieces + i, count - i) : 1;
    size_t behind = is_operand (&operand) ? comparison_behind (&operand, pieces + i + used, count - i - used) : 0;
    size_t next = i + used + behind;

    if (0 == behind && PIECE_AND != operand.kind)
      put_clause (list, operand.text, quoted);
    /* A word behind a comparison is the comparison's alias in SQL. */
    else if (behind > 0 && next < count && PIECE_IDENTIFIER == pieces[next].kind
             && 0 == comparison_behind (&pieces[next], pieces + next + 1, count - next - 1))
    {
      put_clause (list, join (operand.text, pieces[next].text), quoted);
      next++;
    }
    else if (behind > 0 && PIECE_IDENTIFIER != operand.kind && NULL == not_identifier->data)
      *not_identifier = operand.text;
    i = next;
  }
}

/* Whether a semicolon ends a statement and another one follows. */
static bool
has_two_statements (const struct filter_parser *parser)
{
  struct slice rest = parser->whole;
  struct token token;

  do
    token = lex_next (&rest);
  while (TOKEN_END != token.kind && TOKEN_SEMICOLON != token.kind);
  return TOKEN_SEMICOLON == token.kind && lex_skip_space (rest).len > 0;
}

static enum err_code
syntax_of_logged_models (struct filter_parser *parser, const char *expected)
{
  return filter_fail (
      parser, parser->token.text, expected, "Invalid filter string: %s. %s", filter_repr (parser->whole, parser->arena),
      has_two_statements (parser) ? "Expected a single SQL expression."
                                  : "Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND "
                                    "params.lr = 0.01').");
}

enum err_code
filter_syntax (struct filter_parser *parser, const char *expected)
{
  struct slice not_identifier = { NULL, 0 };
  struct buffer list;
  enum err_code code;

  if (&search_logged_models == parser->resource)
    return syntax_of_logged_models (parser, expected);
  if (has_two_statements (parser))
    return filter_fail (parser, parser->token.text, expected,
                        "Search filter contained multiple expression %s. Provide AND-ed expression list.",
                        filter_repr (parser->whole, parser->arena));
  buffer_init (&list, (size_t)4 * ERR_MESSAGE_BYTES);
  list_clauses (&list, &not_identifier, parser);
  if (0 == list.len && NULL != not_identifier.data)
    code = filter_fail (parser, parser->token.text, expected,
                        "Invalid comparison clause. Expected 'Identifier' found '%.*s'", SLICE_ARG (not_identifier));
  else
  {
    /* What only this grammar refuses. */
    if (0 == list.len)
      put_clause (&list, parser->token.text, &search_runs == parser->resource);
    code = filter_fail (parser, parser->token.text, expected, "Invalid clause(s) in filter string: %s",
                        NULL == list.data ? "" : list.data);
  }
  buffer_free (&list);
  return code;
}
