/* Page tokens of lists that are in the order of paths. */
#include "api/path_token.h"

#include "base/json_write.h"
#include "base/token.h"
#include "store/artifact.h"

#include <jansson.h>

struct slice
path_token_make (struct slice path, struct arena *arena)
{
  struct slice token = { NULL, 0 };
  struct json_write w;
  struct buffer text;

  /* Each byte of a path takes up to six in JSON. */
  buffer_init (&text, (size_t)8 * STORE_ARTIFACT_PATH_MAX_BYTES);
  json_write_init (&w, &text);
  json_write_object (&w);
  json_write_member_string (&w, "after", path);
  json_write_object_end (&w);
  if (! text.failed)
    token = token_make (text.data, arena);
  buffer_free (&text);
  return token;
}

enum err_code
path_token_read (struct slice *path, struct slice token, struct arena *arena, struct err *err)
{
  json_t *tree;
  const json_t *after;

  *path = (struct slice){ NULL, 0 };
  if (! slice_filled (token))
    return ERR_OK;
  tree = token_open (token, arena);
  after = json_object_get (tree, "after");
  if (json_is_string (after) && json_string_length (after) <= STORE_ARTIFACT_PATH_MAX_BYTES)
    *path = (struct slice){ arena_copy (arena, json_string_value (after), json_string_length (after)),
                            json_string_length (after) };
  json_decref (tree);
  if (slice_filled (*path) && NULL != path->data)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid page token, it could not be decoded; start again without one.");
}
