/* Filters to trees: AND, OR, NOT and parentheses; comparisons are in filter_test.c.

   DESIGN
   Recursive descent over tokens, one level of recursion for each parenthesis or NOT, which are counted. NOT never
   becomes a node: each level is parsed with the sign it stands under, AND and OR trade places under a negative one (De
   Morgan), and the tests carry the sign. In three-valued logic that is exact.
   MLflow ignores every AND: two comparisons without one, and an AND without a comparison, mean the same to it. Such
   filters are accepted as long as they use nothing that MLflow does not know. */
#include "search/filter_private.h"

#include "base/utf8.h"

static enum err_code parse_or (struct filter_node **out, struct filter_parser *parser, bool negated);

void
filter_advance (struct filter_parser *parser)
{
  parser->token = lex_next (&parser->rest);
}

void
filter_append (struct filter_list *list, struct filter_node *node)
{
  if (NULL == list->first)
    list->first = node;
  else
    list->last->next = node;
  list->last = node;
}

enum err_code
filter_join (struct filter_node **out, struct filter_parser *parser, enum filter_kind kind,
             const struct filter_list *list)
{
  struct filter_list children = { NULL, NULL };
  struct filter_node *next;

  *out = list->first;
  if (NULL == list->first || NULL == list->first->next)
    return ERR_OK;
  for (struct filter_node *node = list->first; NULL != node; node = next)
  {
    struct filter_node *inner;

    next = node->next;
    node->next = NULL;
    if (node->kind != kind)
    {
      filter_append (&children, node);
      continue;
    }
    for (struct filter_node *child = node->first; NULL != child; child = inner)
    {
      inner = child->next;
      child->next = NULL;
      filter_append (&children, child);
    }
  }
  *out = arena_alloc (parser->arena, sizeof (**out));
  if (NULL == *out)
    return filter_no_memory (parser);
  (*out)->kind = kind;
  (*out)->first = children.first;
  return ERR_OK;
}

static bool
at_keyword (const struct filter_parser *parser, enum keyword keyword)
{
  return TOKEN_WORD == parser->token.kind && keyword == parser->token.keyword;
}

static enum err_code
deeper (struct filter_parser *parser)
{
  parser->extended = true;
  if (parser->depth == FILTER_MAX_DEPTH)
    return filter_fail (parser, parser->token.text, NULL,
                        "The filter has more than %d levels of parentheses and NOT; at most %d are allowed.",
                        FILTER_MAX_DEPTH, FILTER_MAX_DEPTH);
  parser->depth++;
  return ERR_OK;
}

/* NOT x, (x) or one comparison. */
static enum err_code
parse_unary (struct filter_node **out, struct filter_parser *parser, bool negated)
{
  size_t depth = parser->depth;
  enum err_code code = ERR_OK;

  while (ERR_OK == code && at_keyword (parser, KEYWORD_NOT))
  {
    code = deeper (parser);
    negated = ! negated;
    filter_advance (parser);
  }
  if (ERR_OK == code && TOKEN_OPEN == parser->token.kind)
  {
    code = deeper (parser);
    filter_advance (parser);
    if (ERR_OK == code)
      code = parse_or (out, parser, negated);
    if (ERR_OK == code && NULL == *out)
      code = filter_syntax (parser, "a comparison");
    if (ERR_OK == code && TOKEN_CLOSE != parser->token.kind)
      code = filter_syntax (parser, "AND, OR or ')'");
    if (ERR_OK == code)
      filter_advance (parser);
  }
  else if (ERR_OK == code)
    code = filter_parse_test (out, parser, negated);
  parser->depth = depth;
  return code;
}

/* What MLflow allows and the grammar does not: remembered, and refused together with anything that MLflow lacks. */
static void
note_stray (struct filter_parser *parser)
{
  if (NULL == parser->stray.text.data)
    parser->stray = parser->token;
}

/* Comparisons with AND between them; NULL when there is none. */
static enum err_code
parse_and (struct filter_node **out, struct filter_parser *parser, bool negated)
{
  struct filter_list list = { NULL, NULL };
  bool operand = true;

  *out = NULL;
  for (;;)
  {
    struct filter_node *node;
    enum err_code code;
    bool separated = false;

    while (at_keyword (parser, KEYWORD_AND))
    {
      if (separated || NULL == list.first)
        note_stray (parser);
      separated = true;
      filter_advance (parser);
    }
    operand = filter_at_identifier (parser);
    if (operand && ! separated && NULL != list.first)
      note_stray (parser);
    if (! operand && (separated || NULL == list.first))
      operand = TOKEN_OPEN == parser->token.kind || at_keyword (parser, KEYWORD_NOT);
    if (! operand)
    {
      if (separated)
        note_stray (parser);
      return filter_join (out, parser, negated ? FILTER_OR : FILTER_AND, &list);
    }
    code = parse_unary (&node, parser, negated);
    if (ERR_OK != code)
      return code;
    filter_append (&list, node);
  }
}

static enum err_code
parse_or (struct filter_node **out, struct filter_parser *parser, bool negated)
{
  struct filter_list list = { NULL, NULL };
  struct filter_node *node;
  enum err_code code = parse_and (&node, parser, negated);

  *out = node;
  if (ERR_OK != code || ! at_keyword (parser, KEYWORD_OR))
    return code;
  parser->extended = true;
  for (;;)
  {
    if (NULL == node)
      return filter_syntax (parser, "a comparison");
    filter_append (&list, node);
    if (! at_keyword (parser, KEYWORD_OR))
      return filter_join (out, parser, negated ? FILTER_AND : FILTER_OR, &list);
    filter_advance (parser);
    code = parse_and (&node, parser, negated);
    if (ERR_OK != code)
      return code;
  }
}

static enum err_code
parse_whole (struct filter_parser *parser)
{
  enum err_code code;

  filter_advance (parser);
  if (TOKEN_END == parser->token.kind)
    return filter_fail (parser, parser->token.text, "a comparison", "Invalid filter '%.*s'. Could not be parsed.",
                        SLICE_ARG (parser->whole));
  code = parse_or (&parser->filter->root, parser, false);
  if (ERR_OK != code)
    return code;
  if (TOKEN_END != parser->token.kind)
    return filter_syntax (parser, NULL == parser->filter->root ? "a comparison" : "AND, OR or the end");
  if (parser->extended && NULL != parser->stray.text.data)
  {
    parser->token = parser->stray;
    return filter_syntax (parser, "one AND between two comparisons");
  }
  return ERR_OK;
}

enum err_code
filter_parse (struct filter *filter, struct slice text, const struct search_resource *resource, int64_t now_ms,
              struct arena *arena, struct err *err)
{
  struct filter_parser parser = {
    .whole = text, .rest = text, .resource = resource, .now_ms = now_ms, .arena = arena, .err = err, .filter = filter
  };

  *filter = (struct filter){ NULL, NULL, 0 };
  if (0 == text.len)
    return ERR_OK;
  if (text.len > FILTER_MAX_BYTES)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The filter has %zu bytes; at most %d are allowed.", text.len,
                    FILTER_MAX_BYTES);
  if (! utf8_valid (text))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The filter is not valid UTF-8.");
  if (NULL != memchr (text.data, '\0', text.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The filter holds a NUL character.");
  return parse_whole (&parser);
}
