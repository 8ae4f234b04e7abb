/* Fields of runs under their many names, and the columns of the flat table that hold them. */
#include "oracle.h"

#include <check.h>
#include <stdio.h>

char oracle_scope[100];

static size_t
find (const char *const *names, size_t count, struct slice name)
{
  size_t i = 0;

  while (i < count && ! slice_is (name, names[i]))
    i++;
  return i;
}

/* The column of a part of a metric; one that nobody logs has no values. */
static void
metric_sql (char sql[ORACLE_FIELD_BYTES], struct slice name, enum search_part part)
{
  size_t metric = find (oracle_metrics, ORACLE_METRICS, name);

  if (metric == ORACLE_METRICS)
    snprintf (sql, ORACLE_FIELD_BYTES, "NULL::float8");
  else
    snprintf (sql, ORACLE_FIELD_BYTES, "m%zu_%d", metric, (int)part);
}

/* "x.min" without quotes: the metric of that name where a run has it, otherwise the part of x. */
static void
doubtful_sql (char sql[ORACLE_FIELD_BYTES], struct slice whole, struct slice base, enum search_part part)
{
  char metric[ORACLE_FIELD_BYTES];
  char of_base[ORACLE_FIELD_BYTES];

  metric_sql (metric, whole, SEARCH_LATEST);
  metric_sql (of_base, base, part);
  ck_assert_int_lt (snprintf (sql, ORACLE_FIELD_BYTES,
                              "(CASE WHEN (SELECT count(%s) FROM oracle_run WHERE %s) > 0 THEN %s ELSE %s END)", metric,
                              oracle_scope, metric, of_base),
                    ORACLE_FIELD_BYTES);
}

void
oracle_field_sql (struct buffer *sql, const struct search_field *field)
{
  static const char *const attributes[RUN_ATTRIBUTE_COUNT] = { "hex", "name",    "user_id", "status",
                                                               "uri", "started", "ended" };
  static const char *const datasets[RUN_DATASET_COUNT] = { "ds_name", "ds_digest", "ds_context" };
  char text[ORACLE_FIELD_BYTES];

  switch (field->entity)
  {
  case SEARCH_ATTRIBUTE:
    buffer_text (sql, attributes[field->attribute->number]);
    break;
  case SEARCH_DATASET:
    buffer_text (sql, datasets[field->attribute->number]);
    break;
  case SEARCH_METRIC:
    if (NULL == field->part_key.data)
      metric_sql (text, field->key, field->part);
    else
      doubtful_sql (text, field->key, field->part_key, field->key_part);
    buffer_text (sql, text);
    break;
  case SEARCH_PARAM:
    buffer_printf (sql, field->as_number ? "pn%zu" : "p%zu", find (oracle_params, ORACLE_PARAMS, field->key));
    break;
  default:
    buffer_printf (sql, field->as_number ? "tn%zu" : "t%zu", find (oracle_tags, ORACLE_TAGS, field->key));
    break;
  }
}

/* --- random fields ----------------------------------------------------------------------------------------------- */

#define CHOOSE(array) ((array)[oracle_below (sizeof (array) / sizeof ((array)[0]))])

static bool
is_word (const char *name)
{
  return NULL == strpbrk (name, " /.");
}

/* A key in one of the forms that it can have. */
static void
put_key (char *out, size_t size, const char *name, bool for_filter)
{
  static const char quotes[] = { '`', '"', '\'' };
  char quote = quotes[oracle_below (for_filter ? 3 : 2)];

  if (oracle_once_in (2) && (is_word (name) || NULL == strpbrk (name, " /")))
    snprintf (out, size, "%s", name);
  else
    snprintf (out, size, "%c%s%c", quote, name, quote);
}

static void
make_metric (struct oracle_field *field, bool for_filter)
{
  static const char *const entities[] = { "metrics", "metric", "metrics", "`metrics`" };
  const char *entity = entities[oracle_below (for_filter ? 4 : 3)];
  const char *name = CHOOSE (oracle_metrics);
  enum search_part part = oracle_once_in (2) ? SEARCH_LATEST : (enum search_part) (1 + oracle_below (SEARCH_COUNT));
  char key[60];

  field->type = ORACLE_NUMBER;
  if (SEARCH_LATEST == part)
  {
    /* "x.min" in quotes is the metric of that name. */
    static const char quotes[] = { '`', '"' };
    char quote = CHOOSE (quotes);

    if (is_word (name) && oracle_once_in (2))
      snprintf (key, sizeof (key), "%s", name);
    else
      snprintf (key, sizeof (key), "%c%s%c", quote, name, quote);
    metric_sql (field->sql, slice_of (name), SEARCH_LATEST);
  }
  else if (NULL == strpbrk (name, " /") && oracle_once_in (2))
  {
    snprintf (key, sizeof (key), "%s.%s", name, search_part_names[part]);
    doubtful_sql (field->sql, slice_of (key), slice_of (name), part);
  }
  else
  {
    snprintf (key, sizeof (key), oracle_once_in (2) ? "`%s`.%s" : "\"%s\".%s", name, search_part_names[part]);
    metric_sql (field->sql, slice_of (name), part);
  }
  snprintf (field->text, sizeof (field->text), "%s.%s", entity, key);
}

static void
make_text (struct oracle_field *field, bool tags, bool for_filter)
{
  static const char *const entities[2][4] = { { "params", "param", "parameter", "parameters" },
                                              { "tags", "tag", "tags", "tag" } };
  static const char *const calls[] = { "number", "NUMBER", "Number" };
  size_t index = oracle_below (tags ? ORACLE_TAGS : ORACLE_PARAMS);
  bool number = oracle_once_in (3);
  char key[60];

  put_key (key, sizeof (key), tags ? oracle_tags[index] : oracle_params[index], for_filter);
  field->type = number ? ORACLE_NUMBER : ORACLE_TEXT;
  snprintf (field->sql, sizeof (field->sql), "%c%s%zu", tags ? 't' : 'p', number ? "n" : "", index);
  if (number)
    snprintf (field->text, sizeof (field->text), oracle_once_in (2) ? "%s(%s.%s)" : "%s( %s.%s )", CHOOSE (calls),
              CHOOSE (entities[tags]), key);
  else
    snprintf (field->text, sizeof (field->text), "%s.%s", CHOOSE (entities[tags]), key);
}

static void
make_attribute (struct oracle_field *field)
{
  static const struct
  {
    const char *name;
    const char *sql;
    enum oracle_type type;
  } attributes[] = {
    { "run_id", "hex", ORACLE_ID },          { "run_name", "name", ORACLE_TEXT },
    { "`run name`", "name", ORACLE_TEXT },   { "user_id", "user_id", ORACLE_TEXT },
    { "status", "status", ORACLE_STATUS },   { "artifact_uri", "uri", ORACLE_TEXT },
    { "start_time", "started", ORACLE_INT }, { "created", "started", ORACLE_INT },
    { "end_time", "ended", ORACLE_INT },     { "end_time", "ended", ORACLE_INT },
  };
  static const char *const entities[] = { "", "", "attributes.", "attribute.", "attr.", "run." };
  size_t index = oracle_below (sizeof (attributes) / sizeof (attributes[0]));

  field->type = attributes[index].type;
  snprintf (field->sql, sizeof (field->sql), "%s", attributes[index].sql);
  snprintf (field->text, sizeof (field->text), "%s%s", CHOOSE (entities), attributes[index].name);
}

void
oracle_make_dataset (struct oracle_field *field)
{
  static const char *const members[] = { "name", "digest", "context" };
  const char *member = CHOOSE (members);

  field->type = ORACLE_DATASETS;
  snprintf (field->sql, sizeof (field->sql), "ds_%s", member);
  snprintf (field->text, sizeof (field->text), "%s.%s", oracle_once_in (2) ? "dataset" : "datasets", member);
}

void
oracle_make_field (struct oracle_field *field, bool for_filter)
{
  switch (oracle_below (for_filter ? 10 : 9))
  {
  case 0:
  case 1:
  case 2:
    make_metric (field, for_filter);
    break;
  case 3:
  case 4:
    make_text (field, false, for_filter);
    break;
  case 5:
    make_text (field, true, for_filter);
    break;
  case 9:
    oracle_make_dataset (field);
    break;
  default:
    make_attribute (field);
    break;
  }
}

/* --- orders ------------------------------------------------------------------------------------------------------ */

/* Whether an order has a field, and after it "," or nothing. */
static bool
is_named (const struct oracle_field *fields, size_t count, const char *sql)
{
  for (size_t i = 0; i < count; i++)
    if (0 == strcmp (fields[i].sql, sql))
      return true;
  return false;
}

void
oracle_make_order (struct oracle_order *order)
{
  static const char *const up[] = { "", " ASC", " asc" };
  static const char *const down[] = { " DESC", " desc", "  Desc" };
  struct oracle_field fields[ORACLE_ORDER_MAX];
  size_t most = oracle_once_in (4) ? 0 : 1 + oracle_below (ORACLE_ORDER_MAX);

  order->count = 0;
  buffer_clear (&order->sql);
  for (size_t tries = 0; tries < most; tries++)
  {
    struct oracle_field *field = &fields[order->count];
    bool descending = oracle_once_in (2);

    oracle_make_field (field, false);
    if (is_named (fields, order->count, field->sql))
      continue;
    snprintf (order->items[order->count++], sizeof (order->items[0]), "%s%s", field->text,
              descending ? CHOOSE (down) : CHOOSE (up));
    buffer_printf (&order->sql, "%s IS NULL, ", field->sql);
    if (ORACLE_NUMBER == field->type)
      buffer_printf (&order->sql, "%s = 'NaN', ", field->sql);
    buffer_printf (&order->sql, "%s%s, ", field->sql, descending ? " DESC" : "");
  }
  if (! is_named (fields, order->count, "started"))
    buffer_text (&order->sql, "started DESC, ");
  buffer_text (&order->sql, "run_id");
  ck_assert (! order->sql.failed);
}
