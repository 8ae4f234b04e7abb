/* Paths of artifacts: what passes is what no decoding can make hostile, by a plain second implementation, and checking
   it again changes nothing. */
#include "fuzz.h"

#include "api/artifact_path.h"
#include "base/utf8.h"
#include "store/artifact.h"

#include <stdbool.h>
#include <string.h>

/* Far above what one path needs. */
#define PLENTY_BYTES ((size_t)1024 * 1024)

/* Whether a text, as it is, could name something outside. */
static bool
leads_out (const char *text, size_t size)
{
  char copy[STORE_ARTIFACT_PATH_MAX_BYTES + 3];

  REQUIRE (size <= STORE_ARTIFACT_PATH_MAX_BYTES);
  /* Between slashes, so that each segment has one on both sides. */
  copy[0] = '/';
  memcpy (copy + 1, text, size);
  copy[size + 1] = '/';
  copy[size + 2] = '\0';
  return (size > 0 && '/' == text[0]) || strlen (copy) != size + 2 || NULL != strstr (copy, "/../")
         || NULL != strstr (copy, "/./") || NULL != strchr (copy, '\\') || NULL != strpbrk (copy, "\n\r\t\x7f\x1b");
}

/* One round of percent decoding; false when nothing changed. */
static bool
decode (char *text, size_t *size)
{
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  char out[STORE_ARTIFACT_PATH_MAX_BYTES];
  size_t length = 0;

  for (size_t i = 0; i < *size; i++)
  {
    const char *high = '%' == text[i] && i + 2 < *size && 0 != text[i + 1] ? strchr (digits, text[i + 1]) : NULL;
    const char *low = NULL != high && 0 != text[i + 2] ? strchr (digits, text[i + 2]) : NULL;

    if (NULL == low)
    {
      out[length++] = text[i];
      continue;
    }
    out[length++] = (char)(unsigned char)((high - digits) % 16 * 16 + (low - digits) % 16);
    i += 2;
  }
  if (length == *size)
    return false;
  memcpy (text, out, length);
  *size = length;
  return true;
}

static void
check_path (struct slice given, struct arena *arena)
{
  struct slice path = { NULL, 0 };
  struct slice again = { NULL, 0 };
  struct err err = { 0 };
  char text[STORE_ARTIFACT_PATH_MAX_BYTES + 1];
  size_t size;

  if (ERR_OK != artifact_path_check (&path, given, "path", true, arena, &err))
  {
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == err.code && '\0' != err.message[0]);
    return;
  }
  REQUIRE (utf8_valid (given) && path.len <= given.len && path.len <= STORE_ARTIFACT_PATH_MAX_BYTES);
  REQUIRE (0 == path.len || ('/' != path.data[0] && '/' != path.data[path.len - 1]));
  REQUIRE (0 == path.len || NULL == memmem (path.data, path.len, "//", 2));
  REQUIRE (ERR_OK == artifact_path_check (&again, path, "path", true, arena, &err) && slice_equal (again, path));
  memcpy (text, path.data, path.len);
  size = path.len;
  do
    REQUIRE (! leads_out (text, size));
  while (size > 0 && decode (text, &size));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };
  struct arena *arena = arena_new (PLENTY_BYTES);
  struct slice directory;
  struct err err = { 0 };
  const char *type;

  REQUIRE (NULL != arena);
  check_path (text, arena);
  if (ERR_OK == artifact_path_of_uri (&directory, text, arena, &err))
    check_path (directory, arena);
  else
    REQUIRE (ERR_NOT_IMPLEMENTED == err.code || ERR_INVALID_PARAMETER_VALUE == err.code);
  type = artifact_media_type (text);
  REQUIRE (NULL != type && NULL != strchr (type, '/'));
  REQUIRE (! arena_overflowed (arena));
  arena_free (arena);
  return 0;
}
