/* Cookie headers: a value that is found stands in the header behind its name, and is found again among others. */
#include "fuzz.h"

#include "access/credential.h"
#include "access/identity.h"

#include <stdbool.h>
#include <string.h>

/* A few headers of the longest. */
#define ARENA_BYTES ((size_t)1024 * 1024)

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const struct slice absent = { NULL, 0 };
  struct slice header = { (const char *)data, size };
  struct slice value = credential_cookie (header, CREDENTIAL_COOKIE);
  struct arena *arena = arena_new (ARENA_BYTES);
  struct credential credential;
  struct digest digest;
  char *again;

  REQUIRE (NULL != arena);
  if (NULL != value.data)
  {
    REQUIRE (value.data > header.data && value.data + value.len <= header.data + size);
    REQUIRE (0 == value.len || NULL == memchr (value.data, ';', value.len));
    REQUIRE (size >= strlen (CREDENTIAL_COOKIE "="));
    again = arena_alloc (arena, 2 * size + 64);
    if (NULL != again && (0 == value.len || NULL == memchr (value.data, '\0', value.len)))
    {
      int len = snprintf (again, 2 * size + 64, "a=b;%s=\"%.*s\"; x; %s=\"%.*s\"", CREDENTIAL_COOKIE, SLICE_ARG (value),
                          CREDENTIAL_COOKIE, SLICE_ARG (value));

      REQUIRE (slice_equal (value, credential_cookie ((struct slice){ again, (size_t)len }, CREDENTIAL_COOKIE)));
      /* Beside another value it is as good as none. */
      len = snprintf (again, 2 * size + 64, "%s=\"%.*s\";%s=\"%.*sx\"", CREDENTIAL_COOKIE, SLICE_ARG (value),
                      CREDENTIAL_COOKIE, SLICE_ARG (value));
      REQUIRE (NULL == credential_cookie ((struct slice){ again, (size_t)len }, CREDENTIAL_COOKIE).data);
    }
  }
  if (ERR_OK == credential_read (&credential, absent, header, absent, absent, arena, NULL))
  {
    REQUIRE (CREDENTIAL_NONE == credential.kind || CREDENTIAL_SESSION == credential.kind);
    if (CREDENTIAL_SESSION == credential.kind)
    {
      REQUIRE (slice_equal (value, credential.secret) && 43 == value.len);
      REQUIRE (digest_of (&digest, value) && digest_equal (&digest, &credential.digest));
      REQUIRE (! slice_equal (value, credential_csrf_token (value, arena)));
    }
  }
  else
    REQUIRE (size > 16 * 1024);
  arena_free (arena);
  return 0;
}
