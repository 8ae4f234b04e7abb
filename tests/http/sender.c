/* Who sends the request of a case. */
#include "sender.h"

#include "fill.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* Longest name and password of a case. */
#define CREDENTIALS_MAX_BYTES 512

static bool
add_credentials (json_t *headers, const char *credentials, struct buffer *why)
{
  unsigned char text[CREDENTIALS_MAX_BYTES / 3 * 4 + 8];
  size_t length = strlen (credentials);

  if (0 == length)
    return true;
  if (0 == strncmp (credentials, "tly_", 4))
    return 0 == json_object_set_new (headers, "Authorization", json_sprintf ("Bearer %s", credentials));
  if (length > CREDENTIALS_MAX_BYTES)
    return buffer_text (why, "the credentials are too long"), false;
  EVP_EncodeBlock (text, (const unsigned char *)credentials, (int)length);
  return 0 == json_object_set_new (headers, "Authorization", json_sprintf ("Basic %s", (const char *)text));
}

json_t *
sender_headers (const json_t *step, const json_t *file, json_t *variables, struct buffer *why)
{
  const json_t *own = json_object_get (step, "as");
  const char *as = json_string_value (NULL == own ? json_object_get (file, "as") : own);
  const json_t *given = json_object_get (step, "headers");
  json_t *headers = NULL == given ? json_object () : fill (given, variables, why);
  char *credentials = NULL == as ? NULL : fill_text (as, variables, why);

  if (NULL != as && (NULL == headers || NULL == credentials || ! add_credentials (headers, credentials, why)))
  {
    json_decref (headers);
    headers = NULL;
  }
  free (credentials);
  return headers;
}
