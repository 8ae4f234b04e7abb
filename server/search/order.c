/* Parsing of order_by, with the texts of MLflow's errors. */
#include "search/order.h"

#include "base/utf8.h"
#include "search/field_private.h"
#include "search/lex.h"

#include <stdio.h>
#include <strings.h>

/* "['a', 'b DESC']": the clauses as they were given, for the message about duplicates. */
static const char *
list_clauses (const struct slice *items, size_t count, struct arena *arena)
{
  char *list = arena_printf (arena, "%s", "");

  for (size_t i = 0; i < count && NULL != list; i++)
    list = arena_printf (arena, "%s%s'%.*s'", list, 0 == i ? "" : ", ", SLICE_ARG (items[i]));
  return NULL == list ? "" : list;
}

static enum err_code
unreadable (struct slice item, struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause '%.*s'. Could not be parsed.",
                  SLICE_ARG (item));
}

static bool
is_word (const struct token *token, const char *word)
{
  return TOKEN_WORD == token->kind && token->text.len == strlen (word)
         && 0 == strncasecmp (token->text.data, word, token->text.len);
}

static bool
is_identifier (const struct token *token)
{
  return TOKEN_WORD == token->kind || TOKEN_PATH == token->kind || TOKEN_SYMBOL == token->kind;
}

/* "x", "number(x)" or an attribute whose name has a space; `next` is the token behind it. */
static bool
take_identifier (struct slice *identifier, struct token *next, struct slice *rest,
                 const struct search_resource *resource)
{
  struct token first = lex_next (rest);
  struct token last = first;
  struct slice both;

  *identifier = first.text;
  *next = lex_next (rest);
  if (! is_identifier (&first))
    return false;
  both = (struct slice){ first.text.data, (size_t)(next->text.data + next->text.len - first.text.data) };
  if (is_word (&first, "number") && TOKEN_OPEN == next->kind)
  {
    last = lex_next (rest);
    if (! is_identifier (&last))
      return false;
    last = lex_next (rest);
    if (TOKEN_CLOSE != last.kind)
      return false;
  }
  else if (TOKEN_WORD == next->kind && NULL != search_attribute_find (resource, both))
    last = *next;
  else
    return search_field_readable (*identifier);
  identifier->len = (size_t)(last.text.data + last.text.len - first.text.data);
  *next = lex_next (rest);
  return search_field_readable (*identifier);
}

static enum err_code
parse_item (struct search_key *key, struct slice item, const struct search_resource *resource, struct arena *arena,
            struct err *err)
{
  struct slice rest = item;
  struct slice identifier;
  struct token direction;

  if (! utf8_valid (item) || ! take_identifier (&identifier, &direction, &rest, resource))
    return unreadable (item, err);
  if (TOKEN_END != direction.kind)
  {
    if (TOKEN_END != lex_next (&rest).kind || TOKEN_WORD != direction.kind)
      return unreadable (item, err);
    key->descending = is_word (&direction, "desc");
    if (! key->descending && ! is_word (&direction, "asc"))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid ordering key in order_by clause '%.*s'.",
                      SLICE_ARG (item));
  }
  return search_field_parse (&key->field, identifier, resource, SEARCH_CAN_ORDER, arena, err);
}

enum err_code
search_order_parse (struct search_order *order, const struct slice *items, size_t count,
                    const struct search_resource *resource, struct arena *arena, struct err *err)
{
  /* Two places stay free for the tie-breakers. */
  size_t most = SEARCH_ORDER_MAX - 2;

  order->count = 0;
  for (size_t i = 0; i < count; i++)
  {
    struct search_key key = { .descending = false };
    enum err_code code = parse_item (&key, items[i], resource, arena, err);

    if (ERR_OK != code)
      return code;
    for (size_t j = 0; j < order->count; j++)
      if (search_field_same (&order->keys[j].field, &key.field))
        return err_set (err, ERR_INVALID_PARAMETER_VALUE, "`order_by` contains duplicate fields: [%s]",
                        list_clauses (items, count, arena));
    if (order->count == most)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "order_by has %zu clauses; at most %zu are allowed.", count,
                      most);
    order->keys[order->count++] = key;
  }
  return ERR_OK;
}

void
search_order_add (struct search_order *order, const struct search_attribute *attribute, bool descending)
{
  const struct search_key key = {
    .field = { .entity = SEARCH_ATTRIBUTE, .type = attribute->type, .attribute = attribute }, .descending = descending
  };

  for (size_t i = 0; i < order->count; i++)
    if (search_field_same (&order->keys[i].field, &key.field))
      return;
  order->keys[order->count++] = key;
}

bool
search_order_in_sql (const struct search_order *order)
{
  for (size_t i = 0; i < order->count; i++)
    if ((SEARCH_METRIC == order->keys[i].field.entity && NULL == order->keys[i].ranks.data)
        || order->keys[i].field.as_number)
      return false;
  return true;
}
