/* Bodies that become contents of the store while they arrive. */
#ifndef API_ARTIFACT_RECEIVE_H
#define API_ARTIFACT_RECEIVE_H

#include "api/call.h"
#include "base/digest.h"
#include "blob/blob.h"

/* What a call keeps between the pieces of its body; in the arena, found in call->stream. */
struct artifact_receiving
{
  struct blob_writer *writer; /* freed when the call ends */
  int64_t limit_bytes; /* of the body; the function that begins may lower it */
  int64_t received_bytes;
  bool has_expected;
  struct digest expected; /* what the client says that the content is (RFC 9530) */
  struct slice path; /* from the root of the store; set by the function that begins, when it is known */
};

/* Judge the request before anything is written, and start the writer. */
typedef enum err_code (*artifact_receive_begin) (struct artifact_receiving *receiving, struct api_call *call,
                                                 struct err *err);

/* Take what stands in call->body; the first time `begin` runs before. For the `take` function of a route, and at the
   beginning of its handle function. Errors: those of `begin` and blob_write; INVALID_PARAMETER_VALUE for a digest
   header that cannot be read, REQUEST_TOO_LARGE beyond the limit, from the declared length on. */
enum err_code artifact_receive (struct artifact_receiving **receiving, struct api_call *call,
                                artifact_receive_begin begin, struct err *err);

/* All is there: make it durable and compare it with what the client says. Errors, besides
   those of blob_write_end: INVALID_PARAMETER_VALUE when the digests differ. */
enum err_code artifact_receive_end (struct digest *digest, int64_t *size_bytes, struct artifact_receiving *receiving,
                                    struct err *err);

/* Give the answer the entity tag of a content: its digest. */
void artifact_etag_header (struct api_call *call, const struct digest *digest);

/* The SHA-256 that a Content-Digest or Repr-Digest field holds; other algorithms are passed over. False when the field
   is malformed; `*found` tells whether there was one. */
bool artifact_digest_field (bool *found, struct digest *digest, struct slice field);

#endif
