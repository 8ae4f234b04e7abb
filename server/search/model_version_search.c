/* Searching versions of registered models.

   DESIGN
   A filter that names one registered model, as nearly every one does, is turned into its number first. Then an index
   gives the versions in the order of the search, and a page costs what it holds and not what the model has. */
#include "search/model_version_search.h"

#include "base/hash.h"
#include "store/registered_model.h"

/* Of the registered model only what the versions have not: so nothing but registered_model_id is there twice. */
#define TABLE                                                                                                          \
  "(SELECT registered_model_id, workspace_id, name, is_prompt FROM registered_model) AS m"                             \
  " JOIN model_version AS v ON v.registered_model_id = m.registered_model_id"

static const struct search_attribute by_name = { NULL,  "m.name", SEARCH_TEXT,
                                                 false, false,    MODEL_VERSION_ATTRIBUTE_NAME,
                                                 false };
static const struct search_attribute by_number = { NULL,  "v.version", SEARCH_INT64,
                                                   false, false,       MODEL_VERSION_ATTRIBUTE_VERSION,
                                                   false };
static const struct search_attribute by_update = {
  NULL, "v.updated_at_ms", SEARCH_INT64, false, true, MODEL_VERSION_ATTRIBUTE_UPDATED, false
};

static const struct search_attribute prompt_tag = {
  NULL,        "coalesce(v.tags ->> 'mlflow.prompt.is_prompt', CASE WHEN m.is_prompt THEN 'true' ELSE 'false' END)",
  SEARCH_TEXT, false,
  false,       -1,
  false
};

/* A search under way. */
struct hunt
{
  const struct model_version_search *search;
  struct store_connection *connection;
  struct arena *arena;
  struct filter filter;
  int64_t numbers[REGISTRY_SCOPE_NUMBERS + 1]; /* the last: the one registered model */
  size_t number_count;
  const char *condition;
  struct search_order order;
  struct search_position position;
};

static uint64_t
hash_search (const struct model_version_search *search)
{
  uint64_t hash = search_hash (HASH_START, slice_of ("model versions"));

  hash = hash_bytes (hash, &search->scope.workspace_id, sizeof (search->scope.workspace_id));
  hash = search_hash (hash, search->filter);
  for (size_t i = 0; i < search->order_by_count; i++)
    hash = search_hash (hash, search->order_by[i]);
  return hash;
}

/* The number of the one registered model that the filter names. One that there is not has a number that none has. */
static enum err_code
find_model (bool *is_one, struct hunt *hunt, struct err *err)
{
  struct slice name = registry_scope_name (&hunt->filter);
  struct store_registered_model model = { .registered_model_id = 0 };
  struct result result = { NULL };
  enum err_code code;

  *is_one = NULL != name.data;
  if (! *is_one)
    return ERR_OK;
  code = store_registered_model_get (&model, &result, hunt->connection, hunt->search->scope.workspace_id, name, err);
  result_free (&result);
  hunt->numbers[hunt->number_count++] = model.registered_model_id;
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

static enum err_code
set_condition (struct hunt *hunt, bool is_one, struct err *err)
{
  bool prompts = registry_scope_prompts (&hunt->filter, &prompt_tag);
  enum err_code code =
      registry_scope_condition (&hunt->condition, &hunt->search->scope, prompts, hunt->connection, hunt->arena, err);

  if (ERR_OK != code)
    return code;
  hunt->condition = arena_printf (hunt->arena, "%s%s%s", hunt->condition,
                                  prompts ? "" : " AND coalesce(v.tags ->> 'mlflow.prompt.is_prompt', '') <> 'true'",
                                  is_one ? " AND v.registered_model_id = $3::int8" : "");
  return NULL == hunt->condition ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

/* Of one registered model all have the same name: it is no key of the order then, which it would only hide from the
   index. */
static void
complete_order (struct search_order *order, bool is_one)
{
  search_order_add (order, &by_update, true);
  search_order_add (order, &by_name, false);
  search_order_add (order, &by_number, true);
  for (size_t i = 0; is_one && i < order->count; i++)
    if (MODEL_VERSION_ATTRIBUTE_NAME == order->keys[i].field.attribute->number)
    {
      order->count--;
      memmove (&order->keys[i], &order->keys[i + 1], (order->count - i) * sizeof (order->keys[0]));
      break;
    }
}

static enum err_code
prepare (struct hunt *hunt, uint64_t hash, struct err *err)
{
  const struct model_version_search *search = hunt->search;
  bool is_one = false;
  enum err_code code = search_order_parse (&hunt->order, search->order_by, search->order_by_count,
                                           &search_model_versions, hunt->arena, err);

  if (ERR_OK == code)
    code = filter_parse (&hunt->filter, search->filter, &search_model_versions, search->now_ms, hunt->arena, err);
  if (ERR_OK == code)
    code = find_model (&is_one, hunt, err);
  if (ERR_OK != code)
    return code;
  complete_order (&hunt->order, is_one);
  code = search_token_parse (&hunt->position, search->page_token, &hunt->order, hash, hunt->arena, err);
  return ERR_OK == code ? set_condition (hunt, is_one, err) : code;
}

static enum err_code
read_page (struct model_version_page *page, size_t max_results, struct arena *arena, struct err *err)
{
  struct column columns[STORE_MODEL_VERSION_COLUMNS + 1];
  size_t rows = result_count (&page->result);
  enum err_code code = ERR_OK;

  memcpy (columns, store_model_version_columns, sizeof (store_model_version_columns));
  columns[STORE_MODEL_VERSION_COLUMNS] =
      (struct column){ COLUMN_TEXT, offsetof (struct model_version_found, position) };
  page->count = rows > max_results ? max_results : rows;
  page->more = rows > page->count;
  page->versions = arena_array (arena, page->count, sizeof (*page->versions));
  if (NULL == page->versions)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  for (size_t i = 0; ERR_OK == code && i < page->count; i++)
    code = result_row (&page->versions[i], &page->result, i, columns, COLUMN_COUNT (columns), err);
  return code;
}

enum err_code
model_version_search (struct model_version_page *page, struct store_connection *connection,
                      const struct model_version_search *search, struct arena *arena, struct err *err)
{
  struct hunt hunt = { .search = search,
                       .connection = connection,
                       .arena = arena,
                       .numbers = { search->scope.workspace_id, search->scope.account_id },
                       .number_count = REGISTRY_SCOPE_NUMBERS };
  int64_t most = search->max_results > MODEL_VERSION_PAGE_MAX ? MODEL_VERSION_PAGE_MAX : search->max_results;
  struct filter_table table = { .name = TABLE, .numbers = hunt.numbers };
  struct search_source source = { .columns = STORE_MODEL_VERSION_SELECT, .table = TABLE, .numbers = hunt.numbers };
  struct filter_sql sql;
  enum err_code code;

  *page = (struct model_version_page){ .hash = hash_search (search) };
  code = prepare (&hunt, page->hash, err);
  if (ERR_OK != code)
    return code;
  table.condition = hunt.condition;
  table.number_count = hunt.number_count;
  source.condition = hunt.condition;
  source.number_count = hunt.number_count;
  source.filter = &sql;
  code = filter_sql_make (&sql, &hunt.filter, &table, (unsigned)hunt.number_count + 1, connection, arena, err);
  if (ERR_OK == code)
    code = search_page (&page->result, connection, &source, VIEW_ACTIVE_ONLY, &hunt.order, &hunt.position, most, arena,
                        err);
  return ERR_OK == code ? read_page (page, (size_t)most, arena, err) : code;
}

struct slice
model_version_page_token (const struct model_version_page *page, size_t count, struct arena *arena)
{
  if (0 == count || (count == page->count && ! page->more))
    return (struct slice){ NULL, 0 };
  return search_token_make (page->versions[count - 1].position, page->hash, arena);
}
