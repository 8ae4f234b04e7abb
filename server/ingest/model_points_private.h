/* What the two files that read the points of logged models share. */
#ifndef INGEST_MODEL_POINTS_PRIVATE_H
#define INGEST_MODEL_POINTS_PRIVATE_H

#include "ingest/model_points.h"

/* Room for one more item; the old ones are copied. NULL when the arena is full. */
void *model_points_grow (void *items, size_t count, size_t *capacity, size_t size, struct arena *arena);

/* Log and count what cannot be read. */
void model_points_damaged (const struct uuid *run_id, uint32_t key_id, const char *what);

#endif
