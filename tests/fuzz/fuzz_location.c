/* Artifact locations that clients name: any text is judged without harm, and what is accepted is absolute and stays
   what it is when it is given again. The input is the location. */
#include "fuzz.h"

#include "api/location.h"

#include <string.h>

/* A query is decoded up to ten times, and a relative one gets the folder in front. */
#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

static bool
is_absolute (struct slice location)
{
  return '/' == location.data[0] || NULL != memchr (location.data, ':', location.len);
}

static void
check_location (struct slice text, struct arena *arena)
{
  struct slice location = text;
  struct slice again;
  struct err err = { 0 };
  enum err_code code = location_check (&location, arena, &err);

  if (ERR_OK != code)
  {
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err.code && '\0' != err.message[0]);
    return;
  }
  REQUIRE ((0 == text.len) == (NULL == location.data));
  if (NULL == location.data)
    return;
  REQUIRE (is_absolute (location));
  REQUIRE (NULL == memchr (location.data, '#', location.len));
  again = location;
  /* Longer by the folder it may have got too long. */
  if (ERR_OK == location_check (&again, arena, NULL))
    REQUIRE (slice_equal (again, location));
  else
    REQUIRE (location.len > text.len);
}

static void
check_root (struct slice text, struct arena *arena)
{
  struct slice root = text;
  struct slice again;
  struct err err = { 0 };
  enum err_code code = location_check_root (&root, arena, &err);

  if (ERR_OK != code)
  {
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code && code == err.code && '\0' != err.message[0]);
    return;
  }
  again = root;
  REQUIRE (ERR_OK == location_check_root (&again, arena, NULL) && slice_equal (again, root));
  if (root.len > 0)
    REQUIRE (is_absolute (root));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };
  struct arena *arena = arena_new (ARENA_BYTES);

  REQUIRE (NULL != arena);
  check_location (text, arena);
  check_root (text, arena);
  arena_free (arena);
  return 0;
}
