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
