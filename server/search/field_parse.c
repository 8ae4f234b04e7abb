/* Identifiers of filters and order_by, with the texts of MLflow's errors. */
#include "search/field_private.h"

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

static bool
is_quoted (struct slice text, char quote)
{
  return text.len >= 2 && quote == text.data[0] && quote == text.data[text.len - 1];
}

static struct slice
inside (struct slice text)
{
  return (struct slice){ text.data + 1, text.len - 2 };
}

/* As MLflow does: one pair of quotes, then one pair of backticks. */
static struct slice
unquote (struct slice text)
{
  if (is_quoted (text, '\'') || is_quoted (text, '"'))
    text = inside (text);
  return is_quoted (text, '`') ? inside (text) : text;
}

/* Take ".min" and its like off the end; false when there is none. */
static bool
split_part (struct slice *base, enum search_part *part, struct slice key)
{
  const char *dot = 0 == key.len ? NULL : memrchr (key.data, '.', key.len);
  struct slice name;

  if (NULL == dot || dot == key.data)
    return false;
  name = (struct slice){ dot + 1, (size_t)(key.data + key.len - dot - 1) };
  for (enum search_part i = SEARCH_MIN; i <= SEARCH_COUNT; i++)
    if (slice_is (name, search_part_names[i]))
    {
      *base = (struct slice){ key.data, (size_t)(dot - key.data) };
      *part = i;
      return true;
    }
  return false;
}

/* "x", "`x y`", "x.min" (in doubt) or "`x`.min". */
static void
set_metric (struct search_field *field, struct slice key)
{
  struct slice base;
  enum search_part part;
  bool quoted;

  field->key = unquote (key);
  if (! split_part (&base, &part, key))
    return;
  quoted = is_quoted (base, '`') || is_quoted (base, '"');
  if (quoted && base.len > 2)
  {
    field->key = unquote (base);
    field->part = part;
  }
  else if (! quoted && field->key.len == key.len)
  {
    field->part_key = base;
    field->key_part = part;
  }
}

static enum err_code
invalid_attribute (struct slice key, const struct search_resource *resource, enum search_abilities ability,
                   struct arena *arena, struct err *err)
{
  char *valid = arena_printf (arena, "%s", "");

  for (size_t i = 0; i < resource->attribute_count && NULL != valid; i++)
    if (SEARCH_CAN_FILTER != ability || ! resource->attributes[i].order_only)
      valid = arena_printf (arena, "%s%s'%s'", valid, '\0' == valid[0] ? "" : ", ", resource->attributes[i].name);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid attribute key '%.*s' specified. Valid keys are '{%s}'",
                  SLICE_ARG (key), NULL == valid ? "" : valid);
}

static enum err_code
set_attribute (struct search_field *field, struct slice key, const struct search_resource *resource,
               enum search_abilities ability, struct arena *arena, struct err *err)
{
  field->attribute = search_attribute_find (resource, key);
  if (NULL == field->attribute || (field->attribute->order_only && SEARCH_CAN_FILTER == ability))
    return invalid_attribute (key, resource, ability, arena, err);
  field->type = field->attribute->type;
  return ERR_OK;
}

static enum err_code
set_dataset (struct search_field *field, struct slice key, const struct search_resource *resource, struct err *err)
{
  for (size_t i = 0; i < resource->dataset_count; i++)
    if (slice_is (key, resource->datasets[i].name))
    {
      field->attribute = &resource->datasets[i];
      field->type = field->attribute->type;
      return ERR_OK;
    }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid dataset key '%.*s' specified. Valid keys are '{'name', 'digest', 'context'}'",
                  SLICE_ARG (key));
}

const char *
search_entity_name (enum search_entity entity)
{
  static const char *const names[] = { [SEARCH_ATTRIBUTE] = "attribute",
                                       [SEARCH_METRIC] = "metric",
                                       [SEARCH_PARAM] = "parameter",
                                       [SEARCH_TAG] = "tag",
                                       [SEARCH_DATASET] = "dataset" };

  return names[entity];
}

static const struct search_alias *
find_alias (const struct search_resource *resource, struct slice name)
{
  for (size_t i = 0; i < resource->alias_count; i++)
    if (slice_is (name, resource->aliases[i].name))
      return &resource->aliases[i];
  return NULL;
}

static enum err_code
unknown_entity (const struct search_resource *resource, struct slice entity, struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid entity type%s '%.*s'. %s",
                  resource == &search_logged_models ? ":" : "", SLICE_ARG (entity), resource->entities);
}

enum err_code
search_field_resolve (struct search_field *field, struct slice text, const struct search_resource *resource,
                      enum search_abilities ability, struct arena *arena, struct err *err)
{
  const char *dot = 0 == text.len ? NULL : memchr (text.data, '.', text.len);
  const struct search_alias *alias;
  struct slice entity;
  struct slice key;

  *field = (struct search_field){ .entity = SEARCH_ATTRIBUTE, .type = SEARCH_TEXT };
  if (NULL == dot)
    return set_attribute (field, unquote (text), resource, ability, arena, err);
  entity = (struct slice){ text.data, (size_t)(dot - text.data) };
  key = (struct slice){ dot + 1, text.len - entity.len - 1 };
  if (is_quoted (entity, '`'))
    entity = inside (entity);
  alias = find_alias (resource, entity);
  if (NULL == alias)
    return unknown_entity (resource, entity, err);
  field->entity = alias->entity;
  if (0 == (resource->abilities[alias->entity] & ability))
    return SEARCH_CAN_FILTER == ability ? unknown_entity (resource, entity, err)
                                        : err_set (err, ERR_INVALID_PARAMETER_VALUE,
                                                   SEARCH_DATASET == alias->entity ? "Invalid identifier type '%s'"
                                                                                   : "Invalid order_by entity: %s",
                                                   search_entity_name (alias->entity));
  switch (field->entity)
  {
  case SEARCH_ATTRIBUTE:
    return set_attribute (field, unquote (key), resource, ability, arena, err);
  case SEARCH_DATASET:
    return set_dataset (field, unquote (key), resource, err);
  case SEARCH_METRIC:
    field->type = SEARCH_DOUBLE;
    set_metric (field, key);
    return ERR_OK;
  default:
    field->key = unquote (key);
    return ERR_OK;
  }
}

enum err_code
search_field_number (struct search_field *field, struct err *err)
{
  if (SEARCH_PARAM != field->entity && SEARCH_TAG != field->entity)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "number() reads params and tags only, such as number(params.lr).");
  field->as_number = true;
  field->type = SEARCH_DOUBLE;
  return ERR_OK;
}

/* "number(...)" in any case; gives what is inside. */
static bool
is_number_call (struct slice *inner, struct slice text)
{
  static const char name[] = "number";
  size_t length = sizeof (name) - 1;
  struct slice rest;

  if (text.len <= length || 0 != strncasecmp (text.data, name, length))
    return false;
  rest = trim ((struct slice){ text.data + length, text.len - length });
  if (rest.len < 2 || '(' != rest.data[0] || ')' != rest.data[rest.len - 1])
    return false;
  *inner = trim (inside (rest));
  return true;
}

/* Whether quotes stand in pairs around the key and nowhere else: what order_by and lists of fields want. */
static bool
well_quoted (struct slice text)
{
  char quote = '\0';
  bool content = false;

  for (size_t i = 0; i < text.len; i++)
  {
    char byte = text.data[i];

    if ('\0' != quote)
    {
      if (byte == quote && ! content)
        return false;
      content = byte != quote;
      /* What follows a quoted key is a part of a metric. */
      if (byte == quote && i + 1 < text.len && '.' != text.data[i + 1])
        return false;
      quote = byte == quote ? '\0' : quote;
    }
    else if ('`' == byte || '"' == byte)
    {
      if (i > 0 && '.' != text.data[i - 1])
        return false;
      quote = byte;
      content = false;
    }
  }
  return '\0' == quote && text.len > 0 && '.' != text.data[text.len - 1];
}

bool
search_field_readable (struct slice text)
{
  struct slice identifier = trim (text);

  (void)is_number_call (&identifier, identifier);
  return well_quoted (identifier);
}

enum err_code
search_field_parse (struct search_field *field, struct slice text, const struct search_resource *resource,
                    enum search_abilities ability, struct arena *arena, struct err *err)
{
  struct slice identifier = trim (text);
  bool number = is_number_call (&identifier, identifier);
  enum err_code code = ERR_OK;

  *field = (struct search_field){ .entity = SEARCH_ATTRIBUTE };
  if (well_quoted (identifier))
    code = search_field_resolve (field, identifier, resource, ability, arena, err);
  if (ERR_OK == code && NULL == field->attribute && 0 == field->key.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid identifier '%.*s'. Could not be parsed.",
                    SLICE_ARG (text));
  return ERR_OK == code && number ? search_field_number (field, err) : code;
}
