/* Signatures of requests to S3: AWS Signature Version 4, in headers and in URLs.

   All functions are pure: the same arguments give the same bytes, whatever the clock and the environment say. Functions
   that return bool are false when memory is out or a buffer is full. Thread-safe. */
#ifndef BLOB_S3_SIGN_H
#define BLOB_S3_SIGN_H

#include "base/buffer.h"
#include "base/digest.h"
#include "base/slice.h"

#include <stdbool.h>
#include <time.h>

/* A name with its value: of a query or of headers. */
struct s3_pair
{
  struct slice name;
  struct slice value;
};

/* Most pairs of a query or of headers: presigned downloads have eight, the rest is room. */
#define S3_PAIRS_MAX 16

/* Who signs. Borrowed texts. */
struct s3_credentials
{
  const char *access_key_id;
  const char *secret_access_key;
  const char *session_token; /* empty: none */
  const char *region;
};

/* What is signed. Borrowed. */
struct s3_request
{
  const char *method;
  struct slice host; /* with its port, unless that is the scheme's own */
  struct slice path; /* as it is sent: encoded by s3_encode_path */
  const struct s3_pair *query; /* not encoded, in any order */
  size_t query_count;
  const struct s3_pair
      *headers; /* besides those that signing adds; names in lower case, values without needless spaces */
  size_t header_count;
};

/* "20130524T000000Z" and NUL. */
#define S3_TIME_BYTES 17

/* What stands for the hash of a body that is not hashed. */
#define S3_NO_HASH "UNSIGNED-PAYLOAD"

void s3_time_format (char text[S3_TIME_BYTES], time_t time);

/* Append `path` with each byte percent-encoded that is neither unreserved nor a slash. */
bool s3_encode_path (struct buffer *out, struct slice path);

/* Append the query as it is signed and sent: encoded, sorted, "name=value" joined by "&". */
bool s3_encode_query (struct buffer *out, const struct s3_pair *query, size_t count);

/* Append the value of the Authorization header. Besides the headers of `request` it covers host, x-amz-date (`time`),
   x-amz-content-sha256 (`content_hash`) and, when there is a token, x-amz-security-token, which the caller sends. */
bool s3_sign_headers (struct buffer *out, const struct s3_request *request, const char *content_hash, const char *time,
                      const struct s3_credentials *credentials);

/* Append the whole query of a URL that anybody may use for `expires_s` seconds (at most 604800, by the protocol), with
   a body that is not hashed. The query of `request` leaves room for six pairs. */
bool s3_sign_query (struct buffer *out, const struct s3_request *request, int expires_s, const char *time,
                    const struct s3_credentials *credentials);

#endif
