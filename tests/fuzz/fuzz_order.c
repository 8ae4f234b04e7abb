/* order_by: any clauses are read without harm, name only what the program knows, and mean the same when written anew.
   The input is clauses with NUL between them. */
#include "fuzz.h"

#include "search/order.h"

#include <string.h>

/* Messages quote their clauses; a list of clauses is written once for each of them. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
/* Above the most that are accepted. */
#define CLAUSES_MAX 16

static const struct search_resource *const resources[] = { &search_runs, &search_experiments, &search_registered_models,
                                                           &search_model_versions, &search_logged_models };

static bool
is_within (struct slice part, struct slice whole)
{
  return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

/* The field is one of the resource, and its keys are parts of the clause. */
static void
check_field (const struct search_field *field, const struct search_resource *resource, struct slice clause)
{
  REQUIRE (field->entity < SEARCH_ENTITY_COUNT && 0 != (resource->abilities[field->entity] & SEARCH_CAN_ORDER));
  REQUIRE ((NULL != field->attribute) == (SEARCH_ATTRIBUTE == field->entity));
  REQUIRE ((NULL == field->key.data) == (SEARCH_ATTRIBUTE == field->entity));
  if (NULL != field->attribute)
    REQUIRE (field->attribute >= resource->attributes
             && field->attribute < resource->attributes + resource->attribute_count
             && field->type == field->attribute->type);
  else
    REQUIRE (field->key.len > 0 && is_within (field->key, clause)
             && field->type == (field->as_number || SEARCH_METRIC == field->entity ? SEARCH_DOUBLE : SEARCH_TEXT));
  REQUIRE (! field->as_number || SEARCH_PARAM == field->entity || SEARCH_TAG == field->entity);
  REQUIRE (SEARCH_LATEST == field->part || SEARCH_METRIC == field->entity);
  if (NULL != field->part_key.data)
    REQUIRE (SEARCH_METRIC == field->entity && SEARCH_LATEST == field->part && SEARCH_LATEST != field->key_part
             && field->part_key.len > 0 && field->part_key.len < field->key.len && is_within (field->part_key, clause));
}

/* What is written with quotes means the same; keys that hold a quote themselves are left out. */
static void
check_again (const struct search_key *key, const struct search_resource *resource, struct arena *arena)
{
  static const char *const names[] = { NULL, "metrics", "params", "tags" };
  const struct search_field *field = &key->field;
  struct search_order order;
  struct slice clause;

  if (NULL != memchr (field->key.data, '`', field->key.len) || NULL != memchr (field->key.data, '"', field->key.len))
    return;
  clause = slice_of (arena_printf (
      arena, "%s%s.`%.*s`%s%s%s %s", field->as_number ? "number(" : "", names[field->entity], SLICE_ARG (field->key),
      SEARCH_LATEST == field->part ? "" : ".", SEARCH_LATEST == field->part ? "" : search_part_names[field->part],
      field->as_number ? ")" : "", key->descending ? "DESC" : "ASC"));
  REQUIRE (NULL != clause.data);
  REQUIRE (ERR_OK == search_order_parse (&order, &clause, 1, resource, arena, NULL));
  REQUIRE (1 == order.count && order.keys[0].descending == key->descending
           && order.keys[0].field.entity == field->entity && slice_equal (order.keys[0].field.key, field->key)
           && order.keys[0].field.part == field->part && order.keys[0].field.as_number == field->as_number
           && NULL == order.keys[0].field.part_key.data);
}

static void
check_order (const struct slice *clauses, size_t count, const struct search_resource *resource, struct arena *arena)
{
  struct search_order order;
  struct err err = { 0 };
  enum err_code code = search_order_parse (&order, clauses, count, resource, arena, &err);

  if (ERR_OK != code)
  {
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err.code && '\0' != err.message[0]);
    return;
  }
  REQUIRE (order.count == count && count <= SEARCH_ORDER_MAX - 2);
  for (size_t i = 0; i < count; i++)
  {
    check_field (&order.keys[i].field, resource, clauses[i]);
    if (NULL != order.keys[i].field.key.data)
      check_again (&order.keys[i], resource, arena);
    for (size_t j = 0; j < i; j++)
      REQUIRE (! search_field_same (&order.keys[i].field, &order.keys[j].field));
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  struct slice clauses[CLAUSES_MAX];
  size_t count = 0;
  size_t start = 0;

  REQUIRE (NULL != arena);
  for (size_t at = 0; at <= size && count < CLAUSES_MAX; at++)
    if (at == size || '\0' == data[at])
    {
      clauses[count++] = (struct slice){ (const char *)data + start, at - start };
      start = at + 1;
    }
  for (size_t i = 0; i < sizeof (resources) / sizeof (resources[0]); i++)
    check_order (clauses, count, resources[i], arena);
  arena_free (arena);
  return 0;
}
