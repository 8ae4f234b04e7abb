/* group_by, aggregates, distinct and fields: any items are read without harm, and what is accepted names fields of
   runs. The input is items with NUL between them; the first byte says which list they are. */
#include "fuzz.h"

#include "api/run_documents.h"

#include <string.h>

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
/* Above the most that are accepted of any list but `fields`. */
#define ITEMS_MAX 40

static void
check_code (enum err_code code, const struct err *err)
{
  if (ERR_OK != code)
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err->code && '\0' != err->message[0]);
}

/* Places are those of fields, and of the kinds that a list allows. */
static void
check_query (const struct run_group_query *query, const struct run_group_request *request,
             const struct run_fields *fields)
{
  REQUIRE (query->group_by_count == request->group_by_count && query->aggregate_count == request->aggregate_count
           && query->distinct_count == request->distinct_count);
  REQUIRE (query->group_by_count <= RUN_GROUP_FIELDS_MAX && query->aggregate_count <= RUN_GROUP_AGGREGATES_MAX
           && query->distinct_count <= RUN_DISTINCT_FIELDS_MAX);
  for (size_t i = 0; i < query->group_by_count; i++)
    REQUIRE (query->group_by[i] < fields->count && RUN_CELLS_TEXTS != fields->items[query->group_by[i]].kind
             && RUN_CELLS_ID != fields->items[query->group_by[i]].kind);
  for (size_t i = 0; i < query->aggregate_count; i++)
    REQUIRE (query->aggregates[i].field < fields->count && query->aggregates[i].function < RUN_AGGREGATE_FUNCTIONS
             && (RUN_AGGREGATE_COUNT == query->aggregates[i].function
                 || SEARCH_TEXT != fields->items[query->aggregates[i].field].field.type));
  for (size_t i = 0; i < query->distinct_count; i++)
    REQUIRE (query->distinct[i] < fields->count && RUN_CELLS_ID != fields->items[query->distinct[i]].kind);
}

static void
check_keys (const struct slice *keys, size_t count)
{
  for (size_t i = 1; i < count; i++)
    REQUIRE (slice_compare (keys[i - 1], keys[i]) < 0);
}

static void
check_projection (const struct slice *items, size_t count, struct arena *arena)
{
  struct run_projection projection;
  struct err err = { 0 };
  enum err_code code = run_projection_parse (&projection, items, count, arena, &err);

  check_code (code, &err);
  if (ERR_OK != code)
    return;
  REQUIRE (projection.everything == (0 == count));
  REQUIRE (projection.metric_count + projection.param_count + projection.tag_count <= count);
  check_keys (projection.metric_keys, projection.metric_count);
  check_keys (projection.param_keys, projection.param_count);
  check_keys (projection.tag_keys, projection.tag_count);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const struct slice group = SLICE ("params.a");
  struct arena *arena = arena_new (ARENA_BYTES);
  struct slice items[ITEMS_MAX];
  struct run_group_request request = { .group_by = &group, .group_by_count = 1 };
  struct run_group_query query;
  struct run_fields fields;
  struct err err = { 0 };
  size_t count = 0;
  size_t start = 1;
  enum err_code code;

  REQUIRE (NULL != arena);
  for (size_t at = 1; at <= size && count < ITEMS_MAX; at++)
    if (at == size || '\0' == data[at])
    {
      items[count++] = (struct slice){ (const char *)data + start, at - start };
      start = at + 1;
    }
  switch (0 == size ? '\0' : data[0])
  {
  case 'g':
    request = (struct run_group_request){ .group_by = items, .group_by_count = count };
    break;
  case 'a':
    request.aggregates = items;
    request.aggregate_count = count;
    break;
  case 'd':
    request.distinct = items;
    request.distinct_count = count;
    break;
  default:
    check_projection (items, count, arena);
    break;
  }
  run_fields_init (&fields, arena);
  code = run_group_parse (&query, &request, &fields, arena, &err);
  check_code (code, &err);
  if (ERR_OK == code)
    check_query (&query, &request, &fields);
  arena_free (arena);
  return 0;
}
