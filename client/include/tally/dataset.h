/* Data sets that a run used. */
#ifndef TALLY_DATASET_H
#define TALLY_DATASET_H

#include "tally/log.h"

TALLY_BEGIN

struct tally_dataset
{
  const char *name; /* required */
  const char *digest; /* required; at most 36 characters: MLflow's limit */
  const char *source_type; /* "local", "http", "s3", …, at most 36 characters; NULL: "local" */
  const char *source; /* where it is: JSON or a path or URL; NULL: the name */
  const char *schema; /* JSON, or NULL */
  const char *profile; /* JSON, or NULL */
};

/* Note that the run used the data set, as `context` ("training"; NULL: none). Does not wait. Errors: ARGUMENT naming
   the member; FULL, FORKED. */
TALLY_API enum tally_code tally_log_dataset (struct tally_run *run, const struct tally_dataset *dataset,
                                             const char *context, struct tally_error *err);

/* The digest of a file's content: the first 36 hexadecimal digits of its SHA-256 and NUL. Reads the file. Errors: FILE.
 */
#define TALLY_DATASET_DIGEST_BYTES 37
TALLY_API enum tally_code tally_dataset_digest_file (char digest[TALLY_DATASET_DIGEST_BYTES], const char *path,
                                                     struct tally_error *err);

TALLY_END

#endif
