/* JSON text into a jansson tree, safe when memory runs out. */
#ifndef BASE_JSON_TREE_H
#define BASE_JSON_TREE_H

#include "base/slice.h"

#include <jansson.h>
#include <stdbool.h>

/* As json_loadb over `text`. NULL when the text is refused, or when memory ran out, which `out_of_memory` (may be NULL)
   tells. The caller owns the tree. Thread-safe. */
json_t *json_tree_load (bool *out_of_memory, struct slice text, size_t flags, json_error_t *problem);

#endif
