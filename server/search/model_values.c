/* Metrics of logged models in searches.

   DESIGN
   A test asks whether any point of the metric passes, as MLflow does; an order takes the latest. Most series are known
   whole when they are read. Of one with chunks its row tells the bounds, which decide nearly every test; only where
   they do not are its chunks read. */
#include "search/model_values.h"

#include "base/json_write.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/* A JSON object of identifiers: a few million of them. */
#define OBJECT_MAX_BYTES ((size_t)256 * 1024 * 1024)

static enum err_code
too_many (struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The metrics of these models do not fit into one search; ask for fewer experiments.");
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static bool
in_list (const struct filter_node *node, double value)
{
  for (size_t i = 0; i < node->count; i++)
    if (node->doubles[i] == value)
      return true;
  return false;
}

static bool
passes (const struct filter_node *node, double value)
{
  switch (node->test)
  {
  case FILTER_EXISTS:
    return true;
  case FILTER_IS_NAN:
    return (bool)isnan (value) != node->negated;
  case FILTER_DOUBLE_RANGE:
    return (value >= node->low && value <= node->high) != node->negated;
  default:
    return in_list (node, value) != node->negated;
  }
}

/* Whether any point of a range of values passes, as far as the bounds tell: 1 yes, 0 no, -1 unknown. */
static int
any_in_bounds (const struct filter_node *node, double least, double greatest)
{
  if (passes (node, least) || passes (node, greatest))
    return 1;
  if (FILTER_IS_NAN == node->test)
    return 0;
  if (FILTER_DOUBLE_RANGE == node->test)
  {
    /* Neither bound passes. Outside of a range nothing between them does; inside of one, only when it lies between. */
    if (node->negated)
      return 0;
    return node->low > least && node->high < greatest && node->low <= node->high ? -1 : 0;
  }
  if (node->negated)
    return least == greatest ? 0 : -1;
  for (size_t i = 0; i < node->count; i++)
    if (node->doubles[i] > least && node->doubles[i] < greatest)
      return -1;
  return 0;
}

/* The same for a series, as far as its row knows it. */
static int
any_in_row (const struct filter_node *node, const struct store_series *row)
{
  if (row->nan_count > 0 && passes (node, NAN))
    return 1;
  if (row->nan_count == row->point_count)
    return 0;
  if (passes (node, row->latest_value) || passes (node, row->first_value))
    return 1;
  return any_in_bounds (node, row->min_value, row->max_value);
}

static bool
any_passes (const struct model_series *series, const struct filter_node *node)
{
  if (! series->whole && 1 == any_in_row (node, &series->row))
    return true;
  for (size_t i = 0; i < series->count; i++)
    if (passes (node, series->points[i].value))
      return true;
  return false;
}

/* Order of what is latest: timestamp, then step; of equal ones the greater value. */
static int
compare_latest (const struct metric_point *a, const struct metric_point *b)
{
  if (a->timestamp_ms != b->timestamp_ms)
    return a->timestamp_ms < b->timestamp_ms ? -1 : 1;
  if (a->step != b->step)
    return a->step < b->step ? -1 : 1;
  return metric_value_compare (a->value, b->value);
}

/* What the series of a model under one key come to. */
struct total
{
  bool any;
  struct metric_point latest;
  const struct uuid *latest_run;
  struct metric_point first;
  double least; /* NaN: no number so far */
  double greatest;
  uint64_t count;
};

static void
add_value (struct total *total, double value)
{
  if (isnan (value))
    return;
  if (! (total->least <= value))
    total->least = value;
  if (! (total->greatest >= value))
    total->greatest = value;
}

static void
add_point (struct total *total, const struct metric_point *point, const struct uuid *run_id)
{
  struct metric_point place = *point;
  int order;

  add_value (total, point->value);
  if (! total->any)
  {
    total->latest = total->first = *point;
    total->latest_run = run_id;
    total->any = true;
    return;
  }
  /* Of points that stand at the same time and step the run with the lesser identifier counts. */
  place.value = total->latest.value;
  order = compare_latest (&place, &total->latest);
  if (0 == order)
    order = memcmp (total->latest_run, run_id, sizeof (*run_id));
  if (order > 0 || (0 == order && metric_value_compare (point->value, total->latest.value) > 0))
  {
    total->latest = *point;
    total->latest_run = run_id;
  }
  if (compare_latest (point, &total->first) < 0)
    total->first = *point;
}

static void
add_series (struct total *total, const struct model_series *series, const struct uuid *run_id)
{
  const struct store_series *row = &series->row;

  if (! series->whole)
  {
    const struct metric_point latest = { .timestamp_ms = row->latest_timestamp_ms,
                                         .step = row->latest_step,
                                         .value = row->latest_value };
    const struct metric_point first = { .timestamp_ms = row->first_timestamp_ms,
                                        .step = row->first_step,
                                        .value = row->first_value };

    add_point (total, &latest, run_id);
    add_point (total, &first, run_id);
    add_value (total, row->min_value);
    add_value (total, row->max_value);
  }
  for (size_t i = 0; i < series->count; i++)
    add_point (total, &series->points[i], run_id);
  total->count += series->count;
}

static double
part_of (const struct total *total, enum search_part part)
{
  switch (part)
  {
  case SEARCH_MIN:
    return total->least;
  case SEARCH_MAX:
    return total->greatest;
  case SEARCH_FIRST:
    return total->first.value;
  case SEARCH_COUNT:
    return (double)total->count;
  default:
    return total->latest.value;
  }
}

/* Whether points of the chunks are needed to know a part. */
static bool
needs_points (const struct store_series *row, enum search_part part)
{
  switch (part)
  {
  case SEARCH_MIN:
  case SEARCH_MAX:
    return false;
  case SEARCH_FIRST:
    return row->first_timestamp_ms != row->min_timestamp_ms;
  case SEARCH_COUNT:
    return true;
  default:
    return row->latest_timestamp_ms != row->max_timestamp_ms;
  }
}

/* --- which series ------------------------------------------------------------------------------------------------ */

static bool
in_datasets (const struct model_context *context, const struct model_dataset *datasets, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if ((! slice_filled (datasets[i].name) || slice_equal (datasets[i].name, context->dataset_name))
        && (! slice_filled (datasets[i].digest) || slice_equal (datasets[i].digest, context->dataset_digest)))
      return true;
  return 0 == count;
}

static bool
has_key (const struct model_values *values, uint32_t key_id)
{
  for (size_t i = 0; i < values->points.series_count; i++)
    if (values->points.series[i].key_id == key_id)
      return true;
  return false;
}

/* The key and part that a field means: a metric of that whole name comes first. `found` is false when no model has
   any. */
static enum err_code
resolve (bool *found, uint32_t *key_id, enum search_part *part, struct model_values *values,
         const struct search_field *field, struct err *err)
{
  enum err_code code = metric_keys_find (found, key_id, values->keys, values->connection, field->key, err);

  *part = field->part;
  if (ERR_OK != code || NULL == field->part_key.data || (*found && has_key (values, *key_id)))
    return code;
  *part = field->key_part;
  return metric_keys_find (found, key_id, values->keys, values->connection, field->part_key, err);
}

/* The next series of a key on one of some data sets, from `at` on; NULL at the end. */
static const struct model_series *
next_series (size_t *at, const struct model_values *values, uint32_t key_id, const struct model_dataset *datasets,
             size_t count)
{
  const struct model_points *points = &values->points;

  for (; *at < points->series_count; (*at)++)
  {
    const struct model_series *series = &points->series[*at];

    if (series->key_id == key_id && (series->is_folded || series->count > 0)
        && in_datasets (&points->contexts[series->context], datasets, count))
      return &points->series[(*at)++];
  }
  return NULL;
}

static enum err_code
mark_test (struct model_values *values, const struct filter_node *node, const struct search_field *field,
           struct err *err)
{
  const struct model_series *series;
  enum search_part part;
  uint32_t key_id;
  bool found;
  size_t at = 0;
  enum err_code code;

  if (NULL == field->key.data || FILTER_EXISTS == node->test)
    return ERR_OK;
  code = resolve (&found, &key_id, &part, values, field, err);
  if (ERR_OK != code || ! found)
    return code;
  while (NULL != (series = next_series (&at, values, key_id, values->datasets, values->dataset_count)))
    if (! series->whole
        && (SEARCH_LATEST == part ? any_in_row (node, &series->row) < 0 : needs_points (&series->row, part)))
      values->wanted[series - values->points.series] = true;
  return ERR_OK;
}

static enum err_code
mark_tests (struct model_values *values, const struct filter_node *node, const struct filter *filter, struct err *err)
{
  enum err_code code = ERR_OK;

  if (NULL == node)
    return ERR_OK;
  if (FILTER_TEST == node->kind)
    return SEARCH_METRIC == filter->fields[node->field].entity
               ? mark_test (values, node, &filter->fields[node->field], err)
               : ERR_OK;
  for (const struct filter_node *child = node->first; ERR_OK == code && NULL != child; child = child->next)
    code = mark_tests (values, child, filter, err);
  return code;
}

static enum err_code
mark_key (struct model_values *values, const struct search_field *field, struct err *err)
{
  const struct model_series *series;
  enum search_part part;
  uint32_t key_id;
  bool found;
  size_t at = 0;
  enum err_code code = resolve (&found, &key_id, &part, values, field, err);

  if (ERR_OK != code || ! found)
    return code;
  while (NULL != (series = next_series (&at, values, key_id, NULL, 0)))
    if (! series->whole && needs_points (&series->row, part))
      values->wanted[series - values->points.series] = true;
  return ERR_OK;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

struct key_list
{
  int64_t *ids;
  size_t count;
  bool any; /* metrics are named at all */
};

static enum err_code
add_keys (struct key_list *list, struct model_values *values, const struct search_field *field, struct err *err)
{
  const struct slice names[] = { field->key, field->part_key };
  enum err_code code = ERR_OK;

  if (SEARCH_METRIC != field->entity)
    return ERR_OK;
  list->any = true;
  for (size_t i = 0; ERR_OK == code && i < sizeof (names) / sizeof (names[0]); i++)
  {
    bool found = false;
    uint32_t key_id;

    if (NULL == names[i].data)
      continue;
    code = metric_keys_find (&found, &key_id, values->keys, values->connection, names[i], err);
    if (found)
      list->ids[list->count++] = key_id;
  }
  return code;
}

static void
sort_keys (struct key_list *list)
{
  size_t distinct = 0;

  qsort (list->ids, list->count, sizeof (list->ids[0]), number_compare_int64_items);
  for (size_t i = 0; i < list->count; i++)
    if (0 == distinct || list->ids[distinct - 1] != list->ids[i])
      list->ids[distinct++] = list->ids[i];
  list->count = distinct;
}

enum err_code
model_values_load (struct model_values *values, struct store_connection *connection,
                   const struct logged_model_search *search, const struct filter *filter,
                   const struct search_order *order, struct metric_keys *keys, struct arena *arena, struct err *err)
{
  struct key_list list = { arena_array (arena, 2 * (filter->field_count + order->count), sizeof (int64_t)), 0, false };
  struct model_selection selection = { .experiment_ids = search->experiment_ids,
                                       .experiment_count = search->experiment_count };
  enum err_code code = ERR_OK;

  *values = (struct model_values){ .keys = keys,
                                   .datasets = search->datasets,
                                   .dataset_count = search->dataset_count,
                                   .connection = connection,
                                   .arena = arena };
  if (NULL == list.ids)
    return too_many (err);
  for (size_t i = 0; ERR_OK == code && i < filter->field_count; i++)
    code = add_keys (&list, values, &filter->fields[i], err);
  for (size_t i = 0; ERR_OK == code && i < order->count; i++)
    code = add_keys (&list, values, &order->keys[i].field, err);
  if (ERR_OK != code || ! list.any)
    return code;
  sort_keys (&list);
  selection.key_ids = list.ids;
  selection.key_count = list.count;
  code = model_points_load (&values->points, connection, &selection, arena, err);
  if (ERR_OK != code)
    return code;
  values->wanted = arena_array (arena, values->points.series_count, sizeof (bool));
  if (NULL == values->wanted)
    return too_many (err);
  code = mark_tests (values, filter->root, filter, err);
  for (size_t i = 0; ERR_OK == code && i < order->count; i++)
    if (SEARCH_METRIC == order->keys[i].field.entity)
      code = mark_key (values, &order->keys[i].field, err);
  return ERR_OK == code ? model_points_complete (&values->points, values->wanted, err) : code;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

/* A JSON object of integers by model id. */
struct object
{
  struct buffer bytes;
  struct json_write w;
  const struct model_values *values;
  size_t last; /* the model that was added last, plus one */
};

static void
object_start (struct object *object, const struct model_values *values)
{
  *object = (struct object){ .values = values };
  buffer_init (&object->bytes, OBJECT_MAX_BYTES);
  json_write_init (&object->w, &object->bytes);
  json_write_object (&object->w);
}

/* Models come in their order; one that was just added is not added again. */
static void
object_add (struct object *object, size_t model, int64_t value)
{
  if (object->last == model + 1)
    return;
  json_write_key_slice (&object->w, object->values->points.model_ids[model]);
  json_write_int64 (&object->w, value);
  object->last = model + 1;
}

static enum err_code
object_end (struct slice *text, struct object *object, struct err *err)
{
  json_write_object_end (&object->w);
  *text = object->bytes.failed
              ? (struct slice){ NULL, 0 }
              : (struct slice){ arena_copy (object->values->arena, object->bytes.data, object->bytes.len),
                                object->bytes.len };
  buffer_free (&object->bytes);
  return NULL == text->data ? too_many (err) : ERR_OK;
}

/* Called with the total of each model that has any point of the key. */
typedef void (*take_total) (void *context, size_t model, const struct total *total);

static void
each_total (const struct model_values *values, uint32_t key_id, const struct model_dataset *datasets, size_t count,
            take_total take, void *context)
{
  static const struct total nothing = { .least = NAN, .greatest = NAN };
  struct total total = nothing;
  const struct model_series *series;
  size_t model = 0;
  size_t at = 0;

  while (NULL != (series = next_series (&at, values, key_id, datasets, count)))
  {
    const struct model_context *belongs = &values->points.contexts[series->context];

    if (total.any && belongs->model != model)
    {
      take (context, model, &total);
      total = nothing;
    }
    model = belongs->model;
    add_series (&total, series, &belongs->run_id);
  }
  if (total.any)
    take (context, model, &total);
}

struct testing
{
  struct object object;
  const struct filter_node *node;
  enum search_part part;
};

static void
test_total (void *context, size_t model, const struct total *total)
{
  struct testing *testing = context;

  if (passes (testing->node, part_of (total, testing->part)))
    object_add (&testing->object, model, 0);
}

enum err_code
model_values_find (struct slice *ids, const struct filter_node *node, const struct search_field *field, void *context,
                   struct err *err)
{
  struct model_values *values = context;
  struct testing testing = { .node = node };
  const struct model_series *series;
  uint32_t key_id;
  bool found = false;
  size_t at = 0;
  enum err_code code = NULL == field->key.data ? ERR_OK : resolve (&found, &key_id, &testing.part, values, field, err);

  if (ERR_OK != code)
    return code;
  object_start (&testing.object, values);
  if (NULL == field->key.data)
  {
    for (size_t i = 0; i < values->points.context_count; i++)
      if (in_datasets (&values->points.contexts[i], values->datasets, values->dataset_count))
        object_add (&testing.object, values->points.contexts[i].model, 0);
  }
  else if (found && SEARCH_LATEST == testing.part)
  {
    while (NULL != (series = next_series (&at, values, key_id, values->datasets, values->dataset_count)))
      if (FILTER_EXISTS == node->test || any_passes (series, node))
        object_add (&testing.object, values->points.contexts[series->context].model, 0);
  }
  else if (found)
    each_total (values, key_id, values->datasets, values->dataset_count, test_total, &testing);
  return object_end (ids, &testing.object, err);
}

struct ranking
{
  struct object object;
  enum search_part part;
  bool descending;
};

/* An integer that sorts as the value does: the bits of a double sort as integers once the negative ones are turned. */
static int64_t
rank_of (double value, bool descending)
{
  int64_t bits;

  if (isnan (value))
    return descending ? INT64_MIN : INT64_MAX;
  memcpy (&bits, &value, sizeof (bits));
  return bits >= 0 ? bits : INT64_MIN - bits;
}

static void
rank_total (void *context, size_t model, const struct total *total)
{
  struct ranking *ranking = context;

  object_add (&ranking->object, model, rank_of (part_of (total, ranking->part), ranking->descending));
}

enum err_code
model_values_rank (struct slice *ranks, struct model_values *values, const struct search_field *field,
                   const struct model_dataset *dataset, bool descending, struct err *err)
{
  struct ranking ranking = { .descending = descending };
  uint32_t key_id;
  bool found;
  enum err_code code = resolve (&found, &key_id, &ranking.part, values, field, err);

  if (ERR_OK != code)
    return code;
  object_start (&ranking.object, values);
  if (found)
    each_total (values, key_id, dataset, 1, rank_total, &ranking);
  return object_end (ranks, &ranking.object, err);
}
