/* Binary parameters of one statement. */
#ifndef STORE_PARAMETERS_H
#define STORE_PARAMETERS_H

#include "base/arena.h"
#include "base/id.h"
#include "base/slice.h"

#include <stdint.h>

/* Most parameters of one statement: a search with twelve order keys names each up to ten times. */
#define PARAMETERS_MAX 128

/* Stack allocatable; set up with parameters_init. Values are borrowed until the statement has run. */
struct parameters
{
  unsigned count;
  bool failed; /* memory was out or there were too many: the statement is refused */
  struct arena *arena;
  const char *values[PARAMETERS_MAX];
  int lengths[PARAMETERS_MAX];
  unsigned char fixed[PARAMETERS_MAX][16]; /* numbers and uuids, in network order */
};

/* `arena` keeps arrays; it may be NULL when there are none. */
void parameters_init (struct parameters *parameters, struct arena *arena);

void parameter_null (struct parameters *parameters);
void parameter_int64 (struct parameters *parameters, int64_t value);
void parameter_int32 (struct parameters *parameters, int32_t value);
void parameter_bool (struct parameters *parameters, bool value);
void parameter_uuid (struct parameters *parameters, const struct uuid *value);
/* Text or bytea; the absent slice is NULL. */
void parameter_text (struct parameters *parameters, struct slice value);

/* Arrays, one-dimensional; absent slices become NULL items. */
void parameter_text_array (struct parameters *parameters, const struct slice *items, size_t count);
void parameter_bytea_array (struct parameters *parameters, const struct slice *items, size_t count);
void parameter_uuid_array (struct parameters *parameters, const struct uuid *items, size_t count);
void parameter_int64_array (struct parameters *parameters, const int64_t *items, size_t count);
void parameter_double_array (struct parameters *parameters, const double *items, size_t count);

#endif
