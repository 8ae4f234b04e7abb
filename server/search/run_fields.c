/* Fields of runs: from names to columns. */
#include "search/run_fields.h"

#include "store/run.h"

#include <math.h>

void
run_fields_init (struct run_fields *fields, struct arena *arena)
{
  *fields = (struct run_fields){ .arena = arena };
}

/* Where attributes and members of data sets are. */
static const struct
{
  enum run_cells_kind kind;
  enum store_text_source source;
} attributes[] = {
  [RUN_ATTRIBUTE_ID] = { RUN_CELLS_ID, 0 },
  [RUN_ATTRIBUTE_NAME] = { RUN_CELLS_TEXT, STORE_TEXT_NAME },
  [RUN_ATTRIBUTE_USER] = { RUN_CELLS_TEXT, STORE_TEXT_USER },
  [RUN_ATTRIBUTE_STATUS] = { RUN_CELLS_STATUS, 0 },
  [RUN_ATTRIBUTE_ARTIFACT_URI] = { RUN_CELLS_TEXT, STORE_TEXT_ARTIFACT_URI },
  [RUN_ATTRIBUTE_START] = { RUN_CELLS_START, 0 },
  [RUN_ATTRIBUTE_END] = { RUN_CELLS_END, 0 },
}, datasets[] = {
  [RUN_DATASET_NAME] = { RUN_CELLS_TEXTS, STORE_TEXT_DATASET_NAME },
  [RUN_DATASET_DIGEST] = { RUN_CELLS_TEXTS, STORE_TEXT_DATASET_DIGEST },
  [RUN_DATASET_CONTEXT] = { RUN_CELLS_TEXTS, STORE_TEXT_DATASET_CONTEXT },
};

enum err_code
run_fields_add (size_t *index, struct run_fields *fields, const struct search_field *field, struct err *err)
{
  struct run_field *added;

  for (size_t i = 0; i < fields->count; i++)
    if (search_field_same (&fields->items[i].field, field))
    {
      *index = i;
      return ERR_OK;
    }
  if (fields->count == fields->capacity)
  {
    size_t capacity = fields->capacity * 2 + 8;
    struct run_field *items = arena_array (fields->arena, capacity, sizeof (items[0]));

    if (NULL == items)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    if (fields->count > 0)
      memcpy (items, fields->items, fields->count * sizeof (items[0]));
    fields->items = items;
    fields->capacity = capacity;
  }
  *index = fields->count;
  added = &fields->items[fields->count++];
  added->field = *field;
  switch (field->entity)
  {
  case SEARCH_ATTRIBUTE:
    added->kind = attributes[field->attribute->number].kind;
    added->text.source = attributes[field->attribute->number].source;
    break;
  case SEARCH_DATASET:
    added->kind = datasets[field->attribute->number].kind;
    added->text.source = datasets[field->attribute->number].source;
    break;
  case SEARCH_METRIC:
    added->kind = RUN_CELLS_METRIC;
    break;
  case SEARCH_PARAM:
  case SEARCH_TAG:
  default:
    added->kind = field->as_number ? RUN_CELLS_TEXT_NUMBER : RUN_CELLS_TEXT;
    added->text = (struct store_text){ SEARCH_TAG == field->entity ? STORE_TEXT_TAG : STORE_TEXT_PARAM, field->key };
    break;
  }
  return ERR_OK;
}

static enum err_code
find_key (uint32_t *key_id, struct metric_keys *keys, struct store_connection *connection, struct slice name,
          struct err *err)
{
  bool found = false;
  enum err_code code = metric_keys_find (&found, key_id, keys, connection, name, err);

  if (! found)
    *key_id = 0;
  return code;
}

static void
need_metric (struct run_needs *needs, uint32_t key_id, enum search_part part)
{
  if (0 != key_id)
    needs->metrics[needs->metric_count++] = (struct run_need_metric){ key_id, part };
}

enum err_code
run_fields_resolve (struct run_needs *needs, struct run_fields *fields, struct metric_keys *keys,
                    struct store_connection *connection, struct err *err)
{
  enum err_code code = ERR_OK;

  *needs =
      (struct run_needs){ .texts = arena_array (fields->arena, fields->count, sizeof (struct store_text)),
                          .metrics = arena_array (fields->arena, 2 * fields->count, sizeof (struct run_need_metric)) };
  if (NULL == needs->texts || NULL == needs->metrics)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < fields->count; i++)
  {
    struct run_field *field = &fields->items[i];

    if (RUN_CELLS_TEXT == field->kind || RUN_CELLS_TEXTS == field->kind || RUN_CELLS_TEXT_NUMBER == field->kind)
      needs->texts[needs->text_count++] = field->text;
    if (RUN_CELLS_METRIC != field->kind)
      continue;
    field->part = field->field.part;
    code = find_key (&field->key_id, keys, connection, field->field.key, err);
    if (ERR_OK == code && NULL != field->field.part_key.data)
      code = find_key (&field->part_key_id, keys, connection, field->field.part_key, err);
    need_metric (needs, field->key_id, field->part);
    need_metric (needs, field->part_key_id, field->field.key_part);
  }
  return code;
}

/* Whether any run has a value; rows of runs that are gone may keep theirs. */
static bool
is_used (struct run_table *table, uint32_t key_id, enum search_part part)
{
  const struct run_metric *metric = run_table_metric (table, key_id, part);

  for (size_t row = 0; NULL != metric && row < table->count; row++)
    if (RUN_STATE_GONE != table->state[row] && ! metric_is_missing (metric->column.values[row]))
      return true;
  return false;
}

void
run_fields_settle (struct run_fields *fields, struct run_table *const *tables, size_t count)
{
  for (size_t i = 0; i < fields->count; i++)
  {
    struct run_field *field = &fields->items[i];
    bool is_name = false;

    if (0 == field->part_key_id)
      continue;
    for (size_t j = 0; ! is_name && 0 != field->key_id && j < count; j++)
      is_name = is_used (tables[j], field->key_id, field->part);
    if (is_name)
      continue;
    field->key_id = field->part_key_id;
    field->part = field->field.key_part;
  }
}

struct run_cells *
run_fields_bind (const struct run_fields *fields, struct run_table *table)
{
  struct run_cells *cells = arena_array (fields->arena, fields->count, sizeof (cells[0]));

  for (size_t i = 0; i < fields->count && NULL != cells; i++)
  {
    const struct run_field *field = &fields->items[i];

    cells[i] = (struct run_cells){ .kind = field->kind, .table = table };
    if (RUN_CELLS_TEXT == field->kind || RUN_CELLS_TEXTS == field->kind || RUN_CELLS_TEXT_NUMBER == field->kind)
    {
      const struct run_text *text = run_table_text (table, field->text.source, field->text.key);

      if (NULL == text)
        return NULL;
      cells[i].text = &text->column;
    }
    else if (RUN_CELLS_METRIC == field->kind && 0 == field->key_id)
      cells[i].kind = RUN_CELLS_NONE;
    else if (RUN_CELLS_METRIC == field->kind)
    {
      const struct run_metric *metric = run_table_metric (table, field->key_id, field->part);

      if (NULL == metric)
        return NULL;
      cells[i].metric = &metric->column;
    }
  }
  return cells;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static void
set_number (struct run_value *value, double number)
{
  value->type = SEARCH_DOUBLE;
  value->number = number;
  value->rank = metric_is_missing (number) ? RUN_VALUE_MISSING : isnan (number) ? RUN_VALUE_NAN : RUN_VALUE_PRESENT;
}

static void
set_text (struct run_value *value, struct slice text)
{
  value->type = SEARCH_TEXT;
  value->text = text;
  value->rank = NULL == text.data ? RUN_VALUE_MISSING : RUN_VALUE_PRESENT;
}

void
run_cells_get (struct run_value *value, const struct run_cells *cells, size_t row)
{
  const struct run_table *table = cells->table;
  double number;

  value->rank = RUN_VALUE_PRESENT;
  switch (cells->kind)
  {
  case RUN_CELLS_ID:
    value->type = SEARCH_UUID;
    value->id = table->ids[row];
    break;
  case RUN_CELLS_STATUS:
    set_text (value, slice_of (run_status_names[table->status[row]]));
    break;
  case RUN_CELLS_START:
    value->type = SEARCH_INT64;
    value->integer = table->started_at_ms[row];
    break;
  case RUN_CELLS_END:
    value->type = SEARCH_INT64;
    value->integer = table->ended_at_ms[row];
    if (! table->ended[row])
      value->rank = RUN_VALUE_MISSING;
    break;
  case RUN_CELLS_TEXT:
  case RUN_CELLS_TEXTS:
    set_text (value, text_column_get (cells->text, row));
    break;
  case RUN_CELLS_TEXT_NUMBER:
    set_number (value, search_number (&number, text_column_get (cells->text, row)) ? number : metric_missing ());
    break;
  case RUN_CELLS_METRIC:
    set_number (value, cells->metric->values[row]);
    break;
  case RUN_CELLS_NONE:
  default:
    set_number (value, metric_missing ());
    break;
  }
}

int
run_value_compare (const struct run_value *a, const struct run_value *b, bool descending)
{
  int order = 0;

  if (a->rank != b->rank)
    return a->rank < b->rank ? -1 : 1;
  if (RUN_VALUE_PRESENT != a->rank)
    return 0;
  switch (a->type)
  {
  case SEARCH_INT64:
    order = (a->integer > b->integer) - (a->integer < b->integer);
    break;
  case SEARCH_DOUBLE:
    order = (a->number > b->number) - (a->number < b->number);
    break;
  case SEARCH_UUID:
    order = memcmp (&a->id, &b->id, sizeof (a->id));
    break;
  case SEARCH_TEXT:
  default:
    order = slice_compare (a->text, b->text);
    break;
  }
  return descending ? -order : order;
}
