/* Finds the place of an identifier in a list that was given in any order. */
#ifndef BASE_ID_INDEX_H
#define BASE_ID_INDEX_H

#include "base/arena.h"
#include "base/id.h"

struct id_place
{
  struct uuid id;
  size_t position;
};

/* Stack allocatable; set up with id_index_build. */
struct id_index
{
  struct id_place *places; /* sorted by id, in the arena */
  size_t count;
  const struct id_place *last; /* found last: rows of one run mostly follow each other */
};

/* Index `ids`, which are distinct. False when the arena is full. */
bool id_index_build (struct id_index *index, const struct uuid *ids, size_t count, struct arena *arena);

/* The position of `id` in the list; false when it is not in it. */
bool id_index_find (size_t *position, struct id_index *index, const struct uuid *id);

#endif
