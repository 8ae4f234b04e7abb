/* Sends signed requests to an S3-compatible service over kept connections, and tries again what may succeed then. */
#ifndef BLOB_S3_CLIENT_H
#define BLOB_S3_CLIENT_H

#include "base/buffer.h"
#include "base/digest.h"
#include "base/err.h"
#include "blob/s3_settings.h"
#include "blob/s3_sign.h"

#include <stdint.h>

/* May be used by many threads at once; each request has a connection to itself. */
struct s3_client;

/* A client; `settings` is borrowed and outlives it. Errors: INTERNAL_ERROR. The caller frees. */
enum err_code s3_client_new (struct s3_client **client, const struct s3_settings *settings, struct err *err);
void s3_client_free (struct s3_client *client);

/* Takes bytes of an object in their order; false ends the request with INTERNAL_ERROR. */
typedef bool (*s3_sink) (void *context, struct slice bytes);

/* Room for the pairs of a request; listings have five. */
#define S3_CALL_PAIRS 6

/* A request; zeroed members are those that it has not. Borrowed. It must be one that does no harm when the service sees
   it twice. */
struct s3_call
{
  const char *method;
  struct slice key; /* not encoded; absent: the bucket itself */
  struct s3_pair query[S3_CALL_PAIRS];
  size_t query_count;
  struct s3_pair headers[S3_CALL_PAIRS];
  size_t header_count;
  struct slice body;
  const struct digest *body_digest; /* NULL: computed here */

  /* An object's bytes: `bytes` of them (more than 0) from `offset` on, handed to `sink`, continued where it broke off.
   */
  s3_sink sink;
  void *sink_context;
  int64_t offset;
  int64_t bytes;

  bool slow; /* the service works long before it answers: it copies or joins */
  bool judge; /* 400, 404, 409 and 416 are not errors here: the caller looks at the answer */
};

/* Longest entity tag that we keep: MD5 and the number of parts are 38 bytes, other services have up to 64 of SHA-256.
   As in struct blob_part. */
#define S3_ETAG_BYTES 80

/* What came back. */
struct s3_answer
{
  int status;
  int64_t size_bytes; /* of the whole object, where the answer says it; -1: it does not */
  char etag[S3_ETAG_BYTES]; /* without quotes; "": none */
  char region[40]; /* where the service says that the bucket is; "": it does not */
  char code[64]; /* S3's code of an error; "": none */
  char message[160];
  struct buffer body; /* of what is not an object's */
};

/* An answer to fill; the caller frees it. It may be used for one request after the other. */
void s3_answer_init (struct s3_answer *answer);
void s3_answer_free (struct s3_answer *answer);

/* Send a request and wait for its answer: at most about a minute for a service that is silent. Errors:
   TEMPORARILY_UNAVAILABLE, INSUFFICIENT_STORAGE and INTERNAL_ERROR, with what the service says as cause. */
enum err_code s3_client_send (struct s3_answer *answer, struct s3_client *client, const struct s3_call *call,
                              struct err *err);

/* The error of an answer that the caller has looked at and cannot use. */
enum err_code s3_refused (const struct s3_call *call, const struct s3_answer *answer, struct err *err);

/* Append a URL for method, key and query of `call` that anybody may use for `expires_s` seconds; no network. */
enum err_code s3_client_url (struct buffer *url, struct s3_client *client, const struct s3_call *call, int expires_s,
                             struct err *err);

#endif
