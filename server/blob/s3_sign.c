/* AWS Signature Version 4 for S3. The steps and their names are those of Amazon's description: canonical request,
   string to sign, signing key. */
#include "blob/s3_sign.h"

#include "base/url.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

/* Ceiling of what is built on the way: a key of 1,024 bytes, each as an escape, is the least of it; session tokens have
   some KiB. */
#define TEXT_MAX_BYTES ((size_t)64 * 1024)
#define ALGORITHM "AWS4-HMAC-SHA256"
/* The day at the begin of a time. */
#define DAY_BYTES 8

void
s3_time_format (char text[S3_TIME_BYTES], time_t time)
{
  struct tm parts;

  gmtime_r (&time, &parts);
  strftime (text, S3_TIME_BYTES, "%Y%m%dT%H%M%SZ", &parts);
}

/* --- encoding ------------------------------------------------------------------------------------------------------
 */

bool
s3_encode_path (struct buffer *out, struct slice path)
{
  while (path.len > 0)
  {
    const char *slash = memchr (path.data, '/', path.len);
    size_t len = NULL == slash ? path.len : (size_t)(slash - path.data);

    url_encode (out, (struct slice){ path.data, len });
    if (NULL != slash)
    {
      buffer_byte (out, '/');
      len++;
    }
    path.data += len;
    path.len -= len;
  }
  return ! out->failed;
}

static int
compare_pairs (const void *a, const void *b)
{
  const struct s3_pair *left = a;
  const struct s3_pair *right = b;
  int order = slice_compare (left->name, right->name);

  return 0 != order ? order : slice_compare (left->value, right->value);
}

bool
s3_encode_query (struct buffer *out, const struct s3_pair *query, size_t count)
{
  struct s3_pair pairs[S3_PAIRS_MAX];
  struct buffer encoded;
  size_t bytes = 0;

  assert (count <= S3_PAIRS_MAX);
  buffer_init (&encoded, TEXT_MAX_BYTES);
  for (size_t i = 0; i < count; i++)
    bytes += 3 * (query[i].name.len + query[i].value.len);
  /* Encoded first and sorted then, as the protocol wants it; all the room beforehand, because slices point into it. */
  if (! buffer_reserve (&encoded, bytes))
    out->failed = true;
  for (size_t i = 0; i < count && ! out->failed; i++)
  {
    size_t begin = encoded.len;
    size_t middle;

    url_encode (&encoded, query[i].name);
    middle = encoded.len;
    url_encode (&encoded, query[i].value);
    pairs[i].name = (struct slice){ encoded.data + begin, middle - begin };
    pairs[i].value = (struct slice){ encoded.data + middle, encoded.len - middle };
  }
  if (! out->failed && count > 0)
  {
    qsort (pairs, count, sizeof (pairs[0]), compare_pairs);
    for (size_t i = 0; i < count; i++)
    {
      if (i > 0)
        buffer_byte (out, '&');
      buffer_append (out, pairs[i].name.data, pairs[i].name.len);
      buffer_byte (out, '=');
      buffer_append (out, pairs[i].value.data, pairs[i].value.len);
    }
  }
  buffer_free (&encoded);
  return ! out->failed;
}

/* --- signing -------------------------------------------------------------------------------------------------------
 */

static bool
hmac (struct digest *out, struct slice key, struct slice text)
{
  unsigned len = sizeof (out->bytes);

  return NULL
         != HMAC (EVP_sha256 (), key.data, (int)key.len, (const unsigned char *)text.data, text.len, out->bytes, &len);
}

static bool
signing_key (struct digest *key, const char *time, const struct s3_credentials *credentials)
{
  struct buffer secret;
  bool fine;

  buffer_init (&secret, TEXT_MAX_BYTES);
  buffer_text (&secret, "AWS4");
  fine = buffer_text (&secret, credentials->secret_access_key)
         && hmac (key, buffer_slice (&secret), (struct slice){ time, DAY_BYTES })
         && hmac (key, digest_slice (key), slice_of (credentials->region))
         && hmac (key, digest_slice (key), SLICE ("s3")) && hmac (key, digest_slice (key), SLICE ("aws4_request"));
  if (NULL != secret.data)
    OPENSSL_cleanse (secret.data, secret.len);
  buffer_free (&secret);
  return fine;
}

/* "20130524/us-east-1/s3/aws4_request" */
static bool
add_scope (struct buffer *out, const char *time, const struct s3_credentials *credentials)
{
  return buffer_printf (out, "%.*s/%s/s3/aws4_request", DAY_BYTES, time, credentials->region);
}

/* "host;x-amz-date" */
static bool
add_names (struct buffer *out, const struct s3_pair *headers, size_t count)
{
  for (size_t i = 0; i < count; i++)
  {
    if (i > 0)
      buffer_byte (out, ';');
    buffer_append (out, headers[i].name.data, headers[i].name.len);
  }
  return ! out->failed;
}

/* The signature in hexadecimal digits. `query` is encoded, `headers` are sorted and all there are. */
static bool
sign (char signature[DIGEST_TEXT_BYTES], const struct s3_request *request, struct slice query,
      const struct s3_pair *headers, size_t header_count, const char *content_hash, const char *time,
      const struct s3_credentials *credentials)
{
  struct buffer text;
  struct digest digest = { { 0 } };
  struct digest key = { { 0 } };
  bool fine;

  buffer_init (&text, TEXT_MAX_BYTES);
  buffer_printf (&text, "%s\n%.*s\n%.*s\n", request->method, SLICE_ARG (request->path), SLICE_ARG (query));
  for (size_t i = 0; i < header_count; i++)
    buffer_printf (&text, "%.*s:%.*s\n", SLICE_ARG (headers[i].name), SLICE_ARG (headers[i].value));
  buffer_byte (&text, '\n');
  add_names (&text, headers, header_count);
  buffer_printf (&text, "\n%s", content_hash);
  fine = ! text.failed && digest_of (&digest, buffer_slice (&text));

  digest_format (signature, &digest);
  buffer_clear (&text);
  buffer_printf (&text, ALGORITHM "\n%s\n", time);
  add_scope (&text, time, credentials);
  buffer_printf (&text, "\n%s", signature);
  fine = fine && ! text.failed && signing_key (&key, time, credentials)
         && hmac (&digest, digest_slice (&key), buffer_slice (&text));
  OPENSSL_cleanse (&key, sizeof (key));
  digest_format (signature, &digest);
  buffer_free (&text);
  return fine;
}

bool
s3_sign_headers (struct buffer *out, const struct s3_request *request, const char *content_hash, const char *time,
                 const struct s3_credentials *credentials)
{
  struct s3_pair headers[S3_PAIRS_MAX];
  size_t count = request->header_count;
  struct buffer query;
  char signature[DIGEST_TEXT_BYTES];
  bool fine;

  /* Room for those that are added below. */
  assert (count + 4 <= S3_PAIRS_MAX);
  if (count > 0)
    memcpy (headers, request->headers, count * sizeof (headers[0]));
  headers[count++] = (struct s3_pair){ SLICE ("host"), request->host };
  headers[count++] = (struct s3_pair){ SLICE ("x-amz-content-sha256"), slice_of (content_hash) };
  headers[count++] = (struct s3_pair){ SLICE ("x-amz-date"), slice_of (time) };
  if ('\0' != credentials->session_token[0])
    headers[count++] = (struct s3_pair){ SLICE ("x-amz-security-token"), slice_of (credentials->session_token) };
  qsort (headers, count, sizeof (headers[0]), compare_pairs);

  buffer_init (&query, TEXT_MAX_BYTES);
  fine = s3_encode_query (&query, request->query, request->query_count)
         && sign (signature, request, buffer_slice (&query), headers, count, content_hash, time, credentials);
  buffer_free (&query);
  if (! fine)
  {
    out->failed = true;
    return false;
  }
  buffer_printf (out, ALGORITHM " Credential=%s/", credentials->access_key_id);
  add_scope (out, time, credentials);
  buffer_text (out, ", SignedHeaders=");
  add_names (out, headers, count);
  return buffer_printf (out, ", Signature=%s", signature);
}

bool
s3_sign_query (struct buffer *out, const struct s3_request *request, int expires_s, const char *time,
               const struct s3_credentials *credentials)
{
  struct s3_pair pairs[S3_PAIRS_MAX];
  size_t count = request->query_count;
  const struct s3_pair host = { SLICE ("host"), request->host };
  struct buffer credential;
  struct buffer query;
  char expires[16];
  char signature[DIGEST_TEXT_BYTES];
  bool fine;

  assert (count + 6 <= S3_PAIRS_MAX && 0 == request->header_count);
  buffer_init (&credential, TEXT_MAX_BYTES);
  buffer_init (&query, TEXT_MAX_BYTES);
  buffer_printf (&credential, "%s/", credentials->access_key_id);
  add_scope (&credential, time, credentials);
  snprintf (expires, sizeof (expires), "%d", expires_s);
  if (count > 0)
    memcpy (pairs, request->query, count * sizeof (pairs[0]));
  pairs[count++] = (struct s3_pair){ SLICE ("X-Amz-Algorithm"), SLICE (ALGORITHM) };
  pairs[count++] = (struct s3_pair){ SLICE ("X-Amz-Credential"), buffer_slice (&credential) };
  pairs[count++] = (struct s3_pair){ SLICE ("X-Amz-Date"), slice_of (time) };
  pairs[count++] = (struct s3_pair){ SLICE ("X-Amz-Expires"), slice_of (expires) };
  pairs[count++] = (struct s3_pair){ SLICE ("X-Amz-SignedHeaders"), host.name };
  if ('\0' != credentials->session_token[0])
    pairs[count++] = (struct s3_pair){ SLICE ("X-Amz-Security-Token"), slice_of (credentials->session_token) };

  fine = ! credential.failed && s3_encode_query (&query, pairs, count)
         && sign (signature, request, buffer_slice (&query), &host, 1, S3_NO_HASH, time, credentials);
  if (! fine)
    out->failed = true;
  else
    buffer_printf (out, "%.*s&X-Amz-Signature=%s", SLICE_ARG (buffer_slice (&query)), signature);
  buffer_free (&query);
  buffer_free (&credential);
  return ! out->failed;
}
