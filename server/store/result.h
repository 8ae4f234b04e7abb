/* Rows of a statement, decoded into structs by a const array of columns. */
#ifndef STORE_RESULT_H
#define STORE_RESULT_H

#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

/* A number that may be absent. */
struct optional_int64
{
  bool present;
  int64_t value;
};

enum column_type
{
  COLUMN_INT64, /* int8 -> int64_t */
  COLUMN_INT64_OPTIONAL, /* int8 or NULL -> struct optional_int64 */
  COLUMN_INT32, /* int4 -> int32_t */
  COLUMN_INT16, /* int2 -> int16_t */
  COLUMN_BOOL, /* bool -> bool */
  COLUMN_DOUBLE, /* float8 -> double, NULL gives NaN */
  COLUMN_UUID, /* uuid -> struct uuid */
  COLUMN_TEXT, /* text -> struct slice, NULL gives the absent slice */
  COLUMN_BYTES, /* bytea -> struct slice */
  COLUMN_DIGEST, /* bytea of 32 bytes -> struct digest */
  COLUMN_JSON, /* jsonb -> struct slice with the JSON text */
  COLUMN_INT32_ARRAY, /* int4[] -> struct result_array; these have one dimension and no NULL items */
  COLUMN_INT64_ARRAY, /* int8[] */
  COLUMN_DOUBLE_ARRAY /* float8[] */
};

/* The items of an array, in the result. Many rows cost more to send than one row of arrays. */
struct result_array
{
  size_t count;
  const char *items; /* as they were sent */
};

/* One item of an array of the type that the function says. */
int32_t result_array_int32 (const struct result_array *array, size_t index);
int64_t result_array_int64 (const struct result_array *array, size_t index);
double result_array_double (const struct result_array *array, size_t index);

/* Where the next column of the row goes. */
struct column
{
  enum column_type type;
  size_t offset;
};

/* Owns a PGresult; zeroed means empty. */
struct result
{
  void *rows; /* PGresult */
};

void result_free (struct result *result);

/* Number of rows. */
size_t result_count (const struct result *result);

/* Decode row `row` into the struct at `out`. Slices point into the result and live as long as it does.
   Errors: INTERNAL_ERROR when the columns are not as described, never a partly filled struct as success. */
enum err_code result_row (void *out, const struct result *result, size_t row, const struct column *columns,
                          size_t column_count, struct err *err);

/* As result_row for the first row; ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code result_one (void *out, const struct result *result, const struct column *columns, size_t column_count,
                          struct err *err);

#define COLUMN_COUNT(columns) (sizeof (columns) / sizeof ((columns)[0]))

#endif
