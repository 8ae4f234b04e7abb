/* Planning, writing and reading of integer columns. */
#include "ingest/column.h"

#include "ingest/varint.h"

enum mode
{
  MODE_STRIDE,
  MODE_NUMBERS,
  MODE_DIFFERENCES
};

/* The first byte of a block. */
#define BLOCK_RAW 0xFF
#define BLOCK_WIDTH 0x3F
#define BLOCK_EXCEPTIONS 0x40
#define BLOCK_DOWN 0x80
/* The width that BLOCK_RAW stands for. */
#define WIDTH_RAW 64
/* One byte of a block for the number of exceptions, one for the width of their upper bits. */
#define EXCEPTIONS_HEAD_BYTES ((size_t)2)
/* The widest numbers that a load of eight bytes holds at every place within its first byte. */
#define WIDTH_OF_ONE_LOAD 57

static unsigned
bit_length (uint64_t value)
{
  return 0 == value ? 0 : 64 - (unsigned)__builtin_clzll (value);
}

static size_t
bytes_of_bits (size_t bits)
{
  return (bits + 7) / 8;
}

static uint64_t
mask_of (unsigned width)
{
  return width >= 64 ? UINT64_MAX : (UINT64_C (1) << width) - 1;
}

/* --- planning ---------------------------------------------------------------------------------------------------- */

static size_t
block_body_bytes (const struct column_block *block, size_t n)
{
  size_t bytes = bytes_of_bits (n * block->width);

  if (block->exceptions > 0)
    bytes += EXCEPTIONS_HEAD_BYTES + block->exceptions + bytes_of_bits ((size_t)block->exceptions * block->upper_width);
  return bytes;
}

/* The best width for offsets of which histogram[l] have l bits and none more than `longest`. */
static void
choose_width (struct column_block *block, const uint8_t histogram[65], unsigned longest, size_t n)
{
  size_t best = bytes_of_bits (n * longest);
  size_t above = 0;

  block->width = (uint8_t)longest;
  block->exceptions = 0;
  block->upper_width = 0;
  /* A width of 63 with exceptions would be written as BLOCK_RAW is. */
  for (unsigned width = longest; width-- > 0;)
  {
    size_t bytes;

    above += histogram[width + 1];
    bytes = bytes_of_bits (n * width) + EXCEPTIONS_HEAD_BYTES + above + bytes_of_bits (above * (longest - width));
    if (bytes < best && width < 63)
    {
      best = bytes;
      block->width = (uint8_t)width;
      block->exceptions = (uint8_t)above;
      block->upper_width = (uint8_t)(longest - width);
    }
    /* More places than that cost more than the bits they spare. */
    if (above > n / 2)
      break;
  }
}

/* Count the bit lengths of number - base, all numbers taken as `flip`ped; returns the longest. */
static unsigned
count_lengths (uint8_t histogram[65], const uint64_t *numbers, size_t n, uint64_t base, uint64_t flip)
{
  uint64_t any = 0;

  memset (histogram, 0, 65);
  for (size_t i = 0; i < n; i++)
  {
    uint64_t offset = (numbers[i] ^ flip) - base;

    any |= offset;
    histogram[bit_length (offset)]++;
  }
  return bit_length (any);
}

static void
plan_block (struct column_block *block, const uint64_t *numbers, size_t n)
{
  uint8_t histogram[65];
  int64_t least = (int64_t)numbers[0];
  int64_t greatest = least;
  unsigned longest;

  for (size_t i = 1; i < n; i++)
  {
    int64_t number = (int64_t)numbers[i];

    least = number < least ? number : least;
    greatest = number > greatest ? number : greatest;
  }
  *block = (struct column_block){ .base = (uint64_t)least };
  if (least == greatest)
    return;
  longest = count_lengths (histogram, numbers, n, (uint64_t)least, 0);
  choose_width (block, histogram, longest, n);
  /* Many of the longest mean that few are far below the others: from above, those few are the exceptions. */
  if (histogram[longest] > n / 2 + n / 16)
  {
    struct column_block down = { .base = ~(uint64_t)greatest, .down = true };

    longest = count_lengths (histogram, numbers, n, down.base, UINT64_MAX);
    choose_width (&down, histogram, longest, n);
    if (block_body_bytes (&down, n) < block_body_bytes (block, n))
      *block = down;
  }
}

static uint64_t
block_base (const struct column_block *block)
{
  return block->down ? ~block->base : block->base;
}

/* Plan the blocks of one mode; returns their bytes. `differences` takes each number less the one before it. */
static size_t
plan_blocks (struct column_block *blocks, const uint64_t *numbers, size_t count, bool differences)
{
  uint64_t base = 0;
  size_t bytes = 0;

  for (size_t start = differences ? 1 : 0, b = 0; start < count; start += COLUMN_BLOCK, b++)
  {
    size_t n = count - start < COLUMN_BLOCK ? count - start : COLUMN_BLOCK;
    uint64_t local[COLUMN_BLOCK];

    if (differences)
    {
      for (size_t i = 0; i < n; i++)
        local[i] = numbers[start + i] - numbers[start + i - 1];
      plan_block (&blocks[b], local, n);
    }
    else
      plan_block (&blocks[b], numbers + start, n);
    bytes += 1 + block_body_bytes (&blocks[b], n);
    if (WIDTH_RAW != blocks[b].width)
    {
      bytes += varint_size (zigzag ((int64_t)(block_base (&blocks[b]) - base)));
      base = block_base (&blocks[b]);
    }
  }
  return bytes;
}

static bool
has_stride (const uint64_t *numbers, size_t count)
{
  for (size_t i = 2; i < count; i++)
    if (numbers[i] - numbers[i - 1] != numbers[1] - numbers[0])
      return false;
  return true;
}

void
column_plan (struct column_plan *plan, const uint64_t *numbers, size_t count)
{
  struct column_block blocks[COLUMN_MAX / COLUMN_BLOCK];
  size_t first_bytes = varint_size (zigzag ((int64_t)numbers[0]));
  size_t bytes;

  if (has_stride (numbers, count))
  {
    plan->mode = MODE_STRIDE;
    plan->bytes = 1 + first_bytes;
    if (count > 1)
      plan->bytes += varint_size (zigzag ((int64_t)(numbers[1] - numbers[0])));
    return;
  }
  plan->mode = MODE_NUMBERS;
  plan->bytes = 1 + plan_blocks (plan->blocks, numbers, count, false);
  bytes = 1 + first_bytes + plan_blocks (blocks, numbers, count, true);
  if (bytes < plan->bytes)
  {
    plan->mode = MODE_DIFFERENCES;
    plan->bytes = bytes;
    memcpy (plan->blocks, blocks, sizeof (blocks));
  }
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* Write the lower `width` bits (1 to 64) of n numbers; returns where they end. */
static unsigned char *
put_bits (unsigned char *at, const uint64_t *numbers, size_t n, unsigned width)
{
  uint64_t mask = mask_of (width);
  uint64_t word = 0;
  unsigned filled = 0;

  for (size_t i = 0; i < n; i++)
  {
    uint64_t bits = numbers[i] & mask;

    word |= bits << filled;
    filled += width;
    if (filled < 64)
      continue;
    put_fixed64 (at, word);
    at += 8;
    filled -= 64;
    word = 0 == filled ? 0 : bits >> (width - filled);
  }
  for (; filled > 0; filled -= filled < 8 ? filled : 8)
  {
    *at++ = (unsigned char)word;
    word >>= 8;
  }
  return at;
}

/* Write a block of n numbers, which are turned into offsets; `*base` is that of the block before, then of this. */
static unsigned char *
put_block (unsigned char *at, const struct column_block *block, uint64_t numbers[COLUMN_BLOCK], size_t n,
           uint64_t *base)
{
  uint64_t flip = block->down ? UINT64_MAX : 0;
  uint64_t upper[COLUMN_BLOCK];
  size_t exceptions = 0;

  if (WIDTH_RAW == block->width)
  {
    *at++ = BLOCK_RAW;
    return put_bits (at, numbers, n, WIDTH_RAW);
  }
  *at++ =
      (unsigned char)(block->width | (block->exceptions > 0 ? BLOCK_EXCEPTIONS : 0) | (block->down ? BLOCK_DOWN : 0));
  at += varint_put (at, zigzag ((int64_t)(block_base (block) - *base)));
  *base = block_base (block);
  if (block->exceptions > 0)
  {
    *at++ = block->exceptions;
    *at++ = block->upper_width;
  }
  for (size_t i = 0; i < n; i++)
    numbers[i] = (numbers[i] ^ flip) - block->base;
  if (block->width > 0)
    at = put_bits (at, numbers, n, block->width);
  if (0 == block->exceptions)
    return at;
  for (size_t i = 0; i < n; i++)
    if (numbers[i] >> block->width > 0)
    {
      *at++ = (unsigned char)i;
      upper[exceptions++] = numbers[i] >> block->width;
    }
  return put_bits (at, upper, exceptions, block->upper_width);
}

bool
column_write (struct buffer *out, const struct column_plan *plan, const uint64_t *numbers, size_t count)
{
  bool differences = MODE_DIFFERENCES == plan->mode;
  uint64_t base = 0;
  unsigned char *at;

  if (! buffer_reserve (out, plan->bytes))
    return false;
  at = (unsigned char *)out->data + out->len;
  *at++ = plan->mode;
  if (MODE_NUMBERS != plan->mode)
    at += varint_put (at, zigzag ((int64_t)numbers[0]));
  if (MODE_STRIDE == plan->mode)
  {
    if (count > 1)
      varint_put (at, zigzag ((int64_t)(numbers[1] - numbers[0])));
  }
  else
    for (size_t start = differences ? 1 : 0, b = 0; start < count; start += COLUMN_BLOCK, b++)
    {
      size_t n = count - start < COLUMN_BLOCK ? count - start : COLUMN_BLOCK;
      uint64_t local[COLUMN_BLOCK];

      for (size_t i = 0; i < n; i++)
        local[i] = differences ? numbers[start + i] - numbers[start + i - 1] : numbers[start + i];
      at = put_block (at, &plan->blocks[b], local, n, &base);
    }
  out->len += plan->bytes;
  out->data[out->len] = '\0';
  return true;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* n numbers of `width` bits (1 to 64), each plus `base` and then flipped; eight bytes behind the last are readable. */
static void
get_bits (uint64_t *numbers, const unsigned char *in, size_t n, unsigned width, uint64_t base, uint64_t flip)
{
  uint64_t mask = mask_of (width);
  size_t bit = 0;

  if (width <= WIDTH_OF_ONE_LOAD)
  {
    for (size_t i = 0; i < n; i++, bit += width)
      numbers[i] = ((get_fixed64 (in + bit / 8) >> bit % 8 & mask) + base) ^ flip;
    return;
  }
  for (size_t i = 0; i < n; i++, bit += width)
  {
    const unsigned char *at = in + bit / 8;
    unsigned shift = bit % 8;
    /* In two steps, for a shift by 64 is none. */
    uint64_t bits = get_fixed64 (at) >> shift | (uint64_t)at[8] << 1 << (63 - shift);

    numbers[i] = ((bits & mask) + base) ^ flip;
  }
}

/* The same where the end may be near: false when the bytes do not suffice. */
static bool
take_bits (uint64_t *numbers, const unsigned char **next, const unsigned char *end, size_t n, unsigned width,
           uint64_t base, uint64_t flip)
{
  size_t bytes = bytes_of_bits (n * width);
  size_t left = (size_t)(end - *next);
  unsigned char copy[COLUMN_BLOCK * 8 + 8];

  if (bytes > left)
    return false;
  if (left - bytes >= 8)
    get_bits (numbers, *next, n, width, base, flip);
  else
  {
    memcpy (copy, *next, bytes);
    memset (copy + bytes, 0, 8);
    get_bits (numbers, copy, n, width, base, flip);
  }
  *next += bytes;
  return true;
}

/* Add the upper bits of the exceptions of a block whose lower bits were read. */
static bool
take_exceptions (uint64_t *numbers, const unsigned char **next, const unsigned char *end, size_t n, unsigned width,
                 size_t exceptions, unsigned upper_width, uint64_t flip)
{
  uint64_t upper[COLUMN_BLOCK];
  const unsigned char *places = *next;

  if (exceptions > (size_t)(end - *next))
    return false;
  *next += exceptions;
  if (! take_bits (upper, next, end, exceptions, upper_width, 0, 0))
    return false;
  for (size_t i = 0; i < exceptions; i++)
  {
    if (places[i] >= n)
      return false;
    numbers[places[i]] = ((numbers[places[i]] ^ flip) + (upper[i] << width)) ^ flip;
  }
  return true;
}

static bool
take_block (uint64_t *numbers, const unsigned char **next, const unsigned char *end, size_t n, uint64_t *previous)
{
  unsigned head;
  unsigned width;
  size_t exceptions = 0;
  unsigned upper_width = 0;
  int64_t step;
  uint64_t flip;
  uint64_t base;

  if (*next == end)
    return false;
  head = *(*next)++;
  if (BLOCK_RAW == head)
  {
    if (n * 8 > (size_t)(end - *next))
      return false;
    for (size_t i = 0; i < n; i++, *next += 8)
      numbers[i] = get_fixed64 (*next);
    return true;
  }
  width = head & BLOCK_WIDTH;
  if (! varint_get_signed (&step, next, end))
    return false;
  *previous += (uint64_t)step;
  flip = (head & BLOCK_DOWN) != 0 ? UINT64_MAX : 0;
  base = *previous ^ flip;
  if ((head & BLOCK_EXCEPTIONS) != 0)
  {
    if (end - *next < (ptrdiff_t)EXCEPTIONS_HEAD_BYTES)
      return false;
    exceptions = *(*next)++;
    upper_width = *(*next)++;
    if (0 == exceptions || exceptions > n || 0 == upper_width || width + upper_width > 64)
      return false;
  }
  if (0 == width)
    for (size_t i = 0; i < n; i++)
      numbers[i] = base ^ flip;
  else if (! take_bits (numbers, next, end, n, width, base, flip))
    return false;
  return 0 == exceptions || take_exceptions (numbers, next, end, n, width, exceptions, upper_width, flip);
}

static bool
read_stride (uint64_t *numbers, size_t count, uint64_t first, const unsigned char **next, const unsigned char *end)
{
  int64_t stride = 0;

  if (count > 1 && ! varint_get_signed (&stride, next, end))
    return false;
  for (size_t i = 0; i < count; i++, first += (uint64_t)stride)
    numbers[i] = first;
  return true;
}

bool
column_read (uint64_t *numbers, size_t count, const unsigned char **next, const unsigned char *end)
{
  uint64_t base = 0;
  uint64_t sum;
  int64_t first = 0;
  size_t start = 0;
  unsigned mode;

  if (*next == end)
    return false;
  mode = *(*next)++;
  if (mode > MODE_DIFFERENCES || (MODE_NUMBERS != mode && ! varint_get_signed (&first, next, end)))
    return false;
  sum = (uint64_t)first;
  if (MODE_STRIDE == mode)
    return read_stride (numbers, count, sum, next, end);
  if (MODE_DIFFERENCES == mode)
    numbers[start++] = sum;
  while (start < count)
  {
    size_t n = count - start < COLUMN_BLOCK ? count - start : COLUMN_BLOCK;

    if (! take_block (numbers + start, next, end, n, &base))
      return false;
    if (MODE_DIFFERENCES == mode)
      for (size_t i = start; i < start + n; i++)
        numbers[i] = sum += numbers[i];
    start += n;
  }
  return true;
}
