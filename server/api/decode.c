/* Arguments into structs: presence, types and their exact messages. */
#include "api/decode.h"

#include "api/arguments.h"
#include "base/json_scan.h"
#include "base/number.h"

#include <ctype.h>
#include <math.h>

#define SEE_API " See the API docs for more information about request parameters."

/* Where decoding stands, for messages such as "metrics[0].timestamp". */
struct position
{
  struct api_call *call;
  const struct position *parent; /* NULL at the top */
  const char *name; /* of the field that holds the object */
  size_t index; /* of the object in its list; SIZE_MAX when it is no list */
};

static const char *
path_of (const struct position *position, const char *name)
{
  const char *path = name;

  for (; NULL != position && NULL != position->name && NULL != path; position = position->parent)
    path = SIZE_MAX == position->index
               ? arena_printf (position->call->arena, "%s.%s", position->name, path)
               : arena_printf (position->call->arena, "%s[%zu].%s", position->name, position->index, path);
  return NULL == path ? name : path;
}

static enum err_code
missing (const struct position *position, const struct field *field, struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Missing value for required parameter '%s'." SEE_API,
                  path_of (position, field->name));
}

static const char *
python_type (const json_t *value)
{
  switch (json_typeof (value))
  {
  case JSON_OBJECT:
    return "dict";
  case JSON_ARRAY:
    return "list";
  case JSON_STRING:
    return "str";
  case JSON_INTEGER:
    return "int";
  case JSON_REAL:
    return "float";
  case JSON_NULL:
    return "NoneType";
  case JSON_TRUE:
  case JSON_FALSE:
  default:
    return "bool";
  }
}

static bool
is_secret (const struct field *field)
{
  return 0 != (field->flags & FIELD_SECRET);
}

static enum err_code
wrong_type (const struct position *position, const struct field *field, const json_t *value, struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid value %s for parameter '%s' supplied:  Hint: Value was of type '%s'." SEE_API,
                  is_secret (field) ? "(not shown)" : api_python_json (value, position->call->arena),
                  path_of (position, field->name), python_type (value));
}

/* experiment_id -> experimentId */
static void
camel_case (char *out, size_t capacity, const char *name)
{
  size_t length = 0;
  bool upper = false;

  for (; '\0' != *name && length + 1 < capacity; name++)
  {
    if ('_' == *name)
    {
      upper = true;
      continue;
    }
    out[length++] = upper ? (char)toupper ((unsigned char)*name) : *name;
    upper = false;
  }
  out[length] = '\0';
}

enum err_code
api_argument (json_t **value, const json_t *object, const char *name, struct err *err)
{
  char camel[64];
  json_t *other;

  *value = json_object_get (object, name);
  if (NULL == strchr (name, '_'))
    goto out;
  camel_case (camel, sizeof (camel), name);
  other = json_object_get (object, camel);
  if (NULL != *value && NULL != other)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Request specifies both '%s' and '%s'; provide only one of them.",
                    name, camel);
  if (NULL == *value)
    *value = other;
out:
  if (json_is_null (*value))
    *value = NULL;
  return ERR_OK;
}

static enum err_code
find (json_t **value, const json_t *object, const struct field *field, struct err *err)
{
  enum err_code code = api_argument (value, object, field->name, err);

  if (ERR_OK == code && NULL == *value && NULL != field->deprecated_name)
    code = api_argument (value, object, field->deprecated_name, err);
  return code;
}

static struct slice
text_of (const json_t *value)
{
  return (struct slice){ json_string_value (value), json_string_length (value) };
}

static enum err_code
check_text (const struct position *position, const struct field *field, struct slice text, struct err *err)
{
  if (0 == (field->flags & FIELD_NUL) && NULL != memchr (text.data, '\0', text.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %s for parameter '%s' supplied: text cannot hold the character U+0000.",
                    is_secret (field) ? "(not shown)" : api_python_string (text, position->call->arena),
                    path_of (position, field->name));
  return ERR_OK;
}

static enum err_code
decode_string (void *out, const struct position *position, const struct field *field, const json_t *value,
               struct err *err)
{
  struct slice *text = out;

  if (! json_is_string (value))
    return wrong_type (position, field, value, err);
  *text = text_of (value);
  if (0 == text->len && 0 != (field->flags & FIELD_REQUIRED) && 0 == (field->flags & FIELD_EMPTY))
    return missing (position, field, err);
  return check_text (position, field, *text, err);
}

/* A JSON value as the scanner would give it, so that numbers and numeric strings follow one set of rules. */
static bool
as_scanned (struct json_scan_value *scanned, char number[NUMBER_DOUBLE_BYTES], const json_t *value)
{
  switch (json_typeof (value))
  {
  case JSON_STRING:
    *scanned = (struct json_scan_value){ JSON_SCAN_STRING, text_of (value) };
    return true;
  case JSON_INTEGER:
    *scanned = (struct json_scan_value){ JSON_SCAN_INTEGER,
                                         { number, number_format_int64 (number, json_integer_value (value)) } };
    return true;
  case JSON_REAL:
    *scanned =
        (struct json_scan_value){ JSON_SCAN_REAL, { number, number_format_double (number, json_real_value (value)) } };
    return true;
  default:
    return false;
  }
}

/* A string that holds a number with an integral value: R prints a million as 1e+06. */
static bool
integral_text (struct slice text, int64_t *number)
{
  for (size_t i = 0; i < text.len; i++)
    if (NULL == memchr ("+-.0123456789eE", text.data[i], 15))
      return false;
  if (text.len > 1 && '+' == text.data[0])
    text = (struct slice){ text.data + 1, text.len - 1 };
  return number_parse_integral (text, number);
}

static enum err_code
decode_int64 (void *out, const struct position *position, const struct field *field, const json_t *value,
              struct err *err)
{
  struct optional_int64 *number = out;
  char digits[NUMBER_DOUBLE_BYTES];
  struct json_scan_value scanned;

  if (json_is_string (value) && 0 == json_string_length (value) && 0 != (field->flags & FIELD_REQUIRED)
      && NULL != position->name)
    return missing (position, field, err);
  number->present = as_scanned (&scanned, digits, value)
                    && (json_scan_int64 (&scanned, &number->value)
                        || (JSON_SCAN_STRING == scanned.kind && integral_text (scanned.text, &number->value)));
  return number->present ? ERR_OK : wrong_type (position, field, value, err);
}

static enum err_code
decode_double (void *out, const struct position *position, const struct field *field, const json_t *value,
               struct err *err)
{
  struct optional_double *number = out;
  char digits[NUMBER_DOUBLE_BYTES];
  struct json_scan_value scanned;

  if (json_is_string (value) && 0 == json_string_length (value) && 0 != (field->flags & FIELD_REQUIRED))
    return missing (position, field, err);
  number->present = as_scanned (&scanned, digits, value) && json_scan_double (&scanned, &number->value);
  return number->present ? ERR_OK : wrong_type (position, field, value, err);
}

static enum err_code
decode_bool (void *out, const struct position *position, const struct field *field, const json_t *value,
             struct err *err)
{
  struct optional_int64 *flag = out;
  const bool in_query = position->call->arguments_in_query;
  const char *text = in_query || 0 != (field->flags & FIELD_SPELLED) ? json_string_value (value) : NULL;

  flag->present = true;
  if (json_is_boolean (value))
    flag->value = json_is_true (value);
  else if (NULL != text && 0 == strcasecmp (text, "true"))
    flag->value = 1;
  else if (NULL != text && 0 == strcasecmp (text, "false"))
    flag->value = 0;
  else if (NULL == text || ! in_query)
    return wrong_type (position, field, value, err);
  else
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid boolean value: %.100s, must be 'true' or 'false'.",
                    text);
  return ERR_OK;
}

static enum err_code
decode_enum (void *out, const struct position *position, const struct field *field, const json_t *value,
             struct err *err)
{
  struct optional_int64 *number = out;

  for (size_t i = 0; i < field->name_count && json_is_string (value); i++)
    if (NULL != field->names[i] && slice_is (text_of (value), field->names[i]))
    {
      *number = (struct optional_int64){ true, (int64_t)i };
      return ERR_OK;
    }
  if (json_is_integer (value))
    *number = (struct optional_int64){ true, json_integer_value (value) };
  else if (json_is_string (value))
    number->present = number_parse_int64 (text_of (value), &number->value);
  if (number->present && number->value >= 0 && number->value < (int64_t)field->name_count
      && NULL != field->names[number->value])
    return ERR_OK;
  return wrong_type (position, field, value, err);
}

static enum err_code decode_object (void *out, const struct position *position, const json_t *object,
                                    const struct schema *schema, struct err *err);

static enum err_code
decode_strings (void *out, const struct position *position, const struct field *field, const json_t *value,
                struct err *err)
{
  struct slices *list = out;
  size_t count = json_array_size (value);

  if (! json_is_array (value))
    return wrong_type (position, field, value, err);
  if (0 == count && 0 != (field->flags & FIELD_REQUIRED))
    return missing (position, field, err);
  list->items = arena_array (position->call->arena, count, sizeof (struct slice));
  if (NULL == list->items)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter '%s' is too large.", field->name);
  for (size_t i = 0; i < count; i++)
  {
    const json_t *item = json_array_get (value, i);
    enum err_code code;

    if (! json_is_string (item))
      return wrong_type (position, field, value, err);
    list->items[i] = text_of (item);
    code = check_text (position, field, list->items[i], err);
    if (ERR_OK != code)
      return code;
  }
  list->count = count;
  return ERR_OK;
}

static enum err_code
decode_objects (void *out, const struct position *position, const struct field *field, const json_t *value,
                struct err *err)
{
  struct objects *list = out;
  size_t count = json_array_size (value);
  enum err_code code = ERR_OK;

  if (! json_is_array (value))
    return wrong_type (position, field, value, err);
  list->items = arena_array (position->call->arena, count, field->schema->bytes);
  if (NULL == list->items)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter '%s' is too large.", field->name);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    const struct position inner = { .call = position->call, .parent = position, .name = field->name, .index = i };
    const json_t *item = json_array_get (value, i);

    if (! json_is_object (item))
    {
      const struct field element = { .name = arena_printf (position->call->arena, "%s[%zu]", field->name, i) };

      return wrong_type (position, NULL == element.name ? field : &element, item, err);
    }
    code = decode_object ((char *)list->items + i * field->schema->bytes, &inner, item, field->schema, err);
  }
  list->count = count;
  return code;
}

static enum err_code
decode_one_object (void *out, const struct position *position, const struct field *field, const json_t *value,
                   struct err *err)
{
  const struct position inner = { .call = position->call, .parent = position, .name = field->name, .index = SIZE_MAX };
  void **object = out;

  if (! json_is_object (value))
    return wrong_type (position, field, value, err);
  *object = arena_alloc (position->call->arena, field->schema->bytes);
  if (NULL == *object)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter '%s' is too large.", field->name);
  return decode_object (*object, &inner, value, field->schema, err);
}

typedef enum err_code (*decoder) (void *out, const struct position *position, const struct field *field,
                                  const json_t *value, struct err *err);

static const decoder decoders[] = {
  [FIELD_STRING] = decode_string,     [FIELD_INT64] = decode_int64,     [FIELD_DOUBLE] = decode_double,
  [FIELD_BOOL] = decode_bool,         [FIELD_ENUM] = decode_enum,       [FIELD_STRINGS] = decode_strings,
  [FIELD_OBJECT] = decode_one_object, [FIELD_OBJECTS] = decode_objects,
};

static enum err_code
decode_field (void *out, const struct position *position, const struct field *field, const json_t *object,
              struct err *err)
{
  bool is_list = FIELD_STRINGS == field->type || FIELD_OBJECTS == field->type;
  json_t *value;
  enum err_code code = find (&value, object, field, err);

  if (ERR_OK != code)
    return code;
  /* A scalar that stands in a query more than once counts as it stands first. */
  if (NULL != value && position->call->arguments_in_query && ! is_list)
    value = json_array_get (value, 0);
  if (NULL == value)
    return 0 != (field->flags & FIELD_REQUIRED) ? missing (position, field, err) : ERR_OK;
  return decoders[field->type]((char *)out + field->offset, position, field, value, err);
}

static enum err_code
decode_object (void *out, const struct position *position, const json_t *object, const struct schema *schema,
               struct err *err)
{
  enum err_code code = ERR_OK;

  /* Both spellings at once are refused before anything else is judged. */
  for (size_t i = 0; ERR_OK == code && i < schema->count; i++)
  {
    json_t *ignored;

    code = api_argument (&ignored, object, schema->fields[i].name, err);
    if (ERR_OK == code && NULL != schema->fields[i].deprecated_name)
      code = api_argument (&ignored, object, schema->fields[i].deprecated_name, err);
  }
  for (size_t i = 0; ERR_OK == code && i < schema->count; i++)
    code = decode_field (out, position, &schema->fields[i], object, err);
  return code;
}

enum err_code
api_decode (void *out, struct api_call *call, const struct schema *schema, struct err *err)
{
  const struct position top = { .call = call, .index = SIZE_MAX };
  enum err_code code = api_arguments (call, err);

  memset (out, 0, schema->bytes);
  return ERR_OK == code ? decode_object (out, &top, call->arguments, schema, err) : code;
}
