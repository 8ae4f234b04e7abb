/* Results: the arena's address stands before the struct that the caller gets. */
#include "result.h"

#include "answer.h"

struct header
{
  _Alignas(max_align_t) struct arena *arena;
};

void *
result_new (size_t bytes)
{
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  struct header *header = NULL == arena ? NULL : arena_alloc (arena, sizeof (*header) + bytes);

  if (NULL == header)
  {
    arena_free (arena);
    return NULL;
  }
  header->arena = arena;
  return header + 1;
}

struct arena *
result_arena (const void *result)
{
  return ((const struct header *)result - 1)->arena;
}

void
result_free (void *result)
{
  if (NULL != result)
    arena_free (result_arena (result));
}
