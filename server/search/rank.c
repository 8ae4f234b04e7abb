/* The first of many in an order of several keys.

   DESIGN
   The first key of a run is put into 64 bits that compare as it does, as far as they reach; only equal ones are
   compared in whole. Twice as many hits as wanted are collected, then sorted and cut; from then on most of what is
   offered loses against the last one that was kept, at the cost of one comparison of integers. */
#include "search/rank.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

/* Hits that are collected before the first cut, however few are wanted. */
#define FIRST_HITS 1024

/* 64 bits in the order of doubles. */
static uint64_t
double_bits (double number)
{
  const uint64_t sign = UINT64_C (1) << 63;
  uint64_t bits;

  number += 0.0; /* -0 is 0 */
  memcpy (&bits, &number, sizeof (bits));
  return 0 != (bits & sign) ? ~bits : bits | sign;
}

static uint64_t
int_bits (int64_t number)
{
  return (uint64_t)number ^ UINT64_C (1) << 63;
}

/* The first bytes of a text, in 63 bits. */
static uint64_t
text_bits (struct slice text)
{
  uint64_t bits = 0;

  memcpy (&bits, text.data, text.len < sizeof (bits) ? text.len : sizeof (bits));
  return be64toh (bits) >> 1;
}

/* Equal values give equal bits, and lesser values never greater ones. NaN and missing values come last: no double has
   bits that high in either direction, texts have the highest bit clear, and where an integer is as high, the comparison
   in whole decides. */
static uint64_t
first_key (const struct run_value *value, bool descending)
{
  uint64_t bits = 0;

  if (RUN_VALUE_PRESENT != value->rank)
    return RUN_VALUE_NAN == value->rank ? UINT64_MAX - 1 : UINT64_MAX;
  switch (value->type)
  {
  case SEARCH_INT64:
    bits = int_bits (value->integer);
    return descending ? ~bits : bits;
  case SEARCH_DOUBLE:
    bits = double_bits (value->number);
    return descending ? ~bits : bits;
  case SEARCH_UUID:
    memcpy (&bits, value->id.bytes, sizeof (bits));
    bits = be64toh (bits);
    return descending ? ~bits : bits;
  case SEARCH_TEXT:
  default:
    bits = text_bits (value->text);
    return descending ? INT64_MAX - bits : bits;
  }
}

static const struct run_cells *
cells_of (const struct rank *rank, size_t table, size_t key)
{
  return &rank->cells[table][rank->fields[key]];
}

static int
compare_hits (const void *a, const void *b, void *context)
{
  const struct run_hit *left = a;
  const struct run_hit *right = b;
  const struct rank *rank = context;
  int order = 0;

  if (left->key != right->key)
    return left->key < right->key ? -1 : 1;
  for (size_t i = 0; 0 == order && i < rank->order->count; i++)
  {
    struct run_value left_value;
    struct run_value right_value;

    run_cells_get (&left_value, cells_of (rank, left->table, i), left->row);
    run_cells_get (&right_value, cells_of (rank, right->table, i), right->row);
    order = run_value_compare (&left_value, &right_value, rank->order->keys[i].descending);
  }
  return order;
}

/* Whether a hit comes behind the position. */
static bool
is_behind (const struct rank *rank, const struct run_hit *hit)
{
  int order = 0;

  if (hit->key != rank->position_key)
    return hit->key > rank->position_key;
  for (size_t i = 0; 0 == order && i < rank->order->count; i++)
  {
    struct run_value value;

    run_cells_get (&value, cells_of (rank, hit->table, i), hit->row);
    order = run_value_compare (&value, &rank->position[i], rank->order->keys[i].descending);
  }
  return order > 0;
}

enum err_code
rank_init (struct rank *rank, const struct search_order *order, const size_t *fields, struct run_cells *const *cells,
           const struct run_value *position, size_t most, struct arena *arena, struct err *err)
{
  *rank = (struct rank){ .order = order,
                         .fields = fields,
                         .cells = cells,
                         .most = most,
                         .capacity = most > FIRST_HITS / 2 ? 2 * most : FIRST_HITS };
  rank->hits = most > SIZE_MAX / 4 ? NULL : arena_array (arena, rank->capacity, sizeof (struct run_hit));
  if (NULL == rank->hits)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  rank->has_position = NULL != position;
  if (rank->has_position)
  {
    memcpy (rank->position, position, order->count * sizeof (position[0]));
    rank->position_key = first_key (&position[0], order->keys[0].descending);
  }
  return ERR_OK;
}

/* Sort what was collected and keep what is wanted. */
static void
cut (struct rank *rank)
{
  qsort_r (rank->hits, rank->count, sizeof (rank->hits[0]), compare_hits, rank);
  if (rank->count < rank->most)
    return;
  rank->count = rank->most;
  rank->has_bound = rank->most > 0;
  if (rank->has_bound)
    rank->bound = rank->hits[rank->most - 1];
}

/* The first key of a row; the usual kinds without the detour over a value. */
static inline uint64_t
key_of_row (const struct run_cells *cells, size_t row, bool descending)
{
  struct run_value value;
  uint64_t bits;
  double number;

  switch (cells->kind)
  {
  case RUN_CELLS_METRIC:
    number = cells->metric->values[row];
    if (isnan (number))
      return metric_is_missing (number) ? UINT64_MAX : UINT64_MAX - 1;
    bits = double_bits (number);
    return descending ? ~bits : bits;
  case RUN_CELLS_START:
    bits = int_bits (cells->table->started_at_ms[row]);
    return descending ? ~bits : bits;
  default:
    run_cells_get (&value, cells, row);
    return first_key (&value, descending);
  }
}

struct run_hit
rank_hit (const struct rank *rank, size_t table, size_t row)
{
  return (struct run_hit){ key_of_row (cells_of (rank, table, 0), row, rank->order->keys[0].descending),
                           (uint32_t)table, (uint32_t)row };
}

int
rank_compare (const struct rank *rank, const struct run_hit *a, const struct run_hit *b)
{
  return compare_hits (a, b, (void *)(uintptr_t)rank);
}

static void
offer (struct rank *rank, const struct run_hit *hit)
{
  if (rank->has_position && ! is_behind (rank, hit))
    return;
  if (rank->has_bound && compare_hits (hit, &rank->bound, rank) >= 0)
    return;
  rank->hits[rank->count++] = *hit;
  if (rank->count == rank->capacity)
    cut (rank);
}

void
rank_offer (struct rank *rank, size_t table, const struct row_set *rows)
{
  const struct run_cells *cells = cells_of (rank, table, 0);
  bool descending = rank->order->keys[0].descending;

  for (size_t word = rows->word_count; word-- > 0;)
    for (uint64_t bits = rows->words[word]; 0 != bits;)
    {
      unsigned bit = 63 - (unsigned)__builtin_clzll (bits);
      struct run_hit hit = { .table = (uint32_t)table, .row = (uint32_t)(word * 64 + bit) };

      bits &= ~(UINT64_C (1) << bit);
      hit.key = key_of_row (cells, hit.row, descending);
      /* Most lose here. */
      if (! rank->has_bound || hit.key <= rank->bound.key)
        offer (rank, &hit);
    }
}

size_t
rank_finish (const struct run_hit **hits, struct rank *rank)
{
  cut (rank);
  *hits = rank->hits;
  return rank->count;
}

void
rank_values (struct run_value *values, const struct rank *rank, const struct run_hit *hit)
{
  for (size_t i = 0; i < rank->order->count; i++)
    run_cells_get (&values[i], cells_of (rank, hit->table, i), hit->row);
}
