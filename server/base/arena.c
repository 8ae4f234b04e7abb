/* Request memory in growing blocks with a ceiling; backed by one malloc per piece when an address sanitizer watches. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_PIECES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_PIECES 1
#endif
#endif
#ifndef ARENA_PIECES
#define ARENA_PIECES 0
#endif

/* First block: what a typical log-metric request needs, so that it costs one malloc. */
#define FIRST_BLOCK_BYTES ((size_t)4096)
/* Blocks double up to this; larger pieces get a block of their own. */
#define LARGEST_BLOCK_BYTES ((size_t)256 * 1024)
#define ALIGNMENT (sizeof (max_align_t))

struct block
{
  struct block *next;
  size_t capacity;
  size_t used;
  max_align_t data[];
};

struct arena
{
  struct block *blocks; /* newest first */
  size_t ceiling;
  size_t used;
  bool overflowed;
  bool out_of_memory; /* overflowed for lack of memory, not because of the ceiling */
};

static struct block *
block_new (struct block *next, size_t capacity)
{
  struct block *block;

  if (capacity > SIZE_MAX - sizeof (struct block))
    return NULL;
  block = malloc (sizeof (struct block) + capacity);
  if (NULL == block)
    return NULL;
  block->next = next;
  block->capacity = capacity;
  block->used = 0;
  return block;
}

struct arena *
arena_new (size_t ceiling_bytes)
{
  struct arena *arena = calloc (1, sizeof (struct arena));

  if (NULL != arena)
    arena->ceiling = ceiling_bytes;
  return arena;
}

static void
free_blocks (struct block *block)
{
  while (NULL != block)
  {
    struct block *next = block->next;

    free (block);
    block = next;
  }
}

void
arena_free (struct arena *arena)
{
  if (NULL == arena)
    return;
  free_blocks (arena->blocks);
  free (arena);
}

void
arena_reset (struct arena *arena)
{
  struct block *keep = NULL;

  if (! ARENA_PIECES && NULL != arena->blocks)
  {
    /* Keep the oldest block only: it has the size of a typical request. */
    struct block *previous = NULL;

    keep = arena->blocks;
    while (NULL != keep->next)
    {
      previous = keep;
      keep = keep->next;
    }
    if (NULL != previous)
    {
      previous->next = NULL;
      free_blocks (arena->blocks);
    }
    keep->used = 0;
  }
  else
  {
    free_blocks (arena->blocks);
  }
  arena->blocks = keep;
  arena->used = 0;
  arena->overflowed = false;
  arena->out_of_memory = false;
}

struct arena_mark
arena_mark (const struct arena *arena)
{
  const struct block *block = arena->blocks;

  return (struct arena_mark){ block, NULL == block ? 0 : block->used, arena->used };
}

void
arena_rewind (struct arena *arena, const struct arena_mark *mark)
{
  /* Blocks are linked newest first, so all that came later stand before the one of the mark. */
  while (arena->blocks != mark->block)
  {
    struct block *next = arena->blocks->next;

    free (arena->blocks);
    arena->blocks = next;
  }
  if (NULL != arena->blocks)
    arena->blocks->used = mark->block_used;
  arena->used = mark->used;
  arena->overflowed = false;
  arena->out_of_memory = false;
}

void *
arena_alloc (struct arena *arena, size_t size)
{
  size_t rounded = size;
  struct block *block = arena->blocks;
  void *piece;

  if (0 == rounded)
    rounded = 1;
  if (rounded > SIZE_MAX - ALIGNMENT)
    goto refuse;
  rounded = (rounded + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (arena->overflowed || rounded > arena->ceiling - arena->used)
    goto refuse;
  if (ARENA_PIECES)
  {
    /* Exactly `size` bytes, so that the sanitizer sees the first byte too many. */
    block = block_new (arena->blocks, 0 == size ? 1 : size);
    if (NULL == block)
      goto no_memory;
    arena->blocks = block;
  }
  else if (NULL == block || block->capacity - block->used < rounded)
  {
    size_t capacity = NULL == block ? FIRST_BLOCK_BYTES : block->capacity * 2;

    if (capacity > LARGEST_BLOCK_BYTES)
      capacity = LARGEST_BLOCK_BYTES;
    if (capacity < rounded)
      capacity = rounded;
    block = block_new (arena->blocks, capacity);
    if (NULL == block)
      goto no_memory;
    arena->blocks = block;
  }
  piece = (char *)block->data + block->used;
  block->used += rounded;
  arena->used += rounded;
  memset (piece, 0, size);
  return piece;

no_memory:
  arena->out_of_memory = true;
refuse:
  arena->overflowed = true;
  return NULL;
}

void *
arena_array (struct arena *arena, size_t count, size_t size)
{
  size_t total;

  if (__builtin_mul_overflow (count, size, &total))
  {
    arena->overflowed = true;
    return NULL;
  }
  return arena_alloc (arena, total);
}

char *
arena_copy (struct arena *arena, const char *data, size_t len)
{
  char *copy = SIZE_MAX == len ? NULL : arena_alloc (arena, len + 1);

  if (NULL != copy && len > 0)
    memcpy (copy, data, len);
  return copy;
}

char *
arena_string (struct arena *arena, struct slice text)
{
  return NULL == text.data ? NULL : arena_copy (arena, text.data, text.len);
}

char *
arena_printf (struct arena *arena, const char *format, ...)
{
  va_list arguments;
  va_list again;
  char *text = NULL;
  int length;

  va_start (arguments, format);
  va_copy (again, arguments);
  length = vsnprintf (NULL, 0, format, arguments);
  if (length >= 0)
    text = arena_alloc (arena, (size_t)length + 1);
  if (NULL != text)
    vsnprintf (text, (size_t)length + 1, format, again);
  va_end (again);
  va_end (arguments);
  return text;
}

bool
arena_overflowed (const struct arena *arena)
{
  return arena->overflowed;
}

void
arena_fail (struct arena *arena)
{
  arena->overflowed = true;
  arena->out_of_memory = true;
}

bool
arena_out_of_memory (const struct arena *arena)
{
  return arena->out_of_memory;
}

size_t
arena_used_bytes (const struct arena *arena)
{
  return arena->used;
}
