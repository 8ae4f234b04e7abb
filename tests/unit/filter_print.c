/* Filters as text, for tests. */
#include "filter_print.h"

#include "base/buffer.h"
#include "base/number.h"

#include <inttypes.h>

/* Far above what a test prints. */
#define PRINT_MAX_BYTES ((size_t)4 * 1024 * 1024)

static void
put_double (struct buffer *out, double value)
{
  char text[NUMBER_DOUBLE_BYTES];

  number_format_double (text, value);
  buffer_text (out, text);
}

static void
put_field (struct buffer *out, const struct search_field *field, const struct search_resource *resource)
{
  static const char *const names[] = { NULL, "metrics", "params", "tags", "dataset" };

  if (SEARCH_ATTRIBUTE == field->entity)
  {
    /* The first of several names. */
    for (size_t i = 0; i < resource->attribute_count; i++)
      if (resource->attributes[i].number == field->attribute->number)
      {
        buffer_text (out, resource->attributes[i].name);
        return;
      }
    return;
  }
  buffer_printf (out, "%s%s.%.*s", field->as_number ? "#" : "", names[field->entity],
                 SLICE_ARG (NULL == field->attribute ? field->key : slice_of (field->attribute->name)));
  if (SEARCH_LATEST != field->part)
    buffer_printf (out, "@%s", search_part_names[field->part]);
  if (NULL != field->part_key.data)
    buffer_printf (out, "|%.*s@%s", SLICE_ARG (field->part_key), search_part_names[field->key_part]);
}

static void
put_int (struct buffer *out, int64_t value)
{
  if (INT64_MIN == value || INT64_MAX == value)
    buffer_text (out, INT64_MIN == value ? "min" : "max");
  else
    buffer_printf (out, "%" PRId64, value);
}

static void
put_test (struct buffer *out, const struct filter_node *node)
{
  switch (node->test)
  {
  case FILTER_EXISTS:
    buffer_text (out, "exists");
    return;
  case FILTER_IS_NAN:
    buffer_text (out, "nan");
    return;
  case FILTER_INT_RANGE:
    if (node->least > node->most)
      buffer_text (out, "nothing");
    else if (node->least == node->most)
      put_int (out, node->least);
    else
    {
      buffer_byte (out, '[');
      put_int (out, node->least);
      buffer_byte (out, ',');
      put_int (out, node->most);
      buffer_byte (out, ']');
    }
    return;
  case FILTER_DOUBLE_RANGE:
    if (! (node->low <= node->high))
      buffer_text (out, "nothing");
    else if (node->low < node->high)
    {
      buffer_byte (out, '[');
      put_double (out, node->low);
      buffer_byte (out, ',');
      put_double (out, node->high);
      buffer_byte (out, ']');
    }
    else
      put_double (out, node->low);
    return;
  case FILTER_PATTERN:
    buffer_printf (out, "~'%.*s'", SLICE_ARG (search_pattern_text (node->pattern)));
    return;
  default:
    break;
  }
  buffer_byte (out, '{');
  for (size_t i = 0; i < node->count; i++)
  {
    if (i > 0)
      buffer_byte (out, ',');
    if (FILTER_INT_LIST == node->test)
      put_int (out, node->ints[i]);
    else if (FILTER_DOUBLE_LIST == node->test)
      put_double (out, node->doubles[i]);
    else
      buffer_printf (out, "'%.*s'", SLICE_ARG (node->texts[i]));
  }
  buffer_byte (out, '}');
}

static void
put_node (struct buffer *out, const struct filter_node *node, const struct filter *filter,
          const struct search_resource *resource)
{
  if (FILTER_TEST == node->kind)
  {
    if (node->negated)
      buffer_text (out, "NOT ");
    put_field (out, &filter->fields[node->field], resource);
    buffer_byte (out, ':');
    put_test (out, node);
    return;
  }
  buffer_text (out, FILTER_AND == node->kind ? "AND(" : "OR(");
  for (const struct filter_node *child = node->first; NULL != child; child = child->next)
  {
    if (child != node->first)
      buffer_text (out, ", ");
    put_node (out, child, filter, resource);
  }
  buffer_byte (out, ')');
}

const char *
filter_print (const struct filter *filter, const struct search_resource *resource, struct arena *arena)
{
  struct buffer out;
  const char *text;

  buffer_init (&out, PRINT_MAX_BYTES);
  if (NULL == filter->root)
    buffer_text (&out, "ALL");
  else
    put_node (&out, filter->root, filter, resource);
  text = arena_copy (arena, out.data, out.len);
  buffer_free (&out);
  return text;
}
