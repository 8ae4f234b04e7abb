/* Binary parameters: PostgreSQL's wire formats of the few types we send. */
#include "store/parameters.h"

#include <limits.h>
#include <stdlib.h>

/* Type oids of PostgreSQL's catalogue (pg_type.dat); they never change. */
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_TEXT 25
#define OID_FLOAT8 701
#define OID_UUID 2950

/* Array header: dimensions, has-null flag, element type, then length and lower bound of the one dimension. */
#define ARRAY_HEADER_BYTES 20

void
parameters_init (struct parameters *parameters, struct arena *arena)
{
  parameters->count = 0;
  parameters->failed = false;
  parameters->arena = arena;
}

static void
put (struct parameters *parameters, const void *value, size_t length)
{
  if (parameters->count >= PARAMETERS_MAX || length > INT_MAX)
  {
    parameters->failed = true;
    return;
  }
  parameters->values[parameters->count] = value;
  parameters->lengths[parameters->count] = (int)length;
  parameters->count++;
}

static void
write_big_endian (unsigned char *out, uint64_t value, size_t bytes)
{
  for (size_t i = 0; i < bytes; i++)
    out[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
}

static void
put_number (struct parameters *parameters, uint64_t value, size_t bytes)
{
  unsigned char *slot;

  if (parameters->count >= PARAMETERS_MAX)
  {
    parameters->failed = true;
    return;
  }
  slot = parameters->fixed[parameters->count];
  write_big_endian (slot, value, bytes);
  put (parameters, slot, bytes);
}

void
parameter_null (struct parameters *parameters)
{
  put (parameters, NULL, 0);
}

void
parameter_int64 (struct parameters *parameters, int64_t value)
{
  put_number (parameters, (uint64_t)value, 8);
}

void
parameter_int32 (struct parameters *parameters, int32_t value)
{
  put_number (parameters, (uint32_t)value, 4);
}

void
parameter_bool (struct parameters *parameters, bool value)
{
  put_number (parameters, value ? 1 : 0, 1);
}

void
parameter_uuid (struct parameters *parameters, const struct uuid *value)
{
  unsigned char *slot;

  if (parameters->count >= PARAMETERS_MAX)
  {
    parameters->failed = true;
    return;
  }
  slot = parameters->fixed[parameters->count];
  memcpy (slot, value->bytes, sizeof (value->bytes));
  put (parameters, slot, sizeof (value->bytes));
}

void
parameter_text (struct parameters *parameters, struct slice value)
{
  put (parameters, value.data, value.len);
}

/* Room for an array with its header written; NULL, and failed, when memory is out. */
static unsigned char *
array_start (struct parameters *parameters, size_t payload_bytes, size_t count, bool has_null, uint32_t element_oid)
{
  unsigned char *out = NULL;

  if (payload_bytes <= INT_MAX - ARRAY_HEADER_BYTES && count <= INT_MAX && NULL != parameters->arena)
    out = arena_alloc (parameters->arena, ARRAY_HEADER_BYTES + payload_bytes);
  if (NULL == out)
  {
    parameters->failed = true;
    return NULL;
  }
  write_big_endian (out, 1, 4);
  write_big_endian (out + 4, has_null, 4);
  write_big_endian (out + 8, element_oid, 4);
  write_big_endian (out + 12, count, 4);
  write_big_endian (out + 16, 1, 4);
  put (parameters, out, ARRAY_HEADER_BYTES + payload_bytes);
  return out + ARRAY_HEADER_BYTES;
}

static void
slice_array (struct parameters *parameters, const struct slice *items, size_t count, uint32_t element_oid)
{
  size_t bytes = 0;
  bool has_null = false;
  unsigned char *out;

  for (size_t i = 0; i < count; i++)
  {
    bytes += 4 + items[i].len;
    has_null = has_null || NULL == items[i].data;
  }
  out = array_start (parameters, bytes, count, has_null, element_oid);
  if (NULL == out)
    return;
  for (size_t i = 0; i < count; i++)
  {
    write_big_endian (out, NULL == items[i].data ? UINT32_MAX : items[i].len, 4);
    out += 4;
    if (items[i].len > 0)
      memcpy (out, items[i].data, items[i].len);
    out += items[i].len;
  }
}

void
parameter_text_array (struct parameters *parameters, const struct slice *items, size_t count)
{
  slice_array (parameters, items, count, OID_TEXT);
}

void
parameter_bytea_array (struct parameters *parameters, const struct slice *items, size_t count)
{
  slice_array (parameters, items, count, OID_BYTEA);
}

void
parameter_uuid_array (struct parameters *parameters, const struct uuid *items, size_t count)
{
  unsigned char *out = array_start (parameters, count * (4 + sizeof (struct uuid)), count, false, OID_UUID);

  for (size_t i = 0; i < count && NULL != out; i++)
  {
    write_big_endian (out, sizeof (struct uuid), 4);
    memcpy (out + 4, items[i].bytes, sizeof (struct uuid));
    out += 4 + sizeof (struct uuid);
  }
}

/* Items of eight bytes each, given as their bits. */
static void
word_array (struct parameters *parameters, const void *items, size_t count, uint32_t element_oid)
{
  unsigned char *out = array_start (parameters, count * 12, count, false, element_oid);

  for (size_t i = 0; i < count && NULL != out; i++)
  {
    uint64_t bits;

    memcpy (&bits, (const char *)items + i * sizeof (bits), sizeof (bits));
    write_big_endian (out, 8, 4);
    write_big_endian (out + 4, bits, 8);
    out += 12;
  }
}

void
parameter_int64_array (struct parameters *parameters, const int64_t *items, size_t count)
{
  word_array (parameters, items, count, OID_INT8);
}

void
parameter_double_array (struct parameters *parameters, const double *items, size_t count)
{
  word_array (parameters, items, count, OID_FLOAT8);
}
