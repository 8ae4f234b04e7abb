/* Answers that are a stored file: headers, conditions, ranges, bytes. */
#ifndef API_ARTIFACT_SEND_H
#define API_ARTIFACT_SEND_H

#include "api/call.h"
#include "store/artifact.h"

enum artifact_type
{
  ARTIFACT_TYPE_GUESSED, /* artifact_media_type of the path */
  ARTIFACT_TYPE_BINARY /* application/octet-stream */
};

/* Answer with a file, as an attachment named by the last segment of its path: ETag (its digest), Last-Modified,
   Accept-Ranges, Repr-Digest and Content-Digest (RFC 9530), nosniff; 304 to a matching If-None-Match; 206 to one Range
   unless If-Range says no, 416 to one beyond the end; several ranges are answered with all of it (RFC 9110, 14.2). On a
   thread of the artifact lane. */
enum err_code artifact_send (struct api_call *call, const struct store_artifact *artifact, enum artifact_type type,
                             struct err *err);

/* The Content-Disposition of a file: an attachment named by the last segment of its path (RFC 6266). In the arena. */
enum err_code artifact_disposition (struct slice *disposition, struct slice path, struct arena *arena, struct err *err);

#endif
