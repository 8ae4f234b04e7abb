/* Artifact URIs of this server, taken apart. */
#include "store/artifact_uri.h"

#include "base/url.h"

#include <strings.h>

/* The end of a URL of the artifact proxy, in front of the path in the store. */
static const struct slice proxy_path = { "/api/2.0/mlflow-artifacts/artifacts", 35 };

static bool
starts_with (struct slice text, const char *prefix)
{
  size_t length = strlen (prefix);

  return text.len >= length && 0 == strncasecmp (text.data, prefix, length);
}

/* Take "//host:port" off. */
static struct slice
behind_authority (struct slice text)
{
  size_t at = 2;

  if (! starts_with (text, "//"))
    return text;
  while (at < text.len && '/' != text.data[at])
    at++;
  return (struct slice){ text.data + at, text.len - at };
}

/* The path in the store, still encoded; absent for what is elsewhere. */
static struct slice
served_path (struct slice uri)
{
  static const char *const schemes[] = { "mlflow-artifacts:", "http:", "https:" };
  const struct slice absent = { NULL, 0 };
  struct slice path;
  const char *found;
  size_t scheme = 0;
  size_t length;

  while (scheme < sizeof (schemes) / sizeof (schemes[0]) && ! starts_with (uri, schemes[scheme]))
    scheme++;
  if (scheme == sizeof (schemes) / sizeof (schemes[0]))
    return absent;
  length = strlen (schemes[scheme]);
  path = behind_authority ((struct slice){ uri.data + length, uri.len - length });
  if (0 == scheme)
    return path;
  found = memmem (path.data, path.len, proxy_path.data, proxy_path.len);
  if (NULL == found)
    return absent;
  found += proxy_path.len;
  path = (struct slice){ found, (size_t)(path.data + path.len - found) };
  return 0 == path.len || '/' == path.data[0] ? path : absent;
}

enum err_code
store_artifact_directory (struct slice *directory, struct slice uri, struct arena *arena, struct err *err)
{
  const char *query = 0 == uri.len ? NULL : memchr (uri.data, '?', uri.len);
  struct slice path;
  struct slice decoded;
  char *text;
  size_t length = 0;

  if (NULL != query)
    uri.len = (size_t)(query - uri.data);
  path = served_path (uri);
  *directory = path;
  if (NULL == path.data)
    return ERR_OK;
  while (path.len > 0 && '/' == path.data[0])
    path = (struct slice){ path.data + 1, path.len - 1 };
  /* Clients make a URL of it, which is decoded when it arrives; a percent sign that encodes nothing they encode. */
  if (url_decode (&decoded, path, false, arena))
    path = decoded;
  text = arena_copy (arena, path.data, path.len);
  if (NULL == text)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < path.len; i++)
    if ('/' != path.data[i] || 0 == length || '/' != text[length - 1])
      text[length++] = path.data[i];
  if (length > 1 && '/' == text[length - 1])
    length--;
  text[length] = '\0';
  *directory = (struct slice){ text, length };
  return ERR_OK;
}
