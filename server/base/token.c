/* Page tokens: JSON in base 64. */
#include "base/token.h"

#include "base/json_tree.h"

#include <openssl/evp.h>

/* Longest token that is looked at: twelve order keys of 8,000 characters in four bytes each, in base 64, and room. */
#define TOKEN_MAX_BYTES ((size_t)1024 * 1024)

struct slice
token_make (const char *json, struct arena *arena)
{
  size_t length = NULL == json ? 0 : strlen (json);
  char *token = 0 == length ? NULL : arena_alloc (arena, (length + 2) / 3 * 4 + 1);

  if (NULL == token)
    return (struct slice){ NULL, 0 };
  return (struct slice){ token,
                         (size_t)EVP_EncodeBlock ((unsigned char *)token, (const unsigned char *)json, (int)length) };
}

json_t *
token_open (struct slice token, struct arena *arena)
{
  unsigned char *json;
  json_t *tree;
  int length;

  if (0 == token.len || token.len > TOKEN_MAX_BYTES || 0 != token.len % 4)
    return NULL;
  json = arena_alloc (arena, token.len);
  if (NULL == json)
    return NULL;
  length = EVP_DecodeBlock (json, (const unsigned char *)token.data, (int)token.len);
  /* OpenSSL counts what the padding stands for. */
  for (size_t i = 1; i <= 2 && length > 0 && '=' == token.data[token.len - i]; i++)
    length--;
  if (length <= 0)
    return NULL;
  tree = json_tree_load (NULL, (struct slice){ (const char *)json, (size_t)length }, JSON_ALLOW_NUL, NULL);
  if (json_is_object (tree))
    return tree;
  json_decref (tree);
  return NULL;
}
