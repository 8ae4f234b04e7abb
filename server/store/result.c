/* Rows in PostgreSQL's binary format become structs. */
#include "store/result.h"

#include <libpq-fe.h>
#include <math.h>

/* Type oids of PostgreSQL's catalogue (pg_type.dat); they never change. */
static const struct
{
  Oid oid;
  int bytes; /* -1: any */
} column_types[] = {
  [COLUMN_INT64] = { 20, 8 },          [COLUMN_INT64_OPTIONAL] = { 20, 8 },
  [COLUMN_INT32] = { 23, 4 },          [COLUMN_INT16] = { 21, 2 },
  [COLUMN_BOOL] = { 16, 1 },           [COLUMN_DOUBLE] = { 701, 8 },
  [COLUMN_UUID] = { 2950, 16 },        [COLUMN_TEXT] = { 25, -1 },
  [COLUMN_BYTES] = { 17, -1 },         [COLUMN_DIGEST] = { 17, sizeof (struct digest) },
  [COLUMN_JSON] = { 3802, -1 },        [COLUMN_INT32_ARRAY] = { 1007, -1 },
  [COLUMN_INT64_ARRAY] = { 1016, -1 }, [COLUMN_DOUBLE_ARRAY] = { 1022, -1 },
};

/* An array in binary form: dimensions, a flag for NULL items, the type of the items; for each dimension its length and
   lower bound; then each item behind its length. All numbers have four bytes. Source: array_send. */
#define ARRAY_HEAD_BYTES 12
#define ARRAY_ITEMS_OFFSET (ARRAY_HEAD_BYTES + 8)
#define ARRAY_ITEM_LENGTH_BYTES 4

/* jsonb's binary form is this byte and then the text. */
#define JSONB_VERSION 1

void
result_free (struct result *result)
{
  PQclear (result->rows);
  result->rows = NULL;
}

size_t
result_count (const struct result *result)
{
  return NULL == result->rows ? 0 : (size_t)PQntuples (result->rows);
}

static uint64_t
read_big_endian (const char *data, int bytes)
{
  uint64_t value = 0;

  for (int i = 0; i < bytes; i++)
    value = value << 8 | (unsigned char)data[i];
  return value;
}

static bool
decode_array (struct result_array *array, const char *data, size_t length, size_t item_bytes)
{
  *array = (struct result_array){ 0, NULL };
  /* The empty array has no dimension. */
  if (ARRAY_HEAD_BYTES == length)
    return 0 == read_big_endian (data, 4);
  if (length < ARRAY_ITEMS_OFFSET || 1 != read_big_endian (data, 4) || 0 != read_big_endian (data + 4, 4))
    return false;
  array->count = (size_t)read_big_endian (data + ARRAY_HEAD_BYTES, 4);
  array->items = data + ARRAY_ITEMS_OFFSET;
  return length == ARRAY_ITEMS_OFFSET + array->count * (ARRAY_ITEM_LENGTH_BYTES + item_bytes);
}

int32_t
result_array_int32 (const struct result_array *array, size_t index)
{
  return (int32_t)read_big_endian (array->items + index * (ARRAY_ITEM_LENGTH_BYTES + 4) + ARRAY_ITEM_LENGTH_BYTES, 4);
}

int64_t
result_array_int64 (const struct result_array *array, size_t index)
{
  return (int64_t)read_big_endian (array->items + index * (ARRAY_ITEM_LENGTH_BYTES + 8) + ARRAY_ITEM_LENGTH_BYTES, 8);
}

double
result_array_double (const struct result_array *array, size_t index)
{
  int64_t bits = result_array_int64 (array, index);
  double value;

  memcpy (&value, &bits, sizeof (value));
  return value;
}

static bool
decode (void *out, enum column_type type, const char *data, int length, bool is_null)
{
  bool nullable = COLUMN_INT64_OPTIONAL == type || COLUMN_TEXT == type || COLUMN_BYTES == type || COLUMN_DOUBLE == type;

  if (is_null && ! nullable)
    return false;
  if (! is_null && column_types[type].bytes >= 0 && length != column_types[type].bytes)
    return false;
  switch (type)
  {
  case COLUMN_INT64:
    *(int64_t *)out = (int64_t)read_big_endian (data, 8);
    break;
  case COLUMN_INT64_OPTIONAL:
    *(struct optional_int64 *)out =
        (struct optional_int64){ ! is_null, is_null ? 0 : (int64_t)read_big_endian (data, 8) };
    break;
  case COLUMN_INT32:
    *(int32_t *)out = (int32_t)read_big_endian (data, 4);
    break;
  case COLUMN_INT16:
    *(int16_t *)out = (int16_t)read_big_endian (data, 2);
    break;
  case COLUMN_BOOL:
    *(bool *)out = 0 != data[0];
    break;
  case COLUMN_DOUBLE:
  {
    uint64_t bits = is_null ? 0 : read_big_endian (data, 8);

    memcpy (out, &bits, sizeof (bits));
    if (is_null)
      *(double *)out = NAN;
    break;
  }
  case COLUMN_UUID:
    memcpy (((struct uuid *)out)->bytes, data, sizeof (struct uuid));
    break;
  case COLUMN_DIGEST:
    memcpy (((struct digest *)out)->bytes, data, sizeof (struct digest));
    break;
  case COLUMN_TEXT:
  case COLUMN_BYTES:
    *(struct slice *)out = is_null ? (struct slice){ NULL, 0 } : (struct slice){ data, (size_t)length };
    break;
  case COLUMN_JSON:
    if (length < 1 || JSONB_VERSION != data[0])
      return false;
    *(struct slice *)out = (struct slice){ data + 1, (size_t)length - 1 };
    break;
  case COLUMN_INT32_ARRAY:
    return decode_array (out, data, (size_t)length, 4);
  case COLUMN_INT64_ARRAY:
  case COLUMN_DOUBLE_ARRAY:
    return decode_array (out, data, (size_t)length, 8);
  }
  return true;
}

enum err_code
result_row (void *out, const struct result *result, size_t row, const struct column *columns, size_t column_count,
            struct err *err)
{
  const PGresult *rows = result->rows;

  if (row >= result_count (result) || (size_t)PQnfields (rows) != column_count)
    return err_set_cause (err, ERR_INTERNAL_ERROR, "unexpected number of rows or columns", "internal error");
  for (size_t i = 0; i < column_count; i++)
  {
    int column = (int)i;

    if (PQftype (rows, column) != column_types[columns[i].type].oid
        || ! decode ((char *)out + columns[i].offset, columns[i].type, PQgetvalue (rows, (int)row, column),
                     PQgetlength (rows, (int)row, column), 0 != PQgetisnull (rows, (int)row, column)))
      return err_set_cause (err, ERR_INTERNAL_ERROR, PQfname (rows, column), "internal error");
  }
  return ERR_OK;
}

enum err_code
result_one (void *out, const struct result *result, const struct column *columns, size_t column_count, struct err *err)
{
  if (0 == result_count (result))
    return ERR_RESOURCE_DOES_NOT_EXIST;
  return result_row (out, result, 0, columns, column_count, err);
}
