/* Parsing of order_by, with the texts of MLflow's errors. */
#include "search/order.h"

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

/* Take quotes or backticks off; false when they do not match. */
static bool
unquote (struct slice *text)
{
  char first = text->len > 0 ? text->data[0] : '\0';

  if ('`' != first && '"' != first)
    return NULL == memchr (text->data, '`', text->len) && NULL == memchr (text->data, '"', text->len);
  if (text->len < 3 || first != text->data[text->len - 1])
    return false;
  *text = (struct slice){ text->data + 1, text->len - 2 };
  return NULL == memchr (text->data, first, text->len);
}

static bool
is_one_of (struct slice text, const char *const *names)
{
  for (; NULL != *names; names++)
    if (slice_is (text, *names))
      return true;
  return false;
}

static enum err_code
invalid_attribute (struct slice key, const struct search_grammar *grammar, struct arena *arena, struct err *err)
{
  char *valid = arena_printf (arena, "%s", "");

  for (size_t i = 0; i < grammar->attribute_count && NULL != valid; i++)
    if (NULL != grammar->attributes[i].name)
      valid = arena_printf (arena, "%s%s'%s'", valid, '\0' == valid[0] ? "" : ", ", grammar->attributes[i].name);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid attribute key '%.*s' specified. Valid keys are '[%s]'",
                  SLICE_ARG (key), NULL == valid ? "" : valid);
}

static enum err_code
find_attribute (struct search_key *out, struct slice key, const struct search_grammar *grammar, struct arena *arena,
                struct err *err)
{
  for (size_t i = 0; i < grammar->attribute_count; i++)
    if (NULL != grammar->attributes[i].name && slice_is (key, grammar->attributes[i].name))
    {
      out->attribute = grammar->attributes[i];
      return ERR_OK;
    }
  return invalid_attribute (key, grammar, arena, err);
}

static enum err_code
parse_identifier (struct search_key *out, struct slice item, struct slice identifier,
                  const struct search_grammar *grammar, struct arena *arena, struct err *err)
{
  static const char *const attributes[] = { "attribute", "attributes", "attr", "run", NULL };
  static const char *const params[] = { "parameter", "parameters", "param", "params", NULL };
  static const char *const tags[] = { "tag", "tags", NULL };
  static const char *const metrics[] = { "metric", "metrics", NULL };
  static const char *const datasets[] = { "dataset", "datasets", NULL };
  const char *dot =
      '`' == identifier.data[0] || '"' == identifier.data[0] ? NULL : memchr (identifier.data, '.', identifier.len);
  struct slice entity = { NULL, 0 };
  struct slice key = identifier;

  if (NULL != dot)
  {
    entity = (struct slice){ identifier.data, (size_t)(dot - identifier.data) };
    key = (struct slice){ dot + 1, identifier.len - entity.len - 1 };
  }
  if (! unquote (&key) || 0 == key.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause '%.*s'. Could not be parsed.",
                    SLICE_ARG (item));
  if (NULL == dot || is_one_of (entity, attributes))
    return find_attribute (out, key, grammar, arena, err);
  if (! grammar->has_params && (is_one_of (entity, tags) || is_one_of (entity, params) || is_one_of (entity, metrics)))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by entity: %s",
                    is_one_of (entity, tags)     ? "tag"
                    : is_one_of (entity, params) ? "parameter"
                                                 : "metric");
  if (is_one_of (entity, metrics))
    return err_set (err, ERR_NOT_IMPLEMENTED,
                    "Sorting by metrics is not available yet; sort by attributes, params or tags.");
  if (is_one_of (entity, datasets))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid identifier type 'dataset'");
  if (! is_one_of (entity, tags) && ! is_one_of (entity, params))
    return err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "Invalid entity type '%.*s'. Valid values are ['metric', 'metrics', 'parameter', 'parameters', "
        "'param', 'params', 'tag', 'tags', 'attribute', 'attributes', 'attr', 'run', 'dataset', 'datasets']",
        SLICE_ARG (entity));
  out->attribute = (struct search_attribute){ NULL, is_one_of (entity, tags) ? "tags" : "params", SEARCH_TEXT, true };
  out->key = key;
  return ERR_OK;
}

static bool
same_key (const struct search_key *a, const struct search_key *b)
{
  return 0 == strcmp (a->attribute.sql, b->attribute.sql) && slice_equal (a->key, b->key)
         && (NULL == a->key.data) == (NULL == b->key.data);
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
parse_item (struct search_key *key, struct slice item, const struct search_grammar *grammar, struct arena *arena,
            struct err *err)
{
  struct slice text = trim (item);
  struct slice identifier;
  struct slice direction;

  split_direction (&identifier, &direction, text);
  /* More than one expression in a clause. */
  if (0 == identifier.len
      || (NULL != memchr (identifier.data, ',', identifier.len) && '`' != identifier.data[0]
          && NULL == memchr (identifier.data, '`', identifier.len)
          && NULL == memchr (identifier.data, '"', identifier.len)))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause '%.*s'. Could not be parsed.",
                    SLICE_ARG (item));
  if (4 == direction.len && 0 == strncasecmp (direction.data, "desc", 4))
    key->descending = true;
  else if (0 != direction.len && ! (3 == direction.len && 0 == strncasecmp (direction.data, "asc", 3)))
  {
    /* "run name" is one attribute that has a space. */
    if (ERR_OK == find_attribute (key, text, grammar, arena, NULL))
      return ERR_OK;
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid ordering key in order_by clause '%.*s'.",
                    SLICE_ARG (item));
  }
  return parse_identifier (key, item, identifier, grammar, arena, err);
}

enum err_code
search_order_parse (struct search_order *order, const struct slice *items, size_t count,
                    const struct search_grammar *grammar, struct arena *arena, struct err *err)
{
  /* Two places stay free for the tie-breakers. */
  size_t most = SEARCH_ORDER_MAX - 2;

  order->count = 0;
  for (size_t i = 0; i < count; i++)
  {
    struct search_key key = { .descending = false };
    enum err_code code = parse_item (&key, items[i], grammar, arena, err);

    if (ERR_OK != code)
      return code;
    for (size_t j = 0; j < order->count; j++)
      if (same_key (&order->keys[j], &key))
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
  const struct search_key key = { *attribute, { NULL, 0 }, descending };

  for (size_t i = 0; i < order->count; i++)
    if (same_key (&order->keys[i], &key))
      return;
  order->keys[order->count++] = key;
}
