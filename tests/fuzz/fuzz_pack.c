/* Packed points of both versions: any bytes are read without harm, and what was read, packed again, reads the same. */
#include "fuzz.h"

#include "ingest/pack.h"
#include "ingest/seal.h"

#include <string.h>

/* Far above what the largest input packs to: a key number that wraps around takes four bytes more than it was read
 * from.
 */
#define PACKED_MAX_BYTES ((size_t)16 * 1024 * 1024)

static bool
same (const struct metric_point *a, const struct metric_context *in_a, const struct metric_point *b,
      const struct metric_context *in_b)
{
  return a->key_id == b->key_id && a->step == b->step && a->timestamp_ms == b->timestamp_ms
         && 0 == memcmp (&a->value, &b->value, sizeof (a->value)) && slice_equal (in_a->model_id, in_b->model_id)
         && slice_equal (in_a->dataset_name, in_b->dataset_name)
         && slice_equal (in_a->dataset_digest, in_b->dataset_digest);
}

static void
check_inside (struct slice text, struct slice packed)
{
  REQUIRE (NULL == text.data ? 0 == text.len
                             : text.data > packed.data && text.data + text.len <= packed.data + packed.len);
}

static bool
is_filled (const struct metric_context *context)
{
  return slice_filled (context->model_id) || slice_filled (context->dataset_name)
         || slice_filled (context->dataset_digest);
}

static void
check (struct slice packed)
{
  struct pack_reader reader;
  struct pack_reader again;
  struct pack_writer writer;
  struct metric_point point;
  struct metric_point second;
  struct metric_context context;
  struct metric_context in_second;
  struct buffer out;
  size_t count = 0;

  buffer_init (&out, PACKED_MAX_BYTES);
  pack_start (&writer, &out);
  pack_open (&reader, packed);
  for (; pack_next (&reader, &point, &context); count++)
  {
    check_inside (context.model_id, packed);
    check_inside (context.dataset_name, packed);
    check_inside (context.dataset_digest, packed);
    pack_point (&writer, &point, is_filled (&context) ? &context : NULL);
  }
  REQUIRE (reader.failed || reader.next == reader.end);
  REQUIRE (! pack_next (&reader, &point, &context));
  pack_finish (&writer);
  REQUIRE (! out.failed);

  pack_open (&reader, packed);
  pack_open (&again, buffer_slice (&out));
  while (count-- > 0)
  {
    REQUIRE (pack_next (&reader, &point, &context));
    REQUIRE (pack_next (&again, &second, &in_second));
    REQUIRE (same (&point, &context, &second, &in_second));
  }
  REQUIRE (! pack_next (&again, &second, &in_second) && ! again.failed);
  buffer_free (&out);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  unsigned char *sealed;

  check ((struct slice){ (const char *)data, size });
  /* Chance does not find a check sum: the same with the one that belongs to it. */
  if (size > SEAL_BYTES)
  {
    sealed = malloc (size);
    REQUIRE (NULL != sealed);
    memcpy (sealed, data, size);
    put_fixed32 (sealed + size - SEAL_BYTES, crc32c (sealed, size - SEAL_BYTES));
    check ((struct slice){ (const char *)sealed, size });
    free (sealed);
  }
  return 0;
}
