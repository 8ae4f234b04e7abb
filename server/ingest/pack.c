/* Packing and unpacking of metric points. */
#include "ingest/pack.h"

#define VERSION 1
/* Ten groups of seven bits hold 64 bits. */
#define VARINT_MAX_BYTES 10
/* Head, step and timestamp at their longest, and the value. */
#define POINT_MAX_BYTES (3 * VARINT_MAX_BYTES + 8)

static uint64_t
zigzag (int64_t value)
{
  return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static int64_t
unzigzag (uint64_t value)
{
  return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

/* The difference with wrap-around, which adding with wrap-around undoes. */
static int64_t
difference (int64_t a, int64_t b)
{
  return (int64_t)((uint64_t)a - (uint64_t)b);
}

static size_t
put_varint (unsigned char *out, uint64_t value)
{
  size_t length = 0;

  while (value >= 0x80)
  {
    out[length++] = (unsigned char)(value | 0x80);
    value >>= 7;
  }
  out[length++] = (unsigned char)value;
  return length;
}

static void
put_text (struct buffer *out, struct slice text)
{
  unsigned char length[VARINT_MAX_BYTES];

  buffer_append (out, length, put_varint (length, text.len));
  buffer_append (out, text.data, text.len);
}

void
pack_start (struct pack_writer *writer, struct buffer *out)
{
  *writer = (struct pack_writer){ .out = out };
  buffer_byte (out, VERSION);
}

void
pack_point (struct pack_writer *writer, const struct metric_point *point, const struct metric_context *context)
{
  bool has_context = NULL != context;
  unsigned char *at;
  uint64_t bits;

  if (! buffer_reserve (writer->out, POINT_MAX_BYTES))
    return;
  at = (unsigned char *)writer->out->data + writer->out->len;
  at += put_varint (at, zigzag ((int64_t)point->key_id - (int64_t)writer->key_id) << 1 | has_context);
  at += put_varint (at, zigzag (difference (point->step, writer->step)));
  at += put_varint (at, zigzag (difference (point->timestamp_ms, writer->timestamp_ms)));
  memcpy (&bits, &point->value, sizeof (bits));
  for (size_t i = 0; i < sizeof (bits); i++)
    *at++ = (unsigned char)(bits >> (8 * i));
  writer->out->len = (size_t)(at - (unsigned char *)writer->out->data);
  writer->key_id = point->key_id;
  writer->step = point->step;
  writer->timestamp_ms = point->timestamp_ms;
  if (has_context)
  {
    put_text (writer->out, context->model_id);
    put_text (writer->out, context->dataset_name);
    put_text (writer->out, context->dataset_digest);
  }
}

void
pack_open (struct pack_reader *reader, struct slice packed)
{
  *reader = (struct pack_reader){ .next = (const unsigned char *)packed.data,
                                  .end = (const unsigned char *)packed.data + packed.len };
  if (0 == packed.len || VERSION != *reader->next)
    reader->failed = true;
  else
    reader->next++;
}

static bool
get_varint (struct pack_reader *reader, uint64_t *value)
{
  *value = 0;
  for (unsigned shift = 0; shift < 64 && reader->next < reader->end; shift += 7)
  {
    unsigned char byte = *reader->next++;

    /* The tenth group has room for one bit only. */
    if (63 == shift && byte > 1)
      break;
    *value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80)
      return true;
  }
  reader->failed = true;
  return false;
}

static bool
get_text (struct pack_reader *reader, struct slice *text)
{
  uint64_t length;

  if (! get_varint (reader, &length))
    return false;
  if (length > (uint64_t)(reader->end - reader->next))
  {
    reader->failed = true;
    return false;
  }
  *text = (struct slice){ 0 == length ? NULL : (const char *)reader->next, (size_t)length };
  reader->next += length;
  return true;
}

bool
pack_next (struct pack_reader *reader, struct metric_point *point, struct metric_context *context)
{
  uint64_t head;
  uint64_t step;
  uint64_t timestamp;
  uint64_t bits = 0;

  if (reader->failed || reader->next == reader->end)
    return false;
  if (! get_varint (reader, &head) || ! get_varint (reader, &step) || ! get_varint (reader, &timestamp))
    return false;
  if (reader->end - reader->next < 8)
  {
    reader->failed = true;
    return false;
  }
  for (size_t i = 0; i < sizeof (bits); i++)
    bits |= (uint64_t)*reader->next++ << (8 * i);
  reader->key_id = (uint32_t)((uint64_t)reader->key_id + (uint64_t)unzigzag (head >> 1));
  reader->step = (int64_t)((uint64_t)reader->step + (uint64_t)unzigzag (step));
  reader->timestamp_ms = (int64_t)((uint64_t)reader->timestamp_ms + (uint64_t)unzigzag (timestamp));
  *point =
      (struct metric_point){ .timestamp_ms = reader->timestamp_ms, .step = reader->step, .key_id = reader->key_id };
  memcpy (&point->value, &bits, sizeof (bits));
  *context = (struct metric_context){ { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
  if (0 == (head & 1))
    return true;
  return get_text (reader, &context->model_id) && get_text (reader, &context->dataset_name)
         && get_text (reader, &context->dataset_digest);
}
