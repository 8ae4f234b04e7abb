/* Manifests of runs, logged models and model versions, and whether their files are what they were. Source:
 * docs/api/manifest.md. */
#ifndef API_MANIFEST_H
#define API_MANIFEST_H

#include "api/artifact_owner.h"

/* api/manifest.c */
api_handle api_manifest_run;
api_handle api_manifest_model;
api_handle api_manifest_version;
api_handle api_signing_key;

/* api/manifest_verify.c */
api_handle api_verify_run;
api_handle api_verify_model;
api_handle api_verify_version;

/* Bytes of an Ed25519 signature (RFC 8032) and of its base64 with padding and NUL. */
#define MANIFEST_SIGNATURE_BYTES 64
#define MANIFEST_SIGNATURE_TEXT_BYTES 89
/* The name of the algorithm in an answer. */
#define MANIFEST_ALGORITHM "Ed25519"

#endif
