/* A borrowed run of bytes with its length: how text travels through the server without copies. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* `data` is not NUL-terminated and not owned. `data == NULL` means "absent", which differs from empty. */
struct slice
{
  const char *data;
  size_t len;
};

/* A literal as a slice; only for string constants. */
#define SLICE(literal) ((struct slice){ (literal), sizeof (literal) - 1 })

/* A NUL-terminated string as a slice; NULL gives the absent slice. */
static inline struct slice
slice_of (const char *text)
{
  return (struct slice){ text, NULL == text ? 0 : strlen (text) };
}

/* True when both hold the same bytes; an absent slice equals an empty one. */
static inline bool
slice_equal (struct slice a, struct slice b)
{
  return a.len == b.len && (0 == a.len || 0 == memcmp (a.data, b.data, a.len));
}

/* Order by bytes, a prefix before what it begins. Negative, zero or positive as in strcmp. */
static inline int
slice_compare (struct slice a, struct slice b)
{
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = 0 == shorter ? 0 : memcmp (a.data, b.data, shorter);

  return 0 != order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The same for qsort and bsearch over arrays of slices. */
static inline int
slice_compare_items (const void *a, const void *b)
{
  return slice_compare (*(const struct slice *)a, *(const struct slice *)b);
}

/* True when `a` holds exactly the bytes of the NUL-terminated `text`. */
static inline bool
slice_is (struct slice a, const char *text)
{
  return slice_equal (a, slice_of (text));
}

/* True when the slice is neither absent nor empty. */
static inline bool
slice_filled (struct slice a)
{
  return a.len > 0;
}

/* For printf's "%.*s": the length as int, then the data; use as `SLICE_ARG (s)`. */
#define SLICE_ARG(s) (int)(s).len, (NULL == (s).data ? "" : (s).data)

#endif
