/* The fields that a search of runs names, and the cells of tables that hold them. */
#ifndef SEARCH_RUN_FIELDS_H
#define SEARCH_RUN_FIELDS_H

#include "search/field.h"
#include "search/run_load.h"

/* Where the values of a field are. */
enum run_cells_kind
{
  RUN_CELLS_ID,
  RUN_CELLS_STATUS,
  RUN_CELLS_START,
  RUN_CELLS_END,
  RUN_CELLS_TEXT,
  RUN_CELLS_TEXTS, /* JSON arrays of strings: a run has several values */
  RUN_CELLS_TEXT_NUMBER, /* texts read as numbers */
  RUN_CELLS_METRIC,
  RUN_CELLS_NONE /* no run has a value */
};

/* The values of one field in one table. */
struct run_cells
{
  enum run_cells_kind kind;
  const struct run_table *table;
  const struct text_column *text;
  const struct metric_column *metric;
};

struct run_field
{
  struct search_field field;
  enum run_cells_kind kind;
  struct store_text text;
  uint32_t key_id; /* of a metric; 0: nobody ever logged it */
  enum search_part part; /* of that metric */
  uint32_t part_key_id; /* of the metric whose part the name may mean; 0: none */
};

/* Stack allocatable; set up with run_fields_init. Lives in the arena. */
struct run_fields
{
  struct arena *arena;
  struct run_field *items;
  size_t count;
  size_t capacity;
};

void run_fields_init (struct run_fields *fields, struct arena *arena);

/* Add a field unless it is there already; `index` receives its place. Errors: INTERNAL_ERROR. */
enum err_code run_fields_add (size_t *index, struct run_fields *fields, const struct search_field *field,
                              struct err *err);

/* Look metrics up by name and say which columns are needed. Errors: those of the database. */
enum err_code run_fields_resolve (struct run_needs *needs, struct run_fields *fields, struct metric_keys *keys,
                                  struct store_connection *connection, struct err *err);

/* Once the tables are loaded: decide what names such as metrics.x.min mean. Such a name is that of a metric when a run
   in one of the tables has it, otherwise the least value of metric x. */
void run_fields_settle (struct run_fields *fields, struct run_table *const *tables, size_t count);

/* The cells of all fields in a table, in the arena; NULL without memory. */
struct run_cells *run_fields_bind (const struct run_fields *fields, struct run_table *table);

/* One value of a run. */
enum run_value_rank
{
  RUN_VALUE_PRESENT,
  RUN_VALUE_NAN,
  RUN_VALUE_MISSING
};
struct run_value
{
  enum run_value_rank rank;
  enum search_type type; /* SEARCH_INT64, SEARCH_DOUBLE, SEARCH_TEXT, SEARCH_UUID */
  int64_t integer;
  double number;
  struct slice text;
  struct uuid id;
};

/* The value of a row; text is borrowed from the table. Of several values the JSON text. */
void run_cells_get (struct run_value *value, const struct run_cells *cells, size_t row);

/* Order of values: missing behind NaN behind all others, whatever the direction; those by their type, descending or
   not. Negative, zero or positive as in strcmp. */
int run_value_compare (const struct run_value *a, const struct run_value *b, bool descending);

#endif
