/* Measures the packed forms of metric points: bytes and nanoseconds a point, over series like those that are logged.

   Usage: codec [DIRECTORY]     with DIRECTORY, the chunks of each series are written there too, one file each
   Every figure is the best of several passes, so that what else the machine does counts little. */
#include "base/clock.h"
#include "ingest/chunk.h"
#include "ingest/pack.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Chunks of each series: enough to leave the first-level cache, as in use. */
#define CHUNKS 16
#define POINTS ((size_t)CHUNKS * CHUNK_MAX_POINTS)
#define PASSES 15

static uint64_t random_state = 1;

/* The generator of Steele, Lea and Flood ("SplitMix"): any start will do. */
static uint64_t
next_random (void)
{
  uint64_t bits = random_state += UINT64_C (0x9E3779B97F4A7C15);

  bits = (bits ^ bits >> 30) * UINT64_C (0xBF58476D1CE4E5B9);
  bits = (bits ^ bits >> 27) * UINT64_C (0x94D049BB133111EB);
  return bits ^ bits >> 31;
}

static double
uniform (void)
{
  return (double)(next_random () >> 11) * 0x1p-53;
}

static double
normal (void)
{
  return sqrt (-2 * log (1 - uniform ())) * cos (6.283185307179586 * uniform ());
}

static double
loss (size_t i)
{
  return 2.5 * exp (-(double)i / 20000) + 0.3 + 0.05 * normal ();
}

static double
value_single (size_t i)
{
  return (double)(float)loss (i);
}

static double
value_half (size_t i)
{
  uint32_t bits;
  float single = (float)loss (i);

  memcpy (&bits, &single, sizeof (bits));
  bits &= 0xFFFF0000U;
  memcpy (&single, &bits, sizeof (single));
  return (double)single;
}

static double
value_rounded (size_t i)
{
  return round (loss (i) * 1e4) / 1e4;
}

static double
value_counter (size_t i)
{
  return (double)(i * 512 + next_random () % 64);
}

static double
value_double (size_t i)
{
  return loss (i);
}

static double
value_any (size_t i)
{
  uint64_t bits = next_random ();
  double value;

  (void)i;
  memcpy (&value, &bits, sizeof (value));
  return value;
}

static double
value_constant (size_t i)
{
  (void)i;
  return 3e-4;
}

static const struct
{
  const char *name;
  double (*value) (size_t i);
  size_t length; /* points in a chunk */
} families[] = {
  { "loss, 4-byte floats", value_single, CHUNK_MAX_POINTS },
  { "the same, 128 points", value_single, 128 },
  { "the same, 10 points", value_single, 10 },
  { "the same, 1 point", value_single, 1 },
  { "loss, bfloat16", value_half, CHUNK_MAX_POINTS },
  { "loss, 4 decimals", value_rounded, CHUNK_MAX_POINTS },
  { "loss, doubles", value_double, CHUNK_MAX_POINTS },
  { "integer counter", value_counter, CHUNK_MAX_POINTS },
  { "constant", value_constant, CHUNK_MAX_POINTS },
  { "any bits of a double", value_any, CHUNK_MAX_POINTS },
};

static struct metric_point points[POINTS];
static struct metric_point decoded[CHUNK_MAX_POINTS];

/* Ten steps a record, about 250 ms each, the clock read with jitter. */
static void
make_points (double (*value) (size_t i))
{
  double now = 1753900000000;

  for (size_t i = 0; i < POINTS; i++)
  {
    now += 250 + 8 * normal ();
    points[i] =
        (struct metric_point){ .timestamp_ms = (int64_t)now, .step = (int64_t)i * 10, .value = value (i), .key_id = 7 };
  }
}

static void
require (bool holds)
{
  if (holds)
    return;
  fputs ("what was packed did not come back\n", stderr);
  exit (EXIT_FAILURE);
}

/* The faster of two times of a pass. */
static void
note (double *best, uint64_t start_us)
{
  double ns = (double)(clock_monotonic_us () - start_us) * 1e3;

  *best = 0 == *best || ns < *best ? ns : *best;
}

static void
save (const char *directory, size_t family, const struct buffer *chunk, size_t number)
{
  char path[4096];
  FILE *file;

  snprintf (path, sizeof (path), "%s/%zu-%zu", directory, family, number);
  file = fopen (path, "wb");
  require (NULL != file && fwrite (chunk->data, 1, chunk->len, file) == chunk->len && 0 == fclose (file));
}

static void
measure_chunks (size_t family, const char *directory)
{
  size_t length = families[family].length;
  size_t chunks = POINTS / length < 256 ? POINTS / length : 256;
  double total = (double)(chunks * length);
  struct buffer out[256];
  struct buffer summaries[256];
  double encode_ns = 0;
  double decode_ns = 0;
  double summary_ns = 0;
  double bytes = 0;
  double summary_bytes = 0;
  size_t blocks = 0;

  for (size_t c = 0; c < chunks; c++)
  {
    buffer_init (&out[c], 1 << 20);
    buffer_init (&summaries[c], 1 << 20);
  }
  for (unsigned pass = 0; pass < PASSES; pass++)
  {
    struct chunk_block block[CHUNK_BLOCKS_MAX];
    uint64_t start = clock_monotonic_us ();
    size_t count;

    for (size_t c = 0; c < chunks; c++)
    {
      buffer_clear (&out[c]);
      require (chunk_encode (&out[c], points + c * length, length));
    }
    note (&encode_ns, start);
    start = clock_monotonic_us ();
    for (size_t c = 0; c < chunks; c++)
      require (chunk_decode (decoded, &count, 7, buffer_slice (&out[c])) && count == length);
    note (&decode_ns, start);
    for (size_t c = 0; c < chunks; c++)
    {
      buffer_clear (&summaries[c]);
      require (chunk_summary_encode (&summaries[c], points + c * length, length));
    }
    start = clock_monotonic_us ();
    blocks = 0;
    for (size_t c = 0; c < chunks; c++, blocks += count)
      require (chunk_summary_decode (block, &count, buffer_slice (&summaries[c])));
    note (&summary_ns, start);
  }
  for (size_t c = 0; c < chunks; c++)
  {
    size_t count;

    require (chunk_decode (decoded, &count, 7, buffer_slice (&out[c])) && count == length
             && 0 == memcmp (&decoded[length - 1].value, &points[(c + 1) * length - 1].value, sizeof (double)));
    bytes += (double)out[c].len;
    summary_bytes += (double)summaries[c].len;
    if (NULL != directory)
      save (directory, family, &out[c], c);
    buffer_free (&out[c]);
    buffer_free (&summaries[c]);
  }
  printf ("%-22s %10.2f %12.1f %12.1f %14.1f %16.0f\n", families[family].name, bytes / total, encode_ns / total,
          decode_ns / total, summary_bytes / (double)blocks, summary_ns / (double)blocks);
}

static void
measure_pack (void)
{
  struct buffer out;
  double write_ns = 0;
  double read_ns = 0;
  double sum = 0;

  buffer_init (&out, (size_t)64 * 1024 * 1024);
  for (unsigned pass = 0; pass < PASSES; pass++)
  {
    uint64_t start = clock_monotonic_us ();
    struct pack_writer writer;
    struct pack_reader reader;
    struct metric_point point;
    struct metric_context context;
    size_t count = 0;

    buffer_clear (&out);
    pack_start (&writer, &out);
    for (size_t i = 0; i < POINTS; i++)
      pack_point (&writer, &points[i], NULL);
    pack_finish (&writer);
    note (&write_ns, start);
    start = clock_monotonic_us ();
    pack_open (&reader, buffer_slice (&out));
    for (; pack_next (&reader, &point, &context); count++)
      sum += point.value;
    note (&read_ns, start);
    require (! reader.failed && POINTS == count && ! isnan (sum));
  }
  printf ("\ntail (pack.h), loss: %.2f bytes, written in %.1f ns, read in %.1f ns a point\n",
          (double)out.len / (double)POINTS, write_ns / (double)POINTS, read_ns / (double)POINTS);
  buffer_free (&out);
}

int
main (int count, char **arguments)
{
  printf ("%-22s %10s %12s %12s %14s %16s\n", "", "bytes/point", "encode ns", "decode ns", "summary B/blk",
          "summary ns/blk");
  for (size_t i = 0; i < sizeof (families) / sizeof (families[0]); i++)
  {
    make_points (families[i].value);
    measure_chunks (i, count > 1 ? arguments[1] : NULL);
  }
  make_points (value_single);
  measure_pack ();
  return EXIT_SUCCESS;
}
