/* SQL of a search's order and the page tokens that name a place in it. */
#include "base/hash.h"
#include "base/number.h"
#include "base/token.h"
#include "search/order.h"

#include <assert.h>
#include <inttypes.h>

/* SQL of one search: a dozen keys, each named a few times, and the longest filter. */
#define SQL_MAX_BYTES ((size_t)1024 * 1024)

static const char *const sql_types[] = {
  [SEARCH_INT64] = "int8", [SEARCH_DOUBLE] = "float8", [SEARCH_TEXT] = "text", [SEARCH_UUID] = "uuid"
};

/* Params and tags may be missing from every row. */
static bool
is_nullable (const struct search_key *key)
{
  return NULL == key->field.attribute || key->field.attribute->nullable;
}

/* "$3": the parameter that was appended last. */
static void
put_parameter (struct buffer *sql, const struct parameters *parameters)
{
  buffer_printf (sql, "$%u", parameters->count);
}

static void
put_expression (struct buffer *sql, struct parameters *parameters, const struct search_key *key)
{
  if (SEARCH_ATTRIBUTE == key->field.entity)
  {
    buffer_printf (sql, "(%s)", key->field.attribute->sql);
    return;
  }
  if (NULL != key->ranks.data)
  {
    /* The object is a constant to the planner, which reads it once. */
    buffer_printf (sql, "((($%u::text)::jsonb ->> %s)::int8)", key->parameter, key->id);
    return;
  }
  parameter_text (parameters, key->field.key);
  buffer_printf (sql, "((%s ->> $%u::text) COLLATE \"C\")", SEARCH_PARAM == key->field.entity ? "params" : "tags",
                 parameters->count);
}

static void
put_position (struct buffer *sql, struct parameters *parameters, const struct search_order *order)
{
  buffer_text (sql, "jsonb_build_array(");
  for (size_t i = 0; i < order->count; i++)
  {
    if (i > 0)
      buffer_text (sql, ", ");
    put_expression (sql, parameters, &order->keys[i]);
    buffer_text (sql, "::text");
  }
  buffer_text (sql, ")::text");
}

static void
put_value (struct buffer *sql, struct parameters *parameters, const struct search_key *key, struct slice value)
{
  parameter_text (parameters, value);
  put_parameter (sql, parameters);
  buffer_printf (sql, "::text::%s", sql_types[key->field.type]);
}

/* The rows that this key alone puts behind the position. NULL stands behind every value in both directions. */
static void
put_behind (struct buffer *sql, struct parameters *parameters, const struct search_key *key, struct slice value)
{
  if (NULL == value.data)
  {
    buffer_text (sql, "false");
    return;
  }
  buffer_byte (sql, '(');
  put_expression (sql, parameters, key);
  buffer_text (sql, key->descending ? " < " : " > ");
  put_value (sql, parameters, key, value);
  if (is_nullable (key))
  {
    buffer_text (sql, " OR ");
    put_expression (sql, parameters, key);
    buffer_text (sql, " IS NULL");
  }
  buffer_byte (sql, ')');
}

static void
put_equal (struct buffer *sql, struct parameters *parameters, const struct search_key *key, struct slice value)
{
  put_expression (sql, parameters, key);
  if (NULL == value.data)
  {
    buffer_text (sql, " IS NULL");
    return;
  }
  buffer_text (sql, " = ");
  put_value (sql, parameters, key, value);
}

/* Several keys in one direction, none of which can be missing: they compare as one row. */
static bool
is_row (const struct search_order *order)
{
  for (size_t i = 0; i < order->count; i++)
    if (is_nullable (&order->keys[i]) || order->keys[i].descending != order->keys[0].descending)
      return false;
  return order->count > 1;
}

/* As a row, so that an index on all keys is entered just behind the position, however many rows share its first key. */
static void
put_row_after (struct buffer *sql, struct parameters *parameters, const struct search_order *order,
               const struct search_position *position)
{
  buffer_text (sql, " AND (");
  for (size_t i = 0; i < order->count; i++)
  {
    buffer_text (sql, i > 0 ? ", " : "");
    put_expression (sql, parameters, &order->keys[i]);
  }
  buffer_text (sql, order->keys[0].descending ? ") < (" : ") > (");
  for (size_t i = 0; i < order->count; i++)
  {
    buffer_text (sql, i > 0 ? ", " : "");
    put_value (sql, parameters, &order->keys[i], position->values[i]);
  }
  buffer_byte (sql, ')');
}

static void
put_after (struct buffer *sql, struct parameters *parameters, const struct search_order *order,
           const struct search_position *position)
{
  size_t open = 0;

  if (! position->has_values)
    return;
  if (is_row (order))
  {
    put_row_after (sql, parameters, order, position);
    return;
  }
  /* A bound on the first key alone, which an index can use. */
  if (! is_nullable (&order->keys[0]))
  {
    buffer_text (sql, " AND ");
    put_expression (sql, parameters, &order->keys[0]);
    buffer_text (sql, order->keys[0].descending ? " <= " : " >= ");
    put_value (sql, parameters, &order->keys[0], position->values[0]);
  }
  buffer_text (sql, " AND ");
  for (size_t i = 0; i < order->count; i++)
  {
    buffer_byte (sql, '(');
    open++;
    put_behind (sql, parameters, &order->keys[i], position->values[i]);
    if (i + 1 == order->count)
      break;
    buffer_text (sql, " OR ");
    put_equal (sql, parameters, &order->keys[i], position->values[i]);
    buffer_text (sql, " AND ");
  }
  while (open-- > 0)
    buffer_byte (sql, ')');
}

static void
put_order (struct buffer *sql, struct parameters *parameters, const struct search_order *order)
{
  buffer_text (sql, " ORDER BY ");
  for (size_t i = 0; i < order->count; i++)
  {
    if (i > 0)
      buffer_text (sql, ", ");
    put_expression (sql, parameters, &order->keys[i]);
    buffer_text (sql, order->keys[i].descending ? " DESC" : " ASC");
    if (is_nullable (&order->keys[i]))
      buffer_text (sql, " NULLS LAST");
  }
}

static void
put_limit (struct buffer *sql, struct parameters *parameters, int64_t limit)
{
  parameter_int64 (parameters, limit);
  buffer_printf (sql, " LIMIT $%u::int8", parameters->count);
}

/* " WHERE ...": the condition, the view, the filter, and what lies behind the position. */
static void
put_condition (struct buffer *sql, struct parameters *parameters, const struct search_source *source, const char *owner,
               enum search_view view, const struct search_order *order, const struct search_position *position)
{
  buffer_printf (sql, " WHERE %s%s%s", source->condition, owner, search_view_sql (view));
  if (NULL != source->filter && NULL != source->filter->condition)
    buffer_printf (sql, " AND %s", source->filter->condition);
  put_after (sql, parameters, order, position);
}

/* " FROM ...". One owner is compared with =, so that an index in the order of the search gives just the rows of the
   page; of several owners each gives a page of its own that way, and the best of all are kept. */
static void
put_source (struct buffer *sql, struct parameters *parameters, const struct search_source *source,
            enum search_view view, const struct search_order *order, const struct search_position *position,
            int64_t limit)
{
  if (source->owner_count <= 1)
  {
    buffer_printf (sql, " FROM %s", source->table);
    put_condition (sql, parameters, source, NULL == source->owners ? "" : "$1::int8", view, order, position);
    return;
  }
  buffer_printf (sql, " FROM (SELECT DISTINCT unnest($1::int8[]) AS owner) AS owners, LATERAL (SELECT * FROM %s",
                 source->table);
  put_condition (sql, parameters, source, "owners.owner", view, order, position);
  put_order (sql, parameters, order);
  put_limit (sql, parameters, limit);
  buffer_printf (sql, ") AS %s", source->table);
}

enum err_code
search_page (struct result *result, struct store_connection *connection, const struct search_source *source,
             enum search_view view, const struct search_order *given, const struct search_position *position,
             int64_t max_results, struct arena *arena, struct err *err)
{
  struct search_order bound = *given;
  const struct search_order *order = &bound;
  struct statement statement = { NULL, NULL, 0 };
  struct parameters parameters;
  struct buffer sql;
  int64_t limit = max_results + 1;
  enum err_code code;

  assert (search_order_in_sql (order));
  buffer_init (&sql, SQL_MAX_BYTES);
  parameters_init (&parameters, arena);
  if (1 == source->owner_count)
    parameter_int64 (&parameters, source->owners[0]);
  else if (source->owner_count > 1)
    parameter_int64_array (&parameters, source->owners, source->owner_count);
  for (size_t i = 0; i < source->number_count; i++)
    parameter_int64 (&parameters, source->numbers[i]);
  if (NULL != source->filter)
    filter_sql_parameters (&parameters, source->filter);
  for (size_t i = 0; i < bound.count; i++)
    if (NULL != bound.keys[i].ranks.data)
    {
      parameter_text (&parameters, bound.keys[i].ranks);
      bound.keys[i].parameter = parameters.count;
    }
  buffer_printf (&sql, "SELECT %s, ", source->columns);
  put_position (&sql, &parameters, order);
  put_source (&sql, &parameters, source, view, order, position,
              position->offset > INT64_MAX - limit ? INT64_MAX : limit + position->offset);
  put_order (&sql, &parameters, order);
  put_limit (&sql, &parameters, limit);
  parameter_int64 (&parameters, position->offset);
  buffer_printf (&sql, " OFFSET $%u::int8", parameters.count);
  statement.sql = sql.data;
  statement.parameters = parameters.count;
  if (sql.failed)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "order_by is too long.");
  else
    code = store_query (result, connection, &statement, &parameters, err);
  buffer_free (&sql);
  return code;
}

uint64_t
search_hash (uint64_t hash, struct slice text)
{
  /* A byte that no UTF-8 text has keeps "ab" "c" and "a" "bc" apart. */
  return hash_bytes (hash_bytes (hash, text.data, text.len), "\xFF", 1);
}

struct slice
search_token_make (struct slice values, uint64_t hash, struct arena *arena)
{
  return token_make (arena_printf (arena, "{\"after\":%.*s,\"search\":\"%016" PRIx64 "\"}", SLICE_ARG (values), hash),
                     arena);
}

static enum err_code
bad_token (const char *why, struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid page token, %s; start again without one.", why);
}

/* "01234567-89ab-cdef-0123-456789abcdef", as PostgreSQL prints it. */
static bool
is_uuid_text (struct slice text)
{
  static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

  if (text.len != sizeof (form) - 1)
    return false;
  for (size_t i = 0; i < text.len; i++)
    if ('-' == form[i] ? '-' != text.data[i] : NULL == memchr ("0123456789abcdef", text.data[i], 16))
      return false;
  return true;
}

/* Whether a value can be compared with its key, so that PostgreSQL does not have to say no. */
static bool
fits (const struct search_key *key, const json_t *value)
{
  struct slice text = { json_string_value (value), json_string_length (value) };
  int64_t number;
  double real;

  if (json_is_null (value))
    return is_nullable (key);
  if (NULL == text.data || NULL != memchr (text.data, '\0', text.len))
    return false;
  switch (key->field.type)
  {
  case SEARCH_INT64:
    return number_parse_int64 (text, &number);
  case SEARCH_DOUBLE:
    return search_number (&real, text);
  case SEARCH_UUID:
    return is_uuid_text (text);
  case SEARCH_TEXT:
  default:
    return true;
  }
}

static enum err_code
read_values (struct search_position *position, const json_t *values, const struct search_order *order,
             struct arena *arena, struct err *err)
{
  if (json_array_size (values) != order->count)
    return bad_token ("it belongs to another search", err);
  for (size_t i = 0; i < order->count; i++)
  {
    const json_t *value = json_array_get (values, i);
    struct slice text = { json_string_value (value), json_string_length (value) };

    if (! fits (&order->keys[i], value))
      return bad_token ("it is damaged", err);
    position->values[i] = (struct slice){ arena_string (arena, text), text.len };
  }
  position->has_values = true;
  return ERR_OK;
}

enum err_code
search_token_parse (struct search_position *position, struct slice token, const struct search_order *order,
                    uint64_t hash, struct arena *arena, struct err *err)
{
  json_t *json;
  const json_t *offset;
  char expected[17];
  enum err_code code = ERR_OK;

  *position = (struct search_position){ .present = slice_filled (token) };
  if (! position->present)
    return ERR_OK;
  json = token_open (token, arena);
  if (NULL == json)
  {
    code = bad_token ("it could not be decoded", err);
    goto out;
  }
  offset = json_object_get (json, "offset");
  if (json_is_integer (offset) && json_integer_value (offset) >= 0)
  {
    /* The form that MLflow's own server gives out. */
    position->offset = json_integer_value (offset);
    goto out;
  }
  snprintf (expected, sizeof (expected), "%016" PRIx64, hash);
  if (! json_is_array (json_object_get (json, "after")) || ! json_is_string (json_object_get (json, "search")))
    code = bad_token ("it is damaged", err);
  else if (0 != strcmp (expected, json_string_value (json_object_get (json, "search"))))
    code = bad_token ("it belongs to another search", err);
  else
    code = read_values (position, json_object_get (json, "after"), order, arena, err);
out:
  json_decref (json);
  return code;
}
