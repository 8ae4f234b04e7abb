/* JSON text into a jansson tree, safe when memory runs out. */
#include "base/json_tree.h"

#include <pthread.h>
#include <stdlib.h>

/* jansson's lexer goes on when its buffer cannot grow: it would drop every byte that finds no room, try again for each
   one, and read behind the buffer when the closing quote was among them. Once an allocation has failed, all others
   of the same load must fail too: then it gives up before it looks at what it saved. */
static _Thread_local bool loading;
static _Thread_local bool failed;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *
allocate (size_t size)
{
  void *memory = loading && failed ? NULL : malloc (size);

  if (NULL == memory)
    failed = true;
  return memory;
}

static void
set_up (void)
{
  json_set_alloc_funcs (allocate, free);
}

json_t *
json_tree_load (bool *out_of_memory, struct slice text, size_t flags, json_error_t *problem)
{
  json_t *tree;

  pthread_once (&once, set_up);
  failed = false;
  loading = true;
  tree = json_loadb (text.data, text.len, flags, problem);
  loading = false;
  if (NULL != tree && failed)
  {
    json_decref (tree);
    tree = NULL;
  }
  if (NULL != out_of_memory)
    *out_of_memory = failed;
  return tree;
}

static void
write_members (struct json_write *w, json_t *object)
{
  const char *key;
  json_t *value;

  json_write_object (w);
  json_object_foreach (object, key, value)
  {
    json_write_key_slice (w, slice_of (key));
    json_tree_write (w, value);
  }
  json_write_object_end (w);
}

static void
write_items (struct json_write *w, const json_t *array)
{
  json_write_array (w);
  for (size_t i = 0; i < json_array_size (array); i++)
    json_tree_write (w, json_array_get (array, i));
  json_write_array_end (w);
}

void
json_tree_write (struct json_write *w, const json_t *tree)
{
  if (json_is_object (tree))
    write_members (w, (json_t *)(uintptr_t)tree);
  else if (json_is_array (tree))
    write_items (w, tree);
  else if (json_is_string (tree))
    json_write_string (w, (struct slice){ json_string_value (tree), json_string_length (tree) });
  else if (json_is_integer (tree))
    json_write_int64 (w, json_integer_value (tree));
  else if (json_is_real (tree))
    json_write_double (w, json_real_value (tree));
  else if (json_is_boolean (tree))
    json_write_bool (w, json_is_true (tree));
  else
    json_write_null (w);
}
