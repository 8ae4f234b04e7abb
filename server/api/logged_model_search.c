/* logged-models/search. */
#include "api/logged_model.h"

#include "api/gate.h"
#include "api/logged_model_document.h"
#include "api/names.h"
#include "base/clock.h"
#include "ingest/metric_flush.h"
#include "search/logged_model_search.h"

#include <inttypes.h>

/* MLflow's default in its protocol, and that of its store, which 0 stands for (mlflow/protos/service.proto,
   SEARCH_LOGGED_MODEL_MAX_RESULTS_DEFAULT). It has no cap; ours is that of the other searches. */
#define DEFAULT_RESULTS 50
#define ZERO_RESULTS 100
#define MAX_RESULTS 50000

struct dataset_request
{
  struct slice dataset_name;
  struct slice dataset_digest;
};

static const struct field dataset_fields[] = {
  { .name = "dataset_name",
    .type = FIELD_STRING,
    .flags = FIELD_EMPTY,
    .offset = offsetof (struct dataset_request, dataset_name) },
  { .name = "dataset_digest",
    .type = FIELD_STRING,
    .flags = FIELD_EMPTY,
    .offset = offsetof (struct dataset_request, dataset_digest) },
};

static const struct schema dataset_schema = SCHEMA (dataset_fields, struct dataset_request);

struct order_request
{
  struct slice field_name;
  struct optional_int64 ascending;
  struct slice dataset_name;
  struct slice dataset_digest;
};

static const struct field order_fields[] = {
  { .name = "field_name",
    .type = FIELD_STRING,
    .flags = FIELD_EMPTY,
    .offset = offsetof (struct order_request, field_name) },
  { .name = "ascending", .type = FIELD_BOOL, .offset = offsetof (struct order_request, ascending) },
  { .name = "dataset_name", .type = FIELD_STRING, .offset = offsetof (struct order_request, dataset_name) },
  { .name = "dataset_digest", .type = FIELD_STRING, .offset = offsetof (struct order_request, dataset_digest) },
};

static const struct schema order_schema = SCHEMA (order_fields, struct order_request);

struct search_request
{
  struct slices experiment_ids;
  struct slice filter;
  struct objects datasets;
  struct optional_int64 max_results;
  struct objects order_by;
  struct slice page_token;
};

static const struct field search_fields[] = {
  { .name = "experiment_ids", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, experiment_ids) },
  { .name = "filter", .type = FIELD_STRING, .offset = offsetof (struct search_request, filter) },
  { .name = "datasets",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct search_request, datasets),
    .schema = &dataset_schema },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct search_request, max_results) },
  { .name = "order_by",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct search_request, order_by),
    .schema = &order_schema },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct search_request, page_token) },
};

static const struct schema search_schema = SCHEMA (search_fields, struct search_request);

static enum err_code
read_max_results (struct logged_model_search *search, const struct optional_int64 *given, struct err *err)
{
  search->max_results = given->present ? given->value : DEFAULT_RESULTS;
  if (search->max_results < 0 || search->max_results > MAX_RESULTS)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be at most %d and not "
                    "negative",
                    search->max_results, MAX_RESULTS);
  if (0 == search->max_results)
    search->max_results = ZERO_RESULTS;
  return ERR_OK;
}

static enum err_code
read_datasets (struct logged_model_search *search, const struct objects *given, struct arena *arena, struct err *err)
{
  const struct dataset_request *requests = given->items;
  struct model_dataset *datasets = arena_array (arena, given->count, sizeof (datasets[0]));

  if (NULL == datasets)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < given->count; i++)
  {
    if (! slice_filled (requests[i].dataset_name))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "`dataset_name` in the `datasets` clause must be specified.");
    datasets[i] = (struct model_dataset){ requests[i].dataset_name, requests[i].dataset_digest };
  }
  search->datasets = datasets;
  search->dataset_count = given->count;
  return ERR_OK;
}

static enum err_code
read_order (struct logged_model_search *search, const struct objects *given, struct arena *arena, struct err *err)
{
  const struct order_request *requests = given->items;
  struct model_order *order = arena_array (arena, given->count, sizeof (order[0]));

  if (NULL == order)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < given->count; i++)
    order[i] = (struct model_order){ .field = requests[i].field_name,
                                     .descending = requests[i].ascending.present && 0 == requests[i].ascending.value,
                                     .dataset = { requests[i].dataset_name, requests[i].dataset_digest } };
  search->order_by = order;
  search->order_by_count = given->count;
  return ERR_OK;
}

/* An empty list is an answer without models, as in MLflow; none at all is an error. What is searched is what the caller
   may read of it. */
static enum err_code
read_experiments (struct logged_model_search *search, const struct slices *given, struct api_call *call,
                  struct err *err)
{
  struct arena *arena = call->arena;
  int64_t *ids = arena_array (arena, given->count, sizeof (ids[0]));
  int64_t *asked = arena_array (arena, given->count, sizeof (asked[0]));
  enum err_code code;

  if (NULL == ids || NULL == asked)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (! json_is_array (json_object_get (call->arguments, "experiment_ids"))
      && ! json_is_array (json_object_get (call->arguments, "experimentIds")))
    return err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "Missing value for required parameter 'experiment_ids'. See the API docs for more information about "
        "request parameters.");
  code = names_experiment_ids (asked, &search->asked_count, given->items, given->count, err);
  if (ERR_OK != code)
    return code;
  memcpy (ids, asked, search->asked_count * sizeof (ids[0]));
  search->asked_ids = asked;
  search->experiment_ids = ids;
  search->experiment_count = search->asked_count;
  return gate_keep_readable (ids, &search->experiment_count, call, err);
}

struct search_call
{
  struct api_call *call;
  struct logged_model_search search;
};

static void
write_page (struct api_call *call, const struct logged_model_page *page, const struct model_metrics *metrics)
{
  struct json_write w;

  api_reply_start (&w, call);
  if (page->count > 0)
  {
    json_write_key (&w, "models");
    json_write_array (&w);
    for (size_t i = 0; i < page->count; i++)
      logged_model_write (&w, &page->models[i], metrics, call->arena);
    json_write_array_end (&w);
  }
  if (slice_filled (page->next_token))
    json_write_member_string (&w, "next_page_token", page->next_token);
  json_write_object_end (&w);
}

/* Models, filter and points are of one snapshot. */
static enum err_code
search_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct search_call *hunt = context;
  struct api_call *call = hunt->call;
  struct logged_model_page page = { .count = 0 };
  struct model_metrics metrics;
  enum err_code code =
      logged_model_search (&page, connection, &hunt->search, call->service->metrics->keys, call->arena, err);

  buffer_clear (&call->reply);
  if (ERR_OK == code)
    code = model_metrics_load (&metrics, call, page.models, page.count, err);
  if (ERR_OK == code)
  {
    write_page (call, &page, &metrics);
    code = api_reply_check (call, err);
  }
  result_free (&page.result);
  return code;
}

enum err_code
api_logged_model_search (struct api_call *call, struct err *err)
{
  struct search_request request;
  struct search_call hunt = { .call = call };
  struct logged_model_search *search = &hunt.search;
  enum err_code code = api_decode (&request, call, &search_schema, err);

  if (ERR_OK == code)
    code = read_experiments (search, &request.experiment_ids, call, err);
  if (ERR_OK == code)
    code = read_max_results (search, &request.max_results, err);
  if (ERR_OK == code)
    code = read_datasets (search, &request.datasets, call->arena, err);
  if (ERR_OK == code)
    code = read_order (search, &request.order_by, call->arena, err);
  if (ERR_OK != code || 0 == search->experiment_count)
    return code;
  search->filter = request.filter;
  search->page_token = request.page_token;
  search->now_ms = clock_wall_ms ();
  return store_transaction (call->connection, STORE_SNAPSHOT, search_work, &hunt, err);
}
