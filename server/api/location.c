/* Artifact locations: what MLflow refuses is refused here too. */
#include "api/location.h"

#include "api/artifact_owner.h"
#include "api/artifact_path.h"
#include "api/gate.h"
#include "api/object.h"
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

/* What holds of every location, relative ones apart. */
static enum err_code
check_uri (struct slice location, const char *field, struct arena *arena, struct err *err)
{
  const char *query;

  if (location.len > LOCATION_MAX && utf8_length (location) > LOCATION_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid artifact path length. The length of the artifact path cannot be greater than %d "
                    "characters.",
                    LOCATION_MAX);
  if (location.len >= 5 && 0 == memcmp (location.data, "runs:", 5))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Artifact location cannot be a runs:/ URI. Given: '%.*s'",
                    SLICE_ARG (location));
  if (NULL != memchr (location.data, '#', location.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "'%s' URL can't include fragments or params.", field);
  query = memchr (location.data, '?', location.len);
  if (NULL != query
      && is_hostile_query ((struct slice){ query + 1, location.len - (size_t)(query - location.data) - 1 }, arena))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid query string");
  return ERR_OK;
}

enum err_code
location_check (struct slice *location, struct arena *arena, struct err *err)
{
  enum err_code code;

  if (0 == location->len)
  {
    *location = (struct slice){ NULL, 0 };
    return ERR_OK;
  }
  code = check_uri (*location, "artifact_location", arena, err);
  if (ERR_OK == code && '/' != location->data[0] && ! has_scheme (*location))
  {
    char folder[4096]; /* PATH_MAX of Linux */
    const char *absolute = NULL;

    if (NULL != getcwd (folder, sizeof (folder)))
      absolute = arena_printf (arena, "%s/%.*s", folder, SLICE_ARG (*location));
    if (NULL == absolute)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    *location = slice_of (absolute);
  }
  return code;
}

static bool
is_space (char byte)
{
  return ' ' == byte || (byte >= '\t' && byte <= '\r');
}

enum err_code
location_check_root (struct slice *root, struct arena *arena, struct err *err)
{
  enum err_code code;

  if (NULL == root->data)
    return ERR_OK;
  while (root->len > 0 && is_space (root->data[root->len - 1]))
    root->len--;
  while (root->len > 0 && is_space (root->data[0]))
    *root = (struct slice){ root->data + 1, root->len - 1 };
  if (0 == root->len)
    return ERR_OK;
  code = check_uri (*root, "default_artifact_root", arena, err);
  if (ERR_OK == code && '/' != root->data[0] && ! has_scheme (*root))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value for 'default_artifact_root'. Expected a URI (for example 's3://bucket/prefix' or "
                    "'mlflow-artifacts:/prefix') or an absolute path, got '%.*s'.",
                    SLICE_ARG (*root));
  return code;
}

/* --- whose place it is -------------------------------------------------------------------------------------------- */

enum err_code
location_require (struct api_call *call, struct slice location, struct slice workspace, struct err *err)
{
  const struct artifact_owner **owners;
  struct slice directory;
  struct slice named;
  struct slice inside;
  int64_t experiment_ids[2];
  size_t count = 0;
  enum err_code code;

  if (0 == location.len || call->pass->who.has_all_objects)
    return ERR_OK;
  code = artifact_path_of_uri (&directory, location, call->arena, NULL);
  if (ERR_INTERNAL_ERROR == code)
    return err_set (err, code, "out of memory");
  /* Elsewhere, or where no path leads: nothing of it is ever served. */
  if (ERR_OK != code || 0 == directory.len)
    return ERR_OK;
  experiment_ids[0] = object_experiment_of_path (&named, directory);
  if (NULL != named.data && ! slice_equal (named, workspace))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Artifacts below '%.*s' belong to the workspace '%.*s', but this is the workspace '%.*s'.",
                    SLICE_ARG (location), SLICE_ARG (named), SLICE_ARG (workspace));
  count += experiment_ids[0] >= 0;
  inside = slice_of (arena_printf (call->arena, "%.*s/-", SLICE_ARG (directory)));
  if (NULL == inside.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = artifact_owners_of_paths (&owners, &inside, 1, call, err);
  if (ERR_OK != code)
    return code;
  if (NULL != owners[0])
    experiment_ids[count++] = owners[0]->is.experiment_id;
  return gate_require_experiments (call, experiment_ids, count, PERMISSION_EDIT, err);
}
