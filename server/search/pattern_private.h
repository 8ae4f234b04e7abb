/* What the two kinds of patterns share. */
#ifndef SEARCH_PATTERN_PRIVATE_H
#define SEARCH_PATTERN_PRIVATE_H

#include "search/pattern.h"

#include <stdint.h>

struct search_pattern
{
  struct slice text;
  bool fold_case;
  void *regex; /* a compiled expression of PCRE2; NULL: LIKE */
  uint32_t *items; /* of LIKE: code points and wildcards */
  size_t count;
};

/* An empty pattern of a text that is not too long. Errors as search_pattern_like. */
enum err_code search_pattern_new (struct search_pattern **out, struct slice text, struct arena *arena, struct err *err);

enum err_code search_regex_match (bool *matches, const struct search_pattern *pattern, struct slice text,
                                  struct err *err);

#endif
