/* Packing and unpacking of metric points. */
#include "ingest/pack.h"

#include "ingest/seal.h"
#include "ingest/varint.h"

#define VERSION 2
/* Without check sum and 4-byte values; rows of it stay in databases. */
#define VERSION_WITHOUT_CRC 1
/* Head, step and timestamp at their longest, and the value. */
#define POINT_MAX_BYTES (3 * VARINT_MAX_BYTES + 8)

#define HEAD_CONTEXT 1U
#define HEAD_SINGLE 2U

static void
put_text (struct buffer *out, struct slice text)
{
  unsigned char length[VARINT_MAX_BYTES];

  buffer_append (out, length, varint_put (length, text.len));
  buffer_append (out, text.data, text.len);
}

void
pack_start (struct pack_writer *writer, struct buffer *out)
{
  *writer = (struct pack_writer){ .out = out, .start = out->len };
  buffer_byte (out, VERSION);
}

void
pack_point (struct pack_writer *writer, const struct metric_point *point, const struct metric_context *context)
{
  uint32_t single;
  bool is_single = double_as_single (&single, point->value);
  uint64_t head = (NULL != context ? HEAD_CONTEXT : 0) | (is_single ? HEAD_SINGLE : 0);
  unsigned char *at;

  if (! buffer_reserve (writer->out, POINT_MAX_BYTES))
    return;
  at = (unsigned char *)writer->out->data + writer->out->len;
  at += varint_put (at, zigzag ((int64_t)point->key_id - (int64_t)writer->key_id) << 2 | head);
  at += varint_put (at, zigzag (difference (point->step, writer->step)));
  at += varint_put (at, zigzag (difference (point->timestamp_ms, writer->timestamp_ms)));
  if (is_single)
    put_fixed32 (at, single);
  else
    put_fixed64 (at, double_bits (point->value));
  at += is_single ? sizeof (single) : sizeof (point->value);
  writer->out->len = (size_t)(at - (unsigned char *)writer->out->data);
  writer->key_id = point->key_id;
  writer->step = point->step;
  writer->timestamp_ms = point->timestamp_ms;
  if (NULL != context)
  {
    put_text (writer->out, context->model_id);
    put_text (writer->out, context->dataset_name);
    put_text (writer->out, context->dataset_digest);
  }
}

void
pack_finish (struct pack_writer *writer)
{
  seal_append (writer->out, writer->start);
}

static bool
get_varint (struct pack_reader *reader, uint64_t *value)
{
  if (varint_get (value, &reader->next, reader->end))
    return true;
  reader->failed = true;
  return false;
}

static bool
get_value (struct pack_reader *reader, double *value, bool is_single)
{
  size_t bytes = is_single ? sizeof (uint32_t) : sizeof (uint64_t);

  if ((size_t)(reader->end - reader->next) < bytes)
  {
    reader->failed = true;
    return false;
  }
  *value = is_single ? double_of_single (get_fixed32 (reader->next)) : double_of_bits (get_fixed64 (reader->next));
  reader->next += bytes;
  return true;
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
  uint64_t key;
  double value;
  bool is_single = false;

  if (reader->failed || reader->next == reader->end)
    return false;
  if (! get_varint (reader, &head) || ! get_varint (reader, &step) || ! get_varint (reader, &timestamp))
    return false;
  key = head >> 1;
  if (VERSION == reader->version)
  {
    is_single = (head & HEAD_SINGLE) != 0;
    key = head >> 2;
  }
  if (! get_value (reader, &value, is_single))
    return false;
  reader->key_id = (uint32_t)((uint64_t)reader->key_id + (uint64_t)unzigzag (key));
  reader->step = add_wrapping (reader->step, unzigzag (step));
  reader->timestamp_ms = add_wrapping (reader->timestamp_ms, unzigzag (timestamp));
  *point = (struct metric_point){
    .timestamp_ms = reader->timestamp_ms, .step = reader->step, .value = value, .key_id = reader->key_id
  };
  *context = (struct metric_context){ { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
  if (0 == (head & HEAD_CONTEXT))
    return true;
  return get_text (reader, &context->model_id) && get_text (reader, &context->dataset_name)
         && get_text (reader, &context->dataset_digest);
}

/* Whether everything can be read. */
static bool
is_whole (struct pack_reader reader)
{
  struct metric_point point;
  struct metric_context context;

  while (pack_next (&reader, &point, &context))
    ;
  return ! reader.failed;
}

void
pack_open (struct pack_reader *reader, struct slice packed)
{
  *reader = (struct pack_reader){ .next = (const unsigned char *)packed.data,
                                  .end = (const unsigned char *)packed.data + packed.len };
  reader->version = 0 == packed.len ? 0 : *reader->next;
  switch (reader->version)
  {
  case VERSION_WITHOUT_CRC:
    reader->next++;
    /* Without a check sum damage shows only where it makes no sense, behind points that are wrong already. */
    reader->failed = ! is_whole (*reader);
    break;
  case VERSION:
    /* The version takes a byte, too: four bytes that happen to fit are not a packed value. */
    reader->failed = packed.len < 1 + SEAL_BYTES || ! seal_holds (packed);
    reader->next++;
    reader->end -= reader->failed ? 0 : SEAL_BYTES;
    break;
  default:
    reader->failed = true;
  }
}
