/* Keeps the first runs in the order of a search, out of any number that are offered. */
#ifndef SEARCH_RANK_H
#define SEARCH_RANK_H

#include "search/evaluate.h"
#include "search/order.h"
#include "search/run_fields.h"

/* A run by its place in memory. */
struct run_hit
{
  uint64_t key; /* begins the order: of two that differ the lesser comes first */
  uint32_t table;
  uint32_t row;
};

/* Stack allocatable; set up with rank_init. Lives in the arena. */
struct rank
{
  const struct search_order *order;
  const size_t *fields; /* of each order key, its place among the fields */
  struct run_cells *const *cells; /* of each table: cells of each field */
  size_t most; /* hits that are wanted */
  struct run_hit *hits;
  size_t count;
  size_t capacity;
  bool has_bound; /* what does not come before `bound` is not wanted any more */
  struct run_hit bound;
  bool has_position; /* only what comes behind these values is wanted */
  uint64_t position_key;
  struct run_value position[SEARCH_ORDER_MAX];
};

/* `position` may be NULL, or has a value for each order key. Errors: INVALID_PARAMETER_VALUE (too many wanted). */
enum err_code rank_init (struct rank *rank, const struct search_order *order, const size_t *fields,
                         struct run_cells *const *cells, const struct run_value *position, size_t most,
                         struct arena *arena, struct err *err);

/* Offer rows of a table, from the last to the first: later runs mostly come first, and then the others lose at once. */
void rank_offer (struct rank *rank, size_t table, const struct row_set *rows);

/* The hit of a row, and the order of two: negative, zero or positive as in strcmp. */
struct run_hit rank_hit (const struct rank *rank, size_t table, size_t row);
int rank_compare (const struct rank *rank, const struct run_hit *a, const struct run_hit *b);

/* The first hits in order; returns how many there are, at most as many as wanted. */
size_t rank_finish (const struct run_hit **hits, struct rank *rank);

/* The values that name the place of a hit in the order, one for each order key. */
void rank_values (struct run_value *values, const struct rank *rank, const struct run_hit *hit);

#endif
