/* URIs of sources of versions, taken apart as Python's urllib.parse does. */
#ifndef API_MODEL_VERSION_URI_H
#define API_MODEL_VERSION_URI_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Parts of a URI, borrowed from it; the scheme is empty for a path. */
struct model_version_uri
{
  struct slice scheme;
  struct slice authority; /* empty: none */
  struct slice path; /* up to a ? or # */
};

void model_version_uri_split (struct model_version_uri *uri, struct slice text);
bool model_version_uri_has_scheme (const struct model_version_uri *uri, const char *scheme);

/* Whether no segment of it leads upwards or nowhere, however often it is decoded, and its path is absolute. */
bool model_version_uri_is_canonical (struct slice text, struct arena *arena);

/* A path without a scheme, or a file: URI. */
bool model_version_uri_is_local (struct slice text);

/* The path of one, decoded, without slashes twice in a row or at its end; in the arena. False when it is of another
   host, relative, or leads upwards: nothing is inside of that. */
bool model_version_uri_local_path (struct slice *path, struct slice text, struct arena *arena);

/* What a models:/ URI means. */
enum model_version_target_kind
{
  TARGET_LOGGED_MODEL, /* models:/<id> */
  TARGET_VERSION, /* models:/<name>/<number> */
  TARGET_LATEST, /* models:/<name>/latest */
  TARGET_STAGE, /* models:/<name>/<stage> */
  TARGET_ALIAS /* models:/<name>@<alias> */
};

struct model_version_target
{
  enum model_version_target_kind kind;
  struct slice name; /* or the id */
  struct slice suffix; /* behind it */
  int64_t version;
};

/* False when it is none of these. */
bool model_version_target_read (struct model_version_target *target, const struct model_version_uri *uri);

#endif
