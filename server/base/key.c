/* Keys as paths. */
#include "base/key.h"

bool
key_is_normal_path (struct slice key)
{
  size_t start = 0;

  if (0 == key.len)
    return false;
  for (size_t at = 0; at <= key.len; at++)
  {
    if (at < key.len && '/' != key.data[at])
      continue;
    if (at == start || (at - start == 1 && '.' == key.data[start])
        || (at - start == 2 && '.' == key.data[start] && '.' == key.data[start + 1]))
      return false;
    start = at + 1;
  }
  /* What merely begins with two dots could be taken for a step up: refused as well. */
  return ! (key.len >= 2 && '.' == key.data[0] && '.' == key.data[1]);
}
