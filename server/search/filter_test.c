/* One comparison of a filter to a test. */
#include "search/filter_private.h"

#include "base/number.h"
#include "search/field_private.h"
#include "search/time.h"

#include <strings.h>

static bool
at_number_call (const struct filter_parser *parser)
{
  struct slice rest = parser->rest;

  return TOKEN_WORD == parser->token.kind && 6 == parser->token.text.len
         && 0 == strncasecmp (parser->token.text.data, "number", 6) && TOKEN_OPEN == lex_next (&rest).kind;
}

bool
filter_at_identifier (const struct filter_parser *parser)
{
  return (TOKEN_WORD == parser->token.kind && KEYWORD_NONE == parser->token.keyword) || TOKEN_PATH == parser->token.kind
         || TOKEN_SYMBOL == parser->token.kind;
}

static enum err_code
take_identifier (struct filter_comparison *out, struct filter_parser *parser)
{
  out->number = at_number_call (parser);
  if (out->number)
  {
    filter_advance (parser);
    filter_advance (parser);
  }
  if (! filter_at_identifier (parser))
    return filter_syntax (parser, "a field");
  out->identifier = parser->token.text;
  filter_advance (parser);
  if (! out->number)
    return ERR_OK;
  if (TOKEN_CLOSE != parser->token.kind)
    return filter_syntax (parser, "')'");
  filter_advance (parser);
  return ERR_OK;
}

static enum filter_operation
find_operation (bool *negated, struct slice text)
{
  static const struct
  {
    const char *text;
    enum filter_operation operation;
    bool negated;
  } operations[] = {
    { "=", OP_EQUAL, false },          { "!=", OP_EQUAL, true }, { ">", OP_GREATER, false },
    { ">=", OP_GREATER_EQUAL, false }, { "<", OP_LESS, false },  { "<=", OP_LESS_EQUAL, false },
    { "~", OP_REGEX, false },          { "!~", OP_REGEX, true }, { "~*", OP_REGEX_FOLDED, false },
    { "!~*", OP_REGEX_FOLDED, true },
  };

  for (size_t i = 0; i < sizeof (operations) / sizeof (operations[0]); i++)
    if (slice_is (text, operations[i].text))
    {
      *negated = operations[i].negated;
      return operations[i].operation;
    }
  return OP_UNKNOWN;
}

/* IS NULL, IS NOT NULL: behind IS. */
static enum err_code
take_null (struct filter_comparison *out, struct filter_parser *parser)
{
  out->operation = OP_EXISTS;
  out->negated = KEYWORD_NOT != parser->token.keyword;
  if (! out->negated)
    filter_advance (parser);
  if (KEYWORD_NULL != parser->token.keyword)
    return filter_syntax (parser, "NULL or NOT NULL");
  filter_advance (parser);
  return ERR_OK;
}

static enum err_code
take_operation (struct filter_comparison *out, struct filter_parser *parser)
{
  struct slice first = parser->token.text;

  if (TOKEN_COMPARISON == parser->token.kind)
    out->operation = find_operation (&out->negated, first);
  else
  {
    if (KEYWORD_IS == parser->token.keyword)
    {
      filter_advance (parser);
      return take_null (out, parser);
    }
    out->negated = KEYWORD_NOT == parser->token.keyword;
    if (out->negated)
      filter_advance (parser);
    switch (parser->token.keyword)
    {
    case KEYWORD_LIKE:
      out->operation = OP_LIKE;
      break;
    case KEYWORD_ILIKE:
      out->operation = OP_ILIKE;
      break;
    case KEYWORD_RLIKE:
      out->operation = OP_UNKNOWN;
      break;
    case KEYWORD_IN:
      out->operation = OP_IN;
      break;
    case KEYWORD_BETWEEN:
      out->operation = OP_BETWEEN;
      break;
    default:
      return filter_syntax (parser, out->negated ? "LIKE, ILIKE, IN or BETWEEN" : "a comparison operator");
    }
  }
  out->comparator =
      (struct slice){ first.data, (size_t)(parser->token.text.data + parser->token.text.len - first.data) };
  filter_advance (parser);
  return ERR_OK;
}

static enum err_code
take_values (struct filter_comparison *out, struct filter_parser *parser)
{
  bool is_time = NULL != out->field.attribute && out->field.attribute->is_time;
  enum err_code code;

  if (OP_EXISTS == out->operation)
    return ERR_OK;
  if (OP_IN == out->operation)
  {
    if (TOKEN_OPEN != parser->token.kind)
      return filter_syntax (parser, "a list in parentheses");
    return filter_take_list (&out->values, &out->count, &out->list, parser);
  }
  out->values = arena_array (parser->arena, 2, sizeof (struct filter_value));
  if (NULL == out->values)
    return filter_no_memory (parser);
  code = filter_take_value (&out->values[out->count++], parser, is_time);
  if (ERR_OK != code || OP_BETWEEN != out->operation)
    return code;
  if (KEYWORD_AND != parser->token.keyword)
    return filter_syntax (parser, "AND");
  filter_advance (parser);
  return filter_take_value (&out->values[out->count++], parser, is_time);
}

/* --- what MLflow says about fields, values and comparators ---------------------------------------------------------
 */

static enum err_code
resolve (struct filter_comparison *comparison, struct filter_parser *parser)
{
  struct err why = { 0 };
  enum err_code code = search_field_resolve (&comparison->field, comparison->identifier, parser->resource,
                                             SEARCH_CAN_FILTER, parser->arena, &why);

  if (ERR_OK == code && comparison->number)
    code = search_field_number (&comparison->field, &why);
  return ERR_OK == code ? code
                        : filter_fail (parser, comparison->identifier, "a field of this search", "%s", why.message);
}

static bool
is_text (const struct search_field *field)
{
  return SEARCH_TEXT == field->type || SEARCH_UUID == field->type;
}

static bool
is_registry (const struct search_resource *resource)
{
  return &search_registered_models == resource || &search_model_versions == resource;
}

static enum err_code
not_text (struct filter_parser *parser, const struct filter_comparison *comparison, const struct filter_value *value)
{
  static const char expected[] = "a quoted string";
  struct slice raw = value->raw;

  if (value->symbol)
    return filter_fail (parser, raw, expected,
                        "Parameter value is either not quoted or unidentified quote types used for string value %.*s. "
                        "Use either single or double quotes.",
                        SLICE_ARG (raw));
  switch (comparison->field.entity)
  {
  case SEARCH_ATTRIBUTE:
    if (&search_model_versions == parser->resource && value->is_number)
      return filter_fail (parser, raw, expected,
                          "Only the '{'version_number', 'creation_timestamp', 'last_updated_timestamp'}' attributes "
                          "support comparison with numeric values.");
    return filter_fail (parser, raw, expected, "Expected a quoted string value%s for attributes. Got value %.*s",
                        is_registry (parser->resource) ? " or a list of quoted string values" : "", SLICE_ARG (raw));
  case SEARCH_DATASET:
    return filter_fail (parser, raw, expected, "Expected a quoted string value for dataset attributes. Got value %.*s",
                        SLICE_ARG (raw));
  default:
    return filter_fail (parser, raw, expected,
                        "Expected a quoted string value for %s (e.g. 'my-value'). Got value %.*s",
                        search_entity_name (comparison->field.entity), SLICE_ARG (raw));
  }
}

/* A list of other things than strings: "('a', 1)", as Python prints a tuple. */
static enum err_code
not_texts (struct filter_parser *parser, const struct filter_comparison *comparison)
{
  const char *list = "";

  for (size_t i = 0; i < comparison->count && strlen (list) < 200; i++)
  {
    const struct filter_value *value = &comparison->values[i];

    list =
        arena_printf (parser->arena, "%s%s%.*s", list, 0 == i ? "" : ", ",
                      SLICE_ARG (value->is_number ? value->raw : slice_of (filter_repr (value->text, parser->arena))));
    if (NULL == list)
      return filter_no_memory (parser);
  }
  return filter_fail (parser, comparison->list, "a list of quoted strings",
                      "While parsing a list in the query, expected string value, punctuation, or whitespace, but got "
                      "different type in list: (%s%s)",
                      list, 1 == comparison->count ? "," : "");
}

static enum err_code
not_number (struct filter_parser *parser, const struct filter_comparison *comparison, struct slice raw)
{
  const struct search_attribute *attribute = comparison->field.attribute;
  const char *expected = "a number";

  if (NULL == attribute)
    return filter_fail (parser, raw, expected, "Expected numeric value type for %s. Found %.*s",
                        comparison->number ? "number()" : "metric", SLICE_ARG (raw));
  if (&search_experiments == parser->resource && ! attribute->is_time)
    return filter_fail (parser, raw, "an identifier",
                        "Invalid experiment ID %.*s. Experiment ID must be a valid integer.", SLICE_ARG (raw));
  if (! attribute->is_time)
    return filter_fail (parser, raw, expected, "Invalid value for numeric attribute '%s': %.*s", attribute->name,
                        SLICE_ARG (raw));
  return filter_fail (parser, raw, "a number or a time such as '2026-01-31' or now() - 7d",
                      "Expected numeric value type for numeric attribute: %s. Found %.*s", attribute->name,
                      SLICE_ARG (raw));
}

static enum err_code
bad_comparator (struct filter_parser *parser, const struct filter_comparison *comparison)
{
  struct slice comparator = comparison->comparator;
  const struct search_field *field = &comparison->field;
  bool text = is_text (field);
  const char *known = text ? "=, !=, LIKE, ILIKE, IN, ~ and their negations" : "=, !=, <, <=, >, >=, IN or BETWEEN";
  char *upper = arena_string (parser->arena, comparator);

  if (NULL == upper)
    return filter_no_memory (parser);
  for (char *byte = upper; '\0' != *byte; byte++)
    *byte = (char)(*byte >= 'a' && *byte <= 'z' ? *byte - ('a' - 'A') : *byte);
  if (&search_logged_models == parser->resource)
    return filter_fail (parser, comparator, known,
                        "Invalid comparison operator for %ss.%.*s: '%s'. Expected one of %s.",
                        SEARCH_PARAM == field->entity ? "param" : search_entity_name (field->entity),
                        SLICE_ARG (NULL == field->attribute ? field->key : slice_of (field->attribute->name)), upper,
                        text ? "('=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN')" : "('<', '<=', '>', '>=', '=', '!=')");
  if (&search_runs != parser->resource && SEARCH_TAG == field->entity)
    return filter_fail (parser, comparator, known, "Invalid comparator for tag: %s", upper);
  if (&search_experiments == parser->resource && ! text)
    return field->attribute->is_time
               ? filter_fail (parser, comparator, known, "Invalid comparator '%s' not one of '{'=', '!='}'", upper)
               : filter_fail (parser, comparator, known, "Invalid comparator for experiment_id: %s", upper);
  if (is_registry (parser->resource))
    return text ? filter_fail (parser, comparator, known, "Invalid comparator for attribute: %s", upper)
                : filter_fail (parser, comparator, known, "Invalid comparator for attribute %s: %s",
                               field->attribute->name, upper);
  return filter_fail (parser, comparator, known, "Invalid comparator '%s' not one of '{%s}'", upper,
                      text ? "'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'"
                           : "'>', '>=', '!=', '=', '<', '<='");
}

static enum err_code
test_text (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
           bool negated)
{
  for (size_t i = 0; i < comparison->count; i++)
    if (NULL == comparison->values[i].text.data)
    {
      /* MLflow compares logged models with numbers as they were written. */
      if (&search_logged_models == parser->resource && comparison->values[i].is_number
          && OP_IN != comparison->operation)
        comparison->values[i].text = comparison->values[i].raw;
      else
        return OP_IN == comparison->operation ? not_texts (parser, comparison)
                                              : not_text (parser, comparison, &comparison->values[i]);
    }
  switch (comparison->operation)
  {
  case OP_EQUAL:
  case OP_IN:
    return filter_test_texts (out, parser, comparison, negated);
  case OP_LIKE:
  case OP_ILIKE:
  case OP_REGEX:
  case OP_REGEX_FOLDED:
    return filter_test_pattern (out, parser, comparison, negated);
  case OP_BETWEEN:
    /* Texts have no such test, and MLflow does not know the word. */
    parser->token.text = comparison->comparator;
    return filter_syntax (parser, "another comparison of texts");
  default:
    return bad_comparator (parser, comparison);
  }
}

/* Quoted integers are integers to MLflow too, where they are identifiers or versions; in lists, times are quoted. */
static bool
read_quoted (struct filter_value *value, const struct search_attribute *attribute)
{
  int64_t integer;

  if (NULL == attribute || NULL == value->text.data)
    return false;
  if (attribute->is_time ? ! search_time_parse (&integer, value->text) : ! number_parse_int64 (value->text, &integer))
    return false;
  value->is_number = true;
  value->number = filter_number_of (integer);
  return true;
}

static enum err_code
test_number (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
             bool negated)
{
  for (size_t i = 0; i < comparison->count; i++)
    if (! comparison->values[i].is_number && ! read_quoted (&comparison->values[i], comparison->field.attribute))
      return not_number (parser, comparison, comparison->values[i].raw);
  switch (comparison->operation)
  {
  case OP_LIKE:
  case OP_ILIKE:
  case OP_REGEX:
  case OP_REGEX_FOLDED:
  case OP_UNKNOWN:
    return bad_comparator (parser, comparison);
  default:
    return SEARCH_DOUBLE == comparison->field.type ? filter_test_double (out, parser, comparison, negated)
                                                   : filter_test_int (out, parser, comparison, negated);
  }
}

enum err_code
filter_parse_test (struct filter_node **out, struct filter_parser *parser, bool negated)
{
  struct filter_comparison comparison = { .number = false };
  struct slice start = parser->token.text;
  enum err_code code = take_identifier (&comparison, parser);

  if (ERR_OK == code)
    code = take_operation (&comparison, parser);
  if (ERR_OK == code)
    code = resolve (&comparison, parser);
  if (ERR_OK == code)
    code = take_values (&comparison, parser);
  if (ERR_OK != code)
    return code;
  if (parser->tests++ == FILTER_MAX_TESTS)
    return filter_fail (parser, start, NULL, "The filter has more than %d comparisons; at most %d are allowed",
                        FILTER_MAX_TESTS, FILTER_MAX_TESTS);
  negated = negated != comparison.negated;
  if (OP_EXISTS == comparison.operation)
    return filter_new_test (out, parser, &comparison.field, FILTER_EXISTS, negated);
  return is_text (&comparison.field) ? test_text (out, parser, &comparison, negated)
                                     : test_number (out, parser, &comparison, negated);
}
