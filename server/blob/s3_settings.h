/* Where an S3-compatible service is and who we are there: what settings and AWS's environment say. */
#ifndef BLOB_S3_SETTINGS_H
#define BLOB_S3_SETTINGS_H

#include "base/config.h"
#include "base/err.h"

/* S3's own limit for a key, in bytes, and NUL. */
#define S3_KEY_BYTES 1025
/* What we put behind the prefix: "tmp/", a uuid and the number of a segment, or "sha256/" and a digest, which is more:
   7 + 2 + 1 + 62 bytes. */
#define S3_NAME_MAX_BYTES 72

/* All texts are owned. */
struct s3_settings
{
  char *origin; /* "http://host:9000": scheme and host, with the bucket in it when it is addressed so */
  char *host; /* the host of it, as a request's Host header says it */
  char *root; /* path in front of a key, encoded: "/bucket", or "" */
  char *bucket;
  char *prefix; /* of every key: "" or "a/b/" */
  char *region;
  char *access_key_id;
  char *secret_access_key;
  char *session_token; /* "": none */
};

/* Read them; `location` is "bucket/prefix". The caller frees with s3_settings_free, also on failure. Reads the
   environment, so only while no thread changes it. Errors: INVALID_PARAMETER_VALUE naming the setting. */
enum err_code s3_settings_load (struct s3_settings *settings, const struct config *config, const char *location,
                                struct err *err);

/* Free the texts and wipe the secrets. */
void s3_settings_free (struct s3_settings *settings);

#endif
