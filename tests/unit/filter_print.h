/* Filters as text, for tests: the same meaning gives the same text. */
#ifndef UNIT_FILTER_PRINT_H
#define UNIT_FILTER_PRINT_H

#include "search/filter.h"

/* "AND(metrics.a:[1,inf], NOT params.b:{'x','y'})"; "ALL" when everything passes. In the arena. */
const char *filter_print (const struct filter *filter, const struct search_resource *resource, struct arena *arena);

#endif
