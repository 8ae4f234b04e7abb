/* Evaluates a filter over the columns of a table: one bit for each row. */
#ifndef SEARCH_EVALUATE_H
#define SEARCH_EVALUATE_H

#include "search/filter.h"
#include "search/run_fields.h"
#include "search/view.h"

/* Rows of one table, a bit each. */
struct row_set
{
  uint64_t *words; /* in the arena */
  size_t word_count;
};

/* Call `...` for each row of the set, whose number is `row`. */
#define ROW_SET_EACH(set, row)                                                                                         \
  for (size_t row##_word = 0; row##_word < (set)->word_count; row##_word++)                                            \
    for (uint64_t row##_bits = (set)->words[row##_word], row;                                                          \
         0 != row##_bits && (row = row##_word * 64 + (uint64_t)__builtin_ctzll (row##_bits), true);                    \
         row##_bits &= row##_bits - 1)

size_t row_set_count (const struct row_set *set);

/* The rows that a filter and a view let through. `cells[fields[i]]` are the values of field i of the filter.
   Errors: INVALID_PARAMETER_VALUE when regular expressions take too long; INTERNAL_ERROR without memory. */
enum err_code evaluate (struct row_set *rows, const struct filter *filter, const size_t *fields,
                        const struct run_cells *cells, const struct run_table *table, enum search_view view,
                        struct arena *arena, struct err *err);

#endif
