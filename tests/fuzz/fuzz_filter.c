/* Filters: any text is read without harm for every resource; what is accepted is a well-formed tree, and what is
   refused has a message that is text. */
#include "fuzz.h"

#include "base/number.h"
#include "base/utf8.h"
#include "search/filter.h"

#include <math.h>
#include <string.h>

/* The ceiling of a request. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define NOW_MS INT64_C (1700000000000)

static const struct search_resource *const resources[] = { &search_runs, &search_experiments, &search_registered_models,
                                                           &search_model_versions, &search_logged_models };

static void
check_field (const struct search_field *field, const struct search_resource *resource)
{
  bool attribute = SEARCH_ATTRIBUTE == field->entity || SEARCH_DATASET == field->entity;

  REQUIRE (field->entity < SEARCH_ENTITY_COUNT && 0 != (resource->abilities[field->entity] & SEARCH_CAN_FILTER));
  REQUIRE (attribute == (NULL != field->attribute) && attribute == (NULL == field->key.data));
  if (attribute)
    REQUIRE (field->type == field->attribute->type && ! field->attribute->order_only);
  else
    REQUIRE (field->type == (SEARCH_METRIC == field->entity || field->as_number ? SEARCH_DOUBLE : SEARCH_TEXT));
  REQUIRE (! field->as_number || SEARCH_PARAM == field->entity || SEARCH_TAG == field->entity);
  REQUIRE ((SEARCH_LATEST == field->part && NULL == field->part_key.data) || SEARCH_METRIC == field->entity);
  REQUIRE (utf8_valid (field->key));
}

static void
check_lists (const struct filter_node *node)
{
  for (size_t i = 0; i < node->count; i++)
    switch (node->test)
    {
    case FILTER_INT_LIST:
      REQUIRE (0 == i || node->ints[i - 1] < node->ints[i]);
      break;
    case FILTER_DOUBLE_LIST:
      REQUIRE (! isnan (node->doubles[i]) && (0 == i || node->doubles[i - 1] < node->doubles[i]));
      REQUIRE (0 != node->doubles[i] || ! signbit (node->doubles[i]));
      break;
    default:
      REQUIRE (0 == i || slice_compare (node->texts[i - 1], node->texts[i]) < 0);
      REQUIRE (utf8_valid (node->texts[i])
               && (0 == node->texts[i].len || NULL == memchr (node->texts[i].data, '\0', node->texts[i].len)));
      break;
    }
}

static void
check_test (const struct filter_node *node, const struct filter *filter)
{
  enum search_type type;
  bool matches;

  REQUIRE (NULL == node->first && node->field < filter->field_count);
  type = filter->fields[node->field].type;
  switch (node->test)
  {
  case FILTER_EXISTS:
    break;
  case FILTER_INT_RANGE:
  case FILTER_INT_LIST:
    REQUIRE (SEARCH_INT64 == type);
    break;
  case FILTER_DOUBLE_RANGE:
  case FILTER_DOUBLE_LIST:
  case FILTER_IS_NAN:
    REQUIRE (SEARCH_DOUBLE == type);
    break;
  default:
    REQUIRE (SEARCH_TEXT == type || SEARCH_UUID == type);
    break;
  }
  REQUIRE ((FILTER_PATTERN == node->test) == (NULL != node->pattern));
  if (NULL != node->pattern)
    (void)search_pattern_match (&matches, node->pattern, SLICE ("Some text, 123"), NULL);
  check_lists (node);
}

/* Returns the number of tests. */
static size_t
check_node (const struct filter_node *node, const struct filter *filter, size_t depth)
{
  size_t tests = 0;
  size_t children = 0;

  REQUIRE (depth <= FILTER_MAX_DEPTH + 2);
  if (FILTER_TEST == node->kind)
  {
    check_test (node, filter);
    return 1;
  }
  for (const struct filter_node *child = node->first; NULL != child; child = child->next, children++)
  {
    REQUIRE (child->kind != node->kind);
    tests += check_node (child, filter, depth + 1);
  }
  REQUIRE (children >= 2);
  return tests;
}

static void
check_accepted (const struct filter *filter, const struct search_resource *resource)
{
  for (size_t i = 0; i < filter->field_count; i++)
  {
    check_field (&filter->fields[i], resource);
    for (size_t k = 0; k < i; k++)
      REQUIRE (! search_field_same (&filter->fields[i], &filter->fields[k]));
  }
  /* A list with NaN is two tests. */
  if (NULL != filter->root)
    REQUIRE (NULL == filter->root->next && check_node (filter->root, filter, 0) <= 2 * FILTER_MAX_TESTS);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };

  for (size_t i = 0; i < sizeof (resources) / sizeof (resources[0]); i++)
  {
    struct arena *arena = arena_new (ARENA_BYTES);
    struct filter filter;
    struct err err = { 0 };
    enum err_code code;

    REQUIRE (NULL != arena);
    code = filter_parse (&filter, text, resources[i], NOW_MS, arena, &err);
    if (ERR_OK == code)
      check_accepted (&filter, resources[i]);
    else
    {
      REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err.code && '\0' != err.message[0]);
      REQUIRE (utf8_valid (slice_of (err.message)));
    }
    arena_free (arena);
  }
  return 0;
}
