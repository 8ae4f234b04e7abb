/* Finds the place of an identifier in a list. */
#include "base/id_index.h"

#include <stdlib.h>

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

bool
id_index_build (struct id_index *index, const struct uuid *ids, size_t count, struct arena *arena)
{
  *index = (struct id_index){ .places = arena_array (arena, count, sizeof (struct id_place)), .count = count };
  if (NULL == index->places)
    return false;
  for (size_t i = 0; i < count; i++)
    index->places[i] = (struct id_place){ ids[i], i };
  qsort (index->places, count, sizeof (index->places[0]), compare_ids);
  return true;
}

bool
id_index_find (size_t *position, struct id_index *index, const struct uuid *id)
{
  if (NULL == index->last || 0 != compare_ids (&index->last->id, id))
    index->last = bsearch (id, index->places, index->count, sizeof (index->places[0]), compare_ids);
  *position = NULL == index->last ? 0 : index->last->position;
  return NULL != index->last;
}
