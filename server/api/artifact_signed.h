/* URLs that carry their own permission: whoever has one may do what it says until it expires. */
#ifndef API_ARTIFACT_SIGNED_H
#define API_ARTIFACT_SIGNED_H

#include "api/call.h"
#include "base/digest.h"
#include "base/id.h"

enum artifact_permission_kind
{
  ARTIFACT_MAY_GET, /* one content under a path */
  ARTIFACT_MAY_PUT, /* a path */
  ARTIFACT_MAY_PUT_PART /* a part of an upload */
};

struct artifact_permission
{
  enum artifact_permission_kind kind;
  int64_t expires_s; /* since 1970 */
  int64_t size_bytes; /* of the content, or the most that may be sent */
  struct slice path; /* from the root of the store */
  struct digest digest; /* of ARTIFACT_MAY_GET */
  struct uuid upload_id; /* of ARTIFACT_MAY_PUT_PART */
  int number;
};

/* The URL of a permission, in the arena. On the artifact lane, which knows the Host header. Errors: those of
   artifact_sign_url; INVALID_PARAMETER_VALUE when neither setting nor request says how clients reach the server. */
enum err_code artifact_permission_url (struct slice *url, struct api_call *call,
                                       const struct artifact_permission *permission, struct err *err);

/* Complete a permission of which kind, path, upload and number are set (from the path of the URL) by what the query
   says, and check it. Errors: PERMISSION_DENIED when it is not signed, or not by us, or has expired. */
enum err_code artifact_permission_check (struct artifact_permission *permission, struct api_call *call,
                                         struct err *err);

/* How long a URL shall hold, in seconds: as asked for, else `fallback_s`. Errors: INVALID_PARAMETER_VALUE unless it is
   from 1 to 604800 (a week, the most that S3 takes). */
enum err_code artifact_expiration (int64_t *seconds, bool given, int64_t asked, int64_t fallback_s, struct err *err);

/* /artifacts/presigned-upload-url, /artifacts/presigned-download-url, /presigned/{path...}, and the URLs themselves. */
api_handle api_artifact_presigned_upload_url;
api_handle api_artifact_presigned_download_url;
api_handle api_artifact_presigned;
api_handle api_artifact_signed_get;
api_handle api_artifact_signed_put;
api_handle api_artifact_signed_take;

#endif
