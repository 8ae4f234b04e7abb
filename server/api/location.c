/* Artifact locations: what MLflow refuses is refused here too. */
#include "api/location.h"

#include "base/url.h"
#include "base/utf8.h"

#include <stdio.h>
#include <unistd.h>

/* Rounds of percent decoding after which a text counts as hostile; MLflow uses the same number. */
#define DECODE_ROUNDS 10

static bool
has_parent_segment (struct slice text)
{
  for (size_t i = 0; i + 1 < text.len; i++)
    if ('.' == text.data[i] && '.' == text.data[i + 1])
      return true;
  return false;
}

/* ".." in a query, however often it was encoded. */
static bool
is_hostile_query (struct slice query, struct arena *arena)
{
  for (unsigned round = 0; round < DECODE_ROUNDS; round++)
  {
    struct slice decoded;

    if (has_parent_segment (query))
      return true;
    if (! url_decode (&decoded, query, false, arena) || slice_equal (decoded, query))
      return false;
    query = decoded;
  }
  return true;
}

static bool
has_scheme (struct slice location)
{
  const char *colon = memchr (location.data, ':', location.len);

  if (NULL == colon || colon == location.data)
    return false;
  for (const char *at = location.data; at < colon; at++)
    if (! ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9')
           || (at > location.data && NULL != memchr ("+-.", *at, 3))))
      return false;
  return true;
}

enum err_code
location_check (struct slice *location, struct arena *arena, struct err *err)
{
  const char *query;

  if (0 == location->len)
  {
    *location = (struct slice){ NULL, 0 };
    return ERR_OK;
  }
  if (location->len > LOCATION_MAX && utf8_length (*location) > LOCATION_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid artifact path length. The length of the artifact path cannot be greater than %d "
                    "characters.",
                    LOCATION_MAX);
  if (location->len >= 5 && 0 == memcmp (location->data, "runs:", 5))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Artifact location cannot be a runs:/ URI. Given: '%.*s'",
                    SLICE_ARG (*location));
  if (NULL != memchr (location->data, '#', location->len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "'artifact_location' URL can't include fragments or params.");
  query = memchr (location->data, '?', location->len);
  if (NULL != query
      && is_hostile_query ((struct slice){ query + 1, location->len - (size_t)(query - location->data) - 1 }, arena))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid query string");
  if ('/' != location->data[0] && ! has_scheme (*location))
  {
    char folder[4096]; /* PATH_MAX of Linux */
    const char *absolute = NULL;

    if (NULL != getcwd (folder, sizeof (folder)))
      absolute = arena_printf (arena, "%s/%.*s", folder, SLICE_ARG (*location));
    if (NULL == absolute)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    *location = slice_of (absolute);
  }
  return ERR_OK;
}
