/* JSON text into a jansson tree, safe when memory runs out. */
#ifndef BASE_JSON_TREE_H
#define BASE_JSON_TREE_H

#include "base/json_write.h"
#include "base/slice.h"

#include <jansson.h>
#include <stdbool.h>

/* As json_loadb over `text`. NULL when the text is refused, or when memory ran out, which `out_of_memory` (may be NULL)
   tells. The caller owns the tree. Thread-safe. */
json_t *json_tree_load (bool *out_of_memory, struct slice text, size_t flags, json_error_t *problem);

/* Write a tree with numbers in their shortest form (jansson writes 0.9 as 0.90000000000000002). NULL: null. As deep as
   the tree, which whoever loaded it has limited. */
void json_tree_write (struct json_write *w, const json_t *tree);

#endif
