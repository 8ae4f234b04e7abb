/* Memory of one request: allocate freely, check once, free all together. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Make an arena that hands out at most `ceiling_bytes` in all.
   Returns NULL only when the system has no memory. Not thread-safe: one owner at a time. */
struct arena *arena_new (size_t ceiling_bytes);

/* Free the arena and everything it handed out; NULL is allowed. */
void arena_free (struct arena *arena);

/* Forget everything handed out but keep the first block, for reuse. Clears the overflow flag. */
void arena_reset (struct arena *arena);

/* A place in an arena: what it had handed out then. */
struct arena_mark
{
  const void *block;
  size_t block_used;
  size_t used;
};

/* The place where the arena stands. */
struct arena_mark arena_mark (const struct arena *arena);

/* Forget everything handed out since `mark` was taken and clear the overflow flag. Marks taken later are void. */
void arena_rewind (struct arena *arena, const struct arena_mark *mark);

/* `size` zeroed bytes aligned for any type, or NULL once the ceiling is reached (then arena_overflowed stays true).
   A size of 0 gives a valid pointer. */
void *arena_alloc (struct arena *arena, size_t size);

/* `count` zeroed items of `size` bytes; NULL also when the product overflows. */
void *arena_array (struct arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of `len` bytes. */
char *arena_copy (struct arena *arena, const char *data, size_t len);

/* A NUL-terminated copy of a slice; the absent slice gives NULL. */
char *arena_string (struct arena *arena, struct slice text);

/* A formatted string. */
char *arena_printf (struct arena *arena, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* True when an allocation was refused since the arena was made or reset. */
bool arena_overflowed (const struct arena *arena);

/* Count a failure outside that belongs to the same work, for lack of memory. */
void arena_fail (struct arena *arena);

/* True when it overflowed because memory is out, not because of its ceiling. */
bool arena_out_of_memory (const struct arena *arena);

/* Bytes handed out so far. */
size_t arena_used_bytes (const struct arena *arena);

#endif
