/* Searches of logged models and readings of their points, compared with a plain list.

   The list holds every point that was logged. Runs are folded at random moments, and between the changes come random
   filters, data sets, orders and pages, which are answered from the list too. */
#include "logged_models.h"

#include "base/buffer.h"
#include "ingest/fold.h"
#include "search/logged_model_search.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#define POINTS_MAX 60000
#define ROUNDS 25
#define SEARCHES 30
struct logged
{
  size_t model;
  size_t run;
  size_t key;
  size_t dataset;
  struct metric_point point;
};

static struct
{
  struct logged *points;
  size_t count;
} list;

static double
random_value (void)
{
  static const double values[] = { -2, -1, -0.5, 0, 0.5, 1, 2, 2.5, 1e308 };

  if (models_chance (3))
    return models_chance (50) ? NAN : (models_chance (50) ? INFINITY : -INFINITY);
  return values[models_random (sizeof (values) / sizeof (values[0]))];
}

static bool
is_known (const struct logged *logged)
{
  for (size_t i = 0; i < list.count; i++)
    if (list.points[i].model == logged->model && list.points[i].run == logged->run && list.points[i].key == logged->key
        && list.points[i].dataset == logged->dataset
        && 0 == metric_point_compare_step (&list.points[i].point, &logged->point))
      return true;
  return false;
}

static void
log_burst (void)
{
  static struct metric_point points[MODEL_POINTS_MAX];
  struct logged logged = { .model = models_random (MODELS),
                           .run = models_random (MODEL_RUNS),
                           .key = models_random (MODEL_KEYS),
                           .dataset = models_random (MODEL_DATASETS) };
  size_t count = models_chance (10) ? MODEL_POINTS_MAX : 1 + models_random (3);
  double same =
      random_value (); /* of half the long series: so the bounds of some decide a test and NaN does in others */
  bool narrow = count > 3 && models_chance (50);

  for (size_t i = 0; i < count && list.count < POINTS_MAX; i++)
  {
    /* Long series mostly grow; others have many points at the same places. */
    int64_t place = (int64_t)(count > 3 ? i + models_random (3) : models_random (4));

    points[i] = (struct metric_point){ .timestamp_ms = place + (int64_t)models_random (2),
                                       .step = place - (int64_t)models_random (2),
                                       .value = narrow && ! models_chance (1) ? same : random_value () };
    logged.point = points[i];
    if (! is_known (&logged))
      list.points[list.count++] = logged;
  }
  ck_assert_int_eq (
      models_log (&models.runs[logged.run], models.models[logged.model].id, logged.key, logged.dataset, points, count),
      ERR_OK);
}

static void
change_something (void)
{
  struct fold_result result;
  struct err err = { 0 };
  bool found;

  for (size_t i = 0; i < 12; i++)
    log_burst ();
  store_start_request (database.connection, 0);
  if (models_chance (60))
    ck_assert_msg (ERR_OK
                       == fold_runs (&result, database.connection, &models.runs[models_random (MODEL_RUNS)], 1, &err),
                   "%s", err.cause);
  if (models_chance (10))
  {
    struct model *model = &models.models[models_random (MODELS)];

    ck_assert_int_eq (store_logged_model_delete (&found, database.connection, slice_of (model->id), 9, &err), ERR_OK);
    model->deleted = true;
  }
}

/* --- the list's answers ------------------------------------------------------------------------------------------ */

enum node_kind
{
  NODE_AND,
  NODE_OR,
  NODE_NOT,
  NODE_COMPARE, /* a metric with a number */
  NODE_BETWEEN,
  NODE_IN,
  NODE_NULL, /* of a metric */
  NODE_PARAM, /* = */
  NODE_PARAM_NULL,
  NODE_NAME /* LIKE */
};

static const char *const operators[] = { "=", "!=", "<", "<=", ">", ">=" };
/* Behind a key in backticks; the first is any point. */
static const char *const parts[] = { "", ".min", ".max", ".first", ".count" };

struct node
{
  enum node_kind kind;
  struct node *left;
  struct node *right;
  size_t key;
  size_t part;
  size_t operator;
  double low;
  double high;
  const char *text;
};

/* What a search is restricted to. */
struct wanted
{
  struct model_dataset items[2];
  size_t count;
};

static bool
wants (const struct wanted *wanted, size_t dataset)
{
  for (size_t i = 0; i < wanted->count; i++)
  {
    const struct model_dataset *item = &wanted->items[i];

    if (NULL != model_datasets[dataset].name
        && (! slice_filled (item->name) || slice_is (item->name, model_datasets[dataset].name))
        && (! slice_filled (item->digest) || slice_is (item->digest, model_datasets[dataset].digest)))
      return true;
  }
  return 0 == wanted->count;
}

static bool
test_value (const struct node *node, double value)
{
  switch (node->kind)
  {
  case NODE_BETWEEN:
    return value >= node->low && value <= node->high;
  case NODE_IN:
    return value == node->low || value == node->high;
  default:
    break;
  }
  switch (node->operator)
  {
  case 0:
    return value == node->low;
  case 1:
    return value != node->low;
  case 2:
    return value < node->low;
  case 3:
    return value <= node->low;
  case 4:
    return value > node->low;
  default:
    return value >= node->low;
  }
}

static bool
comes_before (const struct logged *a, const struct logged *b)
{
  if (a->point.timestamp_ms != b->point.timestamp_ms)
    return a->point.timestamp_ms < b->point.timestamp_ms;
  if (a->point.step != b->point.step)
    return a->point.step < b->point.step;
  return metric_value_compare (a->point.value, b->point.value) < 0;
}

/* Latest: of equal places the run with the lesser identifier, then the greater value. */
static bool
is_later (const struct logged *a, const struct logged *b)
{
  int order;

  if (a->point.timestamp_ms != b->point.timestamp_ms)
    return a->point.timestamp_ms > b->point.timestamp_ms;
  if (a->point.step != b->point.step)
    return a->point.step > b->point.step;
  order = memcmp (&models.runs[a->run], &models.runs[b->run], sizeof (struct uuid));
  return 0 != order ? order < 0 : metric_value_compare (a->point.value, b->point.value) > 0;
}

/* A part of all points of a key; false when there are none. Part 0 is the latest. */
static bool
find_part (double *value, size_t model, size_t key, size_t part, const struct wanted *wanted)
{
  const struct logged *first = NULL;
  const struct logged *latest = NULL;
  double least = NAN;
  double greatest = NAN;
  size_t count = 0;

  for (size_t i = 0; i < list.count; i++)
  {
    const struct logged *at = &list.points[i];

    if (at->model != model || at->key != key || ! wants (wanted, at->dataset))
      continue;
    count++;
    least = fmin (least, at->point.value);
    greatest = fmax (greatest, at->point.value);
    if (NULL == first || comes_before (at, first))
      first = at;
    if (NULL == latest || is_later (at, latest))
      latest = at;
  }
  if (0 == count)
    return false;
  *value = (const double[]){ latest->point.value, least, greatest, first->point.value, (double)count }[part];
  return true;
}

/* Negated ones ask for a value that does not pass. */
static bool
test_metric (const struct node *node, bool negated, size_t model, const struct wanted *wanted)
{
  double value;

  if (0 != node->part)
    return find_part (&value, model, node->key, node->part, wanted) && test_value (node, value) != negated;
  for (size_t i = 0; i < list.count; i++)
  {
    const struct logged *at = &list.points[i];

    if (at->model == model && at->key == node->key && wants (wanted, at->dataset)
        && test_value (node, at->point.value) != negated)
      return true;
  }
  return false;
}

static bool
passes (const struct node *node, bool negated, size_t number, const struct wanted *wanted)
{
  const struct model *model = &models.models[number];
  double value;

  switch (node->kind)
  {
  case NODE_AND:
  case NODE_OR:
    if ((NODE_AND == node->kind) != negated)
      return passes (node->left, negated, number, wanted) && passes (node->right, negated, number, wanted);
    return passes (node->left, negated, number, wanted) || passes (node->right, negated, number, wanted);
  case NODE_NOT:
    return passes (node->left, ! negated, number, wanted);
  case NODE_NULL:
    return find_part (&value, number, node->key, 0, wanted) == negated;
  case NODE_PARAM:
    return NULL != model->param && (0 == strcmp (model->param, node->text)) != negated;
  case NODE_PARAM_NULL:
    return (NULL == model->param) != negated;
  case NODE_NAME:
    return (0 == strcmp (model->name, node->text)) != negated;
  default:
    return test_metric (node, negated, number, wanted);
  }
}

static bool
has_metric_test (const struct node *node)
{
  if (NULL == node)
    return false;
  if (node->kind <= NODE_NOT)
    return has_metric_test (node->left) || has_metric_test (node->right);
  return node->kind <= NODE_NULL;
}

/* --- random searches --------------------------------------------------------------------------------------------- */

static struct node *
random_node (size_t depth)
{
  struct node *node = arena_alloc (database.arena, sizeof (*node));

  ck_assert_ptr_nonnull (node);
  node->kind =
      (enum node_kind) (depth > 0 && models_chance (50) ? models_random (3) : NODE_COMPARE + models_random (7));
  node->key = models_random (MODEL_KEYS);
  node->part = models_chance (70) ? 0 : models_random (sizeof (parts) / sizeof (parts[0]));
  node->operator= models_random (sizeof (operators) / sizeof (operators[0]));
  node->low = (double)models_random (8) / 2 - 1;
  node->high = node->low + (double)models_random (4) / 2;
  node->text = (const char *[]){ "a", "b", "7" }[models_random (3)];
  if (NODE_NAME == node->kind)
    node->text = arena_printf (database.arena, "name %zu", models_random (5));
  if (node->kind <= NODE_NOT)
    node->left = random_node (depth - 1);
  if (node->kind < NODE_NOT)
    node->right = random_node (depth - 1);
  return node;
}

static void
print_node (struct buffer *out, const struct node *node)
{
  if (node->kind >= NODE_COMPARE && node->kind <= NODE_NULL)
    buffer_printf (out, "metrics.`%s`%s ", model_key_names[node->key],
                   NODE_NULL == node->kind ? "" : parts[node->part]);
  switch (node->kind)
  {
  case NODE_AND:
  case NODE_OR:
    buffer_text (out, "(");
    print_node (out, node->left);
    buffer_text (out, NODE_AND == node->kind ? " AND " : " OR ");
    print_node (out, node->right);
    buffer_text (out, ")");
    break;
  case NODE_NOT:
    buffer_text (out, "NOT (");
    print_node (out, node->left);
    buffer_text (out, ")");
    break;
  case NODE_COMPARE:
    buffer_printf (out, "%s %g", operators[node->operator], node->low);
    break;
  case NODE_BETWEEN:
    buffer_printf (out, "BETWEEN %g AND %g", node->low, node->high);
    break;
  case NODE_IN:
    buffer_printf (out, "IN (%g, %g)", node->low, node->high);
    break;
  case NODE_NULL:
    buffer_text (out, "IS NULL");
    break;
  case NODE_PARAM:
    buffer_printf (out, "params.p = '%s'", node->text);
    break;
  case NODE_PARAM_NULL:
    buffer_text (out, "params.p IS NULL");
    break;
  case NODE_NAME:
    buffer_printf (out, "name LIKE '%s'", node->text);
    break;
  }
}

struct question /* a search, and the same in the list's terms */
{
  struct logged_model_search search;
  struct node *filter;
  struct wanted wanted;
  struct model_order order;
  size_t order_key; /* of a metric; MODEL_KEYS: name; beyond: no order */
  struct wanted order_wanted;
};

static struct model_dataset
random_dataset (void)
{
  size_t dataset = 1 + models_random (MODEL_DATASETS - 1);

  return (struct model_dataset){ slice_of (model_datasets[dataset].name),
                                 models_chance (50) ? slice_of (model_datasets[dataset].digest)
                                                    : (struct slice){ NULL, 0 } };
}

static const char *
make_question (struct question *question)
{
  struct buffer text;
  const char *filter;

  *question = (struct question){ .order_key = models_random (MODEL_KEYS + 2) };
  buffer_init (&text, 65536);
  if (models_chance (85))
  {
    question->filter = random_node (3);
    print_node (&text, question->filter);
  }
  filter = 0 == text.len ? "" : arena_string (database.arena, buffer_slice (&text));
  buffer_free (&text);
  question->wanted.count = models_chance (60) ? 0 : 1 + models_random (2);
  for (size_t i = 0; i < question->wanted.count; i++)
    question->wanted.items[i] = random_dataset ();
  question->order.descending = models_chance (50);
  question->order.field =
      slice_of (MODEL_KEYS == question->order_key
                    ? "name"
                    : arena_printf (database.arena, "metrics.`%s`", model_key_names[question->order_key % MODEL_KEYS]));
  if (question->order_key < MODEL_KEYS && models_chance (40))
  {
    question->order.dataset = random_dataset ();
    question->order_wanted = (struct wanted){ { question->order.dataset }, 1 };
  }
  question->search = (struct logged_model_search){ .experiment_ids = models.experiments,
                                                   .experiment_count = 1 + models_random (MODEL_EXPERIMENTS),
                                                   .filter = slice_of (filter),
                                                   .datasets = question->wanted.items,
                                                   .dataset_count = question->wanted.count,
                                                   .order_by = &question->order,
                                                   .order_by_count = question->order_key > MODEL_KEYS ? 0 : 1,
                                                   .max_results = 1 + (int64_t)models_random (5) };
  return filter;
}

static bool
is_found (const struct question *question, size_t number)
{
  const struct model *model = &models.models[number];
  bool any = false;

  if (model->deleted || model->experiment >= question->search.experiment_count)
    return false;
  if (NULL != question->filter && ! passes (question->filter, false, number, &question->wanted))
    return false;
  if (0 == question->wanted.count || has_metric_test (question->filter))
    return true;
  for (size_t i = 0; i < list.count && ! any; i++)
    any = list.points[i].model == number && wants (&question->wanted, list.points[i].dataset);
  return any;
}

static const struct question *sorted_for;

static int
compare_models (const void *a, const void *b)
{
  const struct question *question = sorted_for;
  const size_t left = *(const size_t *)a;
  const size_t right = *(const size_t *)b;
  const struct model *one = &models.models[left], *two = &models.models[right];
  int order = 0;

  if (MODEL_KEYS == question->order_key)
    order = strcmp (one->name, two->name);
  else if (question->order_key < MODEL_KEYS)
  {
    double x = 0;
    double y = 0;
    bool has_x = find_part (&x, left, question->order_key, 0, &question->order_wanted);
    bool has_y = find_part (&y, right, question->order_key, 0, &question->order_wanted);

    if (has_x != has_y)
      return has_x ? -1 : 1;
    if (has_x && isnan (x) != isnan (y))
      return isnan (x) ? 1 : -1;
    order = has_x ? (x > y) - (x < y) : 0;
  }
  if (0 != order)
    return question->order.descending ? -order : order;
  if (one->created_at_ms != two->created_at_ms)
    return one->created_at_ms > two->created_at_ms ? -1 : 1;
  return strcmp (one->id, two->id);
}

struct page_call
{
  const struct logged_model_search *search;
  struct logged_model_page page;
};

static enum err_code
page_work (struct store_connection *connection, void *context, struct err *err)
{
  struct page_call *call = context;

  result_free (&call->page.result);
  return logged_model_search (&call->page, connection, call->search, models.keys, database.arena, err);
}

static void
check_search (size_t round, size_t number)
{
  struct question question;
  const char *filter = make_question (&question);
  size_t expected[MODELS];
  size_t count = 0;
  size_t seen = 0;

  for (size_t i = 0; i < MODELS; i++)
    if (is_found (&question, i))
      expected[count++] = i;
  sorted_for = &question;
  qsort (expected, count, sizeof (expected[0]), compare_models);
  do
  {
    struct page_call call = { &question.search, { .count = 0 } };
    struct err err = { 0 };

    store_start_request (database.connection, 0);
    ck_assert_msg (ERR_OK == store_transaction (database.connection, STORE_SNAPSHOT, page_work, &call, &err),
                   "%s: %s: %s", filter, err.message, err.cause);
    ck_assert_uint_le (call.page.count, (size_t)question.search.max_results);
    for (size_t i = 0; i < call.page.count; i++, seen++)
      ck_assert_msg (seen < count && slice_is (call.page.models[i].model_id, models.models[expected[seen]].id),
                     "round %zu, search %zu, place %zu of %zu: %s, order %.*s %s", round, number, seen, count, filter,
                     SLICE_ARG (question.order.field), question.order.descending ? "down" : "up");
    ck_assert_uint_eq (slice_filled (call.page.next_token), seen < count);
    question.search.page_token = call.page.next_token;
    result_free (&call.page.result);
  } while (slice_filled (question.search.page_token) && seen < count);
  ck_assert_msg (seen == count, "round %zu, search %zu: %zu of %zu: %s", round, number, seen, count, filter);
}

/* --- all points -------------------------------------------------------------------------------------------------- */

static bool
same_context (const struct model_context *context, const struct logged *logged)
{
  return 0 == memcmp (&context->run_id, &models.runs[logged->run], sizeof (context->run_id))
         && slice_equal (context->dataset_name, slice_of (model_datasets[logged->dataset].name))
         && slice_equal (context->dataset_digest, slice_of (model_datasets[logged->dataset].digest));
}

/* Each point is read once, and nothing else. */
static void
check_points (size_t model)
{
  const struct model_points points = models_points (models.models[model].id);
  size_t expected = 0;
  size_t read = 0;

  for (size_t i = 0; i < list.count; i++)
    expected += list.points[i].model == model;
  for (size_t i = 0; i < points.series_count; i++)
  {
    const struct model_series *series = &points.series[i];
    const struct model_context *context = &points.contexts[series->context];

    for (size_t j = 0; j < series->count; j++, read++)
    {
      bool known = false;

      for (size_t k = 0; k < list.count && ! known; k++)
        known = list.points[k].model == model && same_context (context, &list.points[k])
                && 0 == metric_point_compare_step (&list.points[k].point, &series->points[j]);
      ck_assert_msg (known, "model %zu has a point that nobody logged", model);
    }
  }
  ck_assert_uint_eq (read, expected);
}

START_TEST (agrees_with_a_plain_list)
{
  list.points = calloc (POINTS_MAX, sizeof (list.points[0]));
  list.count = 0;
  ck_assert_ptr_nonnull (list.points);
  for (size_t round = 0; round < ROUNDS; round++)
  {
    change_something ();
    for (size_t i = 0; i < SEARCHES; i++)
      check_search (round, i);
    check_points (models_random (MODELS));
    arena_reset (database.arena);
  }
  ck_assert_int_gt (database_number ("SELECT count(*) FROM metric_chunk WHERE context_id <> 0"), 0);
  ck_assert_int_gt (database_number ("SELECT count(*) FROM metric_tail"), 0);
  free (list.points);
}
END_TEST

Suite *logged_model_search_suite (void);

Suite *
logged_model_search_suite (void)
{
  Suite *suite = suite_create ("logged model search");
  TCase *random_case = tcase_create ("oracle");

  tcase_add_checked_fixture (random_case, models_open, models_close);
  tcase_set_timeout (random_case, 300);
  tcase_add_test (random_case, agrees_with_a_plain_list);
  suite_add_tcase (suite, random_case);
  return suite;
}
