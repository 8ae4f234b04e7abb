/* Searching logged models: metrics are judged here, everything else by PostgreSQL. */
#include "search/logged_model_search.h"

#include "base/hash.h"
#include "search/field_private.h"
#include "search/model_values.h"

#include <inttypes.h>

static const struct search_attribute by_creation = {
  NULL, "created_at_ms", SEARCH_INT64, false, true, LOGGED_MODEL_ATTRIBUTE_CREATED, false
};
static const struct search_attribute by_id = { NULL, "model_id", SEARCH_TEXT, false, false, LOGGED_MODEL_ATTRIBUTE_ID,
                                               false };
/* MLflow sorts by the number. */
static const struct search_attribute by_status = { NULL,  "status::int8", SEARCH_INT64,
                                                   false, false,          LOGGED_MODEL_ATTRIBUTE_STATUS,
                                                   false };

/* One search on its way. */
struct hunt
{
  const struct logged_model_search *search;
  struct store_connection *connection;
  struct arena *arena;
  struct filter filter;
  struct search_order order;
  const struct model_dataset *datasets[SEARCH_ORDER_MAX]; /* of each key that is a metric */
  struct model_values values;
};

/* --- order ------------------------------------------------------------------------------------------------------- */

static enum err_code
bad_field (struct slice field, bool has_entity, struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid order by field name: %.*s%s", SLICE_ARG (field),
                  has_entity ? ". Only metrics are supported." : "");
}

static enum err_code
add_metric (struct hunt *hunt, const struct model_order *item, struct err *err)
{
  struct search_key *key = &hunt->order.keys[hunt->order.count];
  const char *dot = memchr (item->field.data, '.', item->field.len);
  const struct slice raw = { dot + 1, (size_t)(item->field.data + item->field.len - dot - 1) };

  *key = (struct search_key){ .descending = item->descending };
  /* MLflow takes the key as it is; where that cannot be read as a field, it is taken so here too. */
  if (! search_field_readable (item->field)
      || ERR_OK
             != search_field_parse (&key->field, item->field, &search_logged_models, SEARCH_CAN_ORDER, hunt->arena,
                                    NULL))
    key->field = (struct search_field){ .entity = SEARCH_METRIC, .key = raw };
  if (0 == raw.len)
    return bad_field (item->field, false, err);
  hunt->datasets[hunt->order.count++] = &item->dataset;
  return ERR_OK;
}

static enum err_code
parse_order (struct hunt *hunt, struct err *err)
{
  const struct logged_model_search *search = hunt->search;
  /* Two places stay free for the tie-breakers. */
  const size_t most = SEARCH_ORDER_MAX - 2;
  enum err_code code = ERR_OK;

  if (search->order_by_count > most)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "order_by has %zu clauses; at most %zu are allowed.",
                    search->order_by_count, most);
  for (size_t i = 0; ERR_OK == code && i < search->order_by_count; i++)
  {
    const struct model_order *item = &search->order_by[i];
    const struct slice metrics = SLICE ("metrics.");
    const struct search_attribute *attribute = search_attribute_find (&search_logged_models, item->field);

    if (NULL != attribute)
      search_order_add (&hunt->order, LOGGED_MODEL_ATTRIBUTE_STATUS == attribute->number ? &by_status : attribute,
                        item->descending);
    else if (item->field.len >= metrics.len && 0 == memcmp (item->field.data, metrics.data, metrics.len))
      code = add_metric (hunt, item, err);
    else
      code =
          bad_field (item->field, item->field.len > 0 && NULL != memchr (item->field.data, '.', item->field.len), err);
  }
  search_order_add (&hunt->order, &by_creation, true);
  search_order_add (&hunt->order, &by_id, false);
  return code;
}

/* Metrics in the order as integers, once their values are known. */
static enum err_code
rank_metrics (struct hunt *hunt, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < hunt->order.count; i++)
  {
    struct search_key *key = &hunt->order.keys[i];

    if (SEARCH_METRIC != key->field.entity)
      continue;
    code = model_values_rank (&key->ranks, &hunt->values, &key->field, hunt->datasets[i], key->descending, err);
    key->id = "model_id";
    key->field.type = SEARCH_INT64;
  }
  return code;
}

/* --- filter ------------------------------------------------------------------------------------------------------ */

/* MLflow knows the status by its number, clients by its name, with or without what all names begin with. */
static struct slice
status_name (struct slice text)
{
  static const struct slice begin = SLICE ("LOGGED_MODEL_");

  if (1 == text.len && text.data[0] >= '0' && text.data[0] < '0' + LOGGED_MODEL_STATUS_COUNT)
    return slice_of (logged_model_status_names[text.data[0] - '0']);
  for (size_t i = 0; i < LOGGED_MODEL_STATUS_COUNT; i++)
    if (slice_is (text, logged_model_status_names[i] + begin.len))
      return slice_of (logged_model_status_names[i]);
  return slice_is (text, "UNSPECIFIED") ? slice_of (logged_model_status_names[LOGGED_MODEL_UNSPECIFIED]) : text;
}

/* Prepare the tests below a node; tells whether one of them is of a metric. */
static bool
prepare_tests (struct hunt *hunt, struct filter_node *node)
{
  const struct search_field *field;
  bool metrics = false;

  for (struct filter_node *child = node->first; NULL != child; child = child->next)
    metrics = prepare_tests (hunt, child) || metrics;
  if (FILTER_TEST != node->kind)
    return metrics;
  field = &hunt->filter.fields[node->field];
  if (FILTER_TEXT_LIST == node->test && SEARCH_ATTRIBUTE == field->entity
      && LOGGED_MODEL_ATTRIBUTE_STATUS == field->attribute->number)
  {
    struct slice *texts = arena_array (hunt->arena, node->count, sizeof (struct slice));

    for (size_t i = 0; NULL != texts && i < node->count; i++)
      texts[i] = status_name (node->texts[i]);
    node->texts = NULL == texts ? node->texts : texts;
  }
  return SEARCH_METRIC == field->entity;
}

/* Data sets without a test of a metric ask for models that have any metric on one of them. */
static enum err_code
require_any_metric (struct hunt *hunt, struct err *err)
{
  struct filter *filter = &hunt->filter;
  struct search_field *fields = arena_array (hunt->arena, filter->field_count + 1, sizeof (struct search_field));
  struct filter_node *test = arena_alloc (hunt->arena, sizeof (struct filter_node));
  struct filter_node *both = arena_alloc (hunt->arena, sizeof (struct filter_node));

  if (NULL == fields || NULL == test || NULL == both)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (filter->field_count > 0)
    memcpy (fields, filter->fields, filter->field_count * sizeof (fields[0]));
  fields[filter->field_count] = (struct search_field){ .entity = SEARCH_METRIC, .type = SEARCH_DOUBLE };
  *test = (struct filter_node){ .kind = FILTER_TEST, .test = FILTER_EXISTS, .field = filter->field_count };
  filter->fields = fields;
  filter->field_count++;
  if (NULL == filter->root)
  {
    filter->root = test;
    return ERR_OK;
  }
  *both = (struct filter_node){ .kind = FILTER_AND, .first = filter->root };
  filter->root->next = test;
  filter->root = both;
  return ERR_OK;
}

static enum err_code
parse_filter (struct hunt *hunt, struct err *err)
{
  const struct logged_model_search *search = hunt->search;
  bool metrics = false;
  enum err_code code =
      filter_parse (&hunt->filter, search->filter, &search_logged_models, search->now_ms, hunt->arena, err);

  if (ERR_OK == code && NULL != hunt->filter.root)
    metrics = prepare_tests (hunt, hunt->filter.root);
  if (ERR_OK == code && arena_overflowed (hunt->arena))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return ERR_OK == code && search->dataset_count > 0 && ! metrics ? require_any_metric (hunt, err) : code;
}

/* --- pages ------------------------------------------------------------------------------------------------------- */

/* The arguments that a token belongs to. */
static uint64_t
hash_search (const struct logged_model_search *search)
{
  uint64_t hash = search_hash (HASH_START, slice_of ("logged models"));

  hash = hash_bytes (hash, search->asked_ids, search->asked_count * sizeof (search->asked_ids[0]));
  hash = search_hash (hash, search->filter);
  for (size_t i = 0; i < search->dataset_count; i++)
    hash = search_hash (search_hash (hash, search->datasets[i].name), search->datasets[i].digest);
  for (size_t i = 0; i < search->order_by_count; i++)
  {
    const struct model_order *item = &search->order_by[i];

    hash = search_hash (hash, item->field);
    hash = search_hash (hash, item->descending ? SLICE ("d") : SLICE ("a"));
    hash = search_hash (search_hash (hash, item->dataset.name), item->dataset.digest);
  }
  return hash;
}

struct search_row
{
  struct store_logged_model model;
  struct slice position;
};

static enum err_code
read_page (struct logged_model_page *page, size_t max_results, uint64_t hash, struct arena *arena, struct err *err)
{
  struct column columns[STORE_LOGGED_MODEL_COLUMNS + 1];
  size_t rows = result_count (&page->result);
  struct search_row row;
  enum err_code code = ERR_OK;

  memcpy (columns, store_logged_model_columns, sizeof (store_logged_model_columns));
  columns[STORE_LOGGED_MODEL_COLUMNS] = (struct column){ COLUMN_TEXT, offsetof (struct search_row, position) };
  page->count = rows > max_results ? max_results : rows;
  page->models = arena_array (arena, page->count, sizeof (page->models[0]));
  if (NULL == page->models)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  for (size_t i = 0; ERR_OK == code && i < page->count; i++)
  {
    code = result_row (&row, &page->result, i, columns, COLUMN_COUNT (columns), err);
    page->models[i] = row.model;
  }
  if (ERR_OK == code && rows > page->count && page->count > 0)
    page->next_token = search_token_make (row.position, hash, arena);
  return code;
}

enum err_code
logged_model_search (struct logged_model_page *page, struct store_connection *connection,
                     const struct logged_model_search *search, struct metric_keys *keys, struct arena *arena,
                     struct err *err)
{
  struct hunt hunt = { .search = search, .connection = connection, .arena = arena };
  const struct filter_table table = { .name = "logged_model",
                                      .condition = "experiment_id = ANY ($1::int8[]) AND deleted_at_ms IS NULL",
                                      .owners = search->experiment_ids,
                                      .owner_count = search->experiment_count,
                                      .id = "model_id",
                                      .find_rows = model_values_find,
                                      .context = &hunt.values };
  struct filter_sql filter;
  const struct search_source source = { .columns = STORE_LOGGED_MODEL_SELECT,
                                        .table = "logged_model",
                                        .condition = "experiment_id = ",
                                        .owners = search->experiment_ids,
                                        .owner_count = search->experiment_count,
                                        .filter = &filter };
  struct search_position position;
  uint64_t hash = hash_search (search);
  enum err_code code;

  *page = (struct logged_model_page){ .count = 0 };
  code = parse_order (&hunt, err);
  if (ERR_OK == code)
    code = parse_filter (&hunt, err);
  if (ERR_OK == code)
    code = model_values_load (&hunt.values, connection, search, &hunt.filter, &hunt.order, keys, arena, err);
  if (ERR_OK == code)
    code = rank_metrics (&hunt, err);
  if (ERR_OK == code)
    code = search_token_parse (&position, search->page_token, &hunt.order, hash, arena, err);
  if (ERR_OK == code)
    code = filter_sql_make (&filter, &hunt.filter, &table, 2, connection, arena, err);
  if (ERR_OK == code)
    code = search_page (&page->result, connection, &source, VIEW_ACTIVE_ONLY, &hunt.order, &position,
                        search->max_results, arena, err);
  return ERR_OK == code ? read_page (page, (size_t)search->max_results, hash, arena, err) : code;
}
