/* Artifacts: files of runs and models; up in the background or at once, down with their digests checked. */
#ifndef TALLY_ARTIFACT_H
#define TALLY_ARTIFACT_H

#include "tally/log.h"

TALLY_BEGIN

/* Names of artifacts are relative paths with '/', without "..", ".", empty parts, backslashes and control characters.
   A root says whose files they are: "runs:/<run id>", "models:/m-<id>" (a logged model), "models:/<name>/<version>" or
   "models:/<name>@<alias>" (these two to read only). */

/* Queue a file: a copy (a clone where the file system can) goes into the spool before the call returns, so that the
   file may change or vanish afterwards; it is sent in the background, beside the metrics. `name` NULL: the file's
   name. Errors: FILE, ARGUMENT, FULL, FORKED. */
TALLY_API enum tally_code tally_log_artifact (struct tally_run *run, const char *path, const char *name,
                                              struct tally_error *err);

/* Queue bytes. */
TALLY_API enum tally_code tally_log_artifact_bytes (struct tally_run *run, const char *name, const void *data,
                                                    size_t bytes, struct tally_error *err);

/* Queue every regular file below a folder; links are followed only to files inside of it. `name` NULL: at the top. */
TALLY_API enum tally_code tally_log_artifacts (struct tally_run *run, const char *folder, const char *name,
                                               struct tally_error *err);

/* Called during transfers, at most ten times a second and once at the end, by one thread at a time; false stops with
   CANCELLED. `name` is the artifact that moved, "" at the end; the bytes are those of the whole call. `total_bytes` is
   0 when not known. */
typedef bool tally_progress_callback (void *payload, const char *name, uint64_t done_bytes, uint64_t total_bytes);

struct tally_transfer
{
  tally_progress_callback *progress; /* NULL: none */
  void *payload;
  uint64_t part_bytes; /* multipart from this size on; 0: option part-bytes */
  unsigned parallel; /* files at a time, 1 to 16; 0: 4 */
  bool overwrite; /* downloads replace what is there (else EXISTS) */
};

/* Send a file (`name` NULL: by the file's name), or everything below a folder (`name` is the folder that it becomes;
   NULL: the top), now. Large files go in parts when the server can; a broken transfer goes
   on with the missing parts. `transfer` may be NULL. Errors: FILE, of any request, CANCELLED. */
TALLY_API enum tally_code tally_artifact_upload (struct tally_client *client, const char *root, const char *path,
                                                 const char *name, const struct tally_transfer *transfer,
                                                 struct tally_error *err);

/* Fetch the file or folder `name` (NULL: everything) into the folder `path`, which is made when it is not there: a file
   "a/b" becomes `path`/b, and what is below a folder comes directly below `path`. Each file appears whole or not at
   all, is checked against the server's digest where it tells one, and never lies outside of `path`, whatever the server
   calls it. Errors: DIGEST, FILE, EXISTS, PROTOCOL for a name that leads out, of any request. */
TALLY_API enum tally_code tally_artifact_download (struct tally_client *client, const char *root, const char *name,
                                                   const char *path, const struct tally_transfer *transfer,
                                                   struct tally_error *err);

struct tally_artifact
{
  const char *name; /* whole path below the root */
  bool is_folder;
  uint64_t bytes; /* 0 for folders */
};

/* What is directly below a folder of a root (NULL: the top): an iterator. Free with tally_artifacts_free. */
struct tally_artifacts;
TALLY_API enum tally_code tally_artifact_list (struct tally_artifacts **list, struct tally_client *client,
                                               const char *root, const char *folder, struct tally_error *err);
/* The next one, valid until the next call; NULL behind the last. */
TALLY_API enum tally_code tally_artifacts_next (const struct tally_artifact **artifact, struct tally_artifacts *list,
                                                struct tally_error *err);
TALLY_API void tally_artifacts_free (struct tally_artifacts *list);

/* The SHA-256 of a file, as 64 hexadecimal digits and NUL. Errors: FILE. */
#define TALLY_DIGEST_BYTES 65
TALLY_API enum tally_code tally_digest_file (char digest[TALLY_DIGEST_BYTES], const char *path,
                                             struct tally_error *err);

TALLY_END

#endif
