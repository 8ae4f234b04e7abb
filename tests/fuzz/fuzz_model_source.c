/* URIs of sources of versions: every part lies in the text, what counts as canonical stays so when it is decoded again,
   and a local path leads nowhere but down. */
#include "fuzz.h"

#include "api/model_version_uri.h"
#include "base/url.h"

#include <string.h>

/* Far above what inputs of a fuzzer give. */
#define PLENTY_BYTES ((size_t)16 * 1024 * 1024)

static void
require_inside (struct slice part, struct slice text)
{
  REQUIRE (0 == part.len || (part.data >= text.data && part.data + part.len <= text.data + text.len));
}

static bool
has_segment (struct slice text, const char *wanted)
{
  struct slice segment;

  while (url_segment_next (&text, &segment))
    if (slice_is (segment, wanted))
      return true;
  return false;
}

static void
check_canonical (struct slice text, struct arena *arena)
{
  struct slice decoded;

  if (! model_version_uri_is_canonical (text, arena))
    return;
  REQUIRE (! has_segment (text, ".."));
  /* Whoever decodes it finds nothing else, with either meaning of a plus. */
  for (unsigned plus = 0; plus < 2; plus++)
    if (url_decode (&decoded, text, 1 == plus, arena))
    {
      REQUIRE (! has_segment (decoded, ".."));
      REQUIRE (1 == plus ? model_version_uri_is_canonical (decoded, arena) : true);
    }
}

static void
check_local (struct slice text, struct arena *arena)
{
  struct slice path;

  if (! model_version_uri_local_path (&path, text, arena))
    return;
  REQUIRE (0 == path.len || '/' == path.data[0]);
  REQUIRE (NULL == memmem (path.data, path.len, "//", 2));
  REQUIRE (! has_segment (path, "..") && ! has_segment (path, "."));
  REQUIRE (path.len <= text.len);
}

static void
check_target (const struct model_version_uri *uri, struct slice text)
{
  struct model_version_target target;

  if (! model_version_target_read (&target, uri))
    return;
  require_inside (target.name, text);
  require_inside (target.suffix, text);
  REQUIRE (NULL == memchr (target.name.data, '/', target.name.len));
  REQUIRE ((TARGET_LOGGED_MODEL == target.kind) == (0 == target.suffix.len));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const struct slice text = { (const char *)data, size };
  struct arena *arena = arena_new (PLENTY_BYTES);
  struct model_version_uri uri;

  REQUIRE (NULL != arena);
  model_version_uri_split (&uri, text);
  require_inside (uri.scheme, text);
  require_inside (uri.authority, text);
  require_inside (uri.path, text);
  REQUIRE (model_version_uri_is_local (text) == (0 == uri.scheme.len || model_version_uri_has_scheme (&uri, "file")));
  check_canonical (text, arena);
  check_local (text, arena);
  check_target (&uri, text);
  arena_free (arena);
  return 0;
}
