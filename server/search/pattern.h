/* Patterns of filters: LIKE and ILIKE of SQL, and regular expressions. */
#ifndef SEARCH_PATTERN_H
#define SEARCH_PATTERN_H

#include "base/arena.h"
#include "base/err.h"

struct search_pattern;

/* Longest pattern in bytes: half of the longest text that it is matched with, a tag of 8,000 characters. */
#define SEARCH_PATTERN_MAX_BYTES 4096

/* The whole text must match: % any characters, _ one character, backslash takes the next one literally.
   `fold_case` makes letters equal whatever their case, by Unicode.
   The pattern and what it needs live in the arena; `text` must live as long. Errors: INVALID_PARAMETER_VALUE,
   INTERNAL_ERROR (memory). */
enum err_code search_pattern_like (struct search_pattern **out, struct slice text, bool fold_case, struct arena *arena,
                                   struct err *err);

/* A regular expression in the syntax of PCRE2, on characters, that may match anywhere in the text. Same parameters. */
enum err_code search_pattern_regex (struct search_pattern **out, struct slice text, bool fold_case, struct arena *arena,
                                    struct err *err);

/* Match a text; the absent one counts as empty. Thread-safe, also for one pattern in several threads.
   Errors: INVALID_PARAMETER_VALUE when the regular expression costs too much on this text, INTERNAL_ERROR (memory). */
enum err_code search_pattern_match (bool *matches, const struct search_pattern *pattern, struct slice text,
                                    struct err *err);

/* True for LIKE, which PostgreSQL matches the same way. */
bool search_pattern_in_sql (const struct search_pattern *pattern);

/* The text it was made of. */
struct slice search_pattern_text (const struct search_pattern *pattern);

#endif
