/* Parsing of order_by, with the texts of MLflow's errors. */
#include "search/order.h"

#include "search/field_private.h"

#include <stdio.h>
#include <strings.h>

static bool
is_space (char byte)
{
  return NULL != memchr (" \t\r\n", byte, 4);
}

static struct slice
trim (struct slice text)
{
  while (text.len > 0 && is_space (text.data[0]))
    text = (struct slice){ text.data + 1, text.len - 1 };
  while (text.len > 0 && is_space (text.data[text.len - 1]))
    text.len--;
  return text;
}

/* Split "identifier DIRECTION" at the last space outside of quotes. */
static void
split_direction (struct slice *identifier, struct slice *direction, struct slice item)
{
  char quote = '\0';
  size_t last = item.len;

  for (size_t i = 0; i < item.len; i++)
  {
    char byte = item.data[i];

    if ('\0' != quote)
      quote = byte == quote ? '\0' : quote;
    else if ('`' == byte || '"' == byte)
      quote = byte;
    else if (is_space (byte))
      last = i;
  }
  *identifier = trim ((struct slice){ item.data, last });
  *direction = last < item.len ? trim ((struct slice){ item.data + last, item.len - last }) : (struct slice){ NULL, 0 };
}

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

static enum err_code
parse_item (struct search_key *key, struct slice item, const struct search_resource *resource, struct arena *arena,
            struct err *err)
{
  struct slice text = trim (item);
  struct slice identifier;
  struct slice direction;

  split_direction (&identifier, &direction, text);
  /* More than one expression in a clause. */
  if (0 == identifier.len
      || (NULL != memchr (identifier.data, ',', identifier.len) && NULL == memchr (identifier.data, '`', identifier.len)
          && NULL == memchr (identifier.data, '"', identifier.len)))
    return unreadable (item, err);
  if (4 == direction.len && 0 == strncasecmp (direction.data, "desc", 4))
    key->descending = true;
  else if (0 != direction.len && ! (3 == direction.len && 0 == strncasecmp (direction.data, "asc", 3)))
  {
    /* "run name" is one attribute that has a space; "number( params.a )" may have some too. */
    if (')' != text.data[text.len - 1] && NULL == search_attribute_find (resource, text))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid ordering key in order_by clause '%.*s'.",
                      SLICE_ARG (item));
    identifier = text;
  }
  if (! search_field_readable (identifier))
    return unreadable (item, err);
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
    if (SEARCH_METRIC == order->keys[i].field.entity || order->keys[i].field.as_number)
      return false;
  return true;
}
