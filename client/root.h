/* Roots and names: what "runs:/…" and "models:/…" mean, and which names files of them can have. */
#ifndef CLIENT_ROOT_H
#define CLIENT_ROOT_H

#include "tally/error.h"

#include "base/arena.h"

#include <stdint.h>

enum root_kind
{
  ROOT_RUN = 1,
  ROOT_LOGGED_MODEL = 2,
  ROOT_VERSION = 3, /* of a registered model, by its number */
  ROOT_ALIAS = 4,
  ROOT_LATEST = 5,
  ROOT_STAGE = 6 /* the newest version in a stage */
};

struct root
{
  enum root_kind kind;
  const char *id; /* of the run or logged model; NULL for the others */
  const char *path; /* behind that id; "" when there is none */
  const char *name; /* of the registered model; NULL for runs and logged models */
  const char *alias; /* ALIAS only */
  const char *stage; /* STAGE only: as MLflow writes it */
  int64_t version; /* VERSION only */
};

/* Take a URI apart, into the arena. Errors: ARGUMENT telling which forms there are; MEMORY. */
enum tally_code root_parse (struct root *root, struct arena *arena, const char *uri, struct tally_error *err);

/* Longest name of an artifact in bytes, as tallyd has it, and most folders above a file: no real tree is deeper. */
#define ARTIFACT_NAME_MAX_BYTES 2048
#define ARTIFACT_DEPTH_MAX 64

/* True for a relative path that stays below its root wherever it is used: UTF-8 without control characters and
   backslashes, whose parts are neither empty nor "." nor "..". */
bool artifact_name_valid (const char *name);

/* True for an id that a server gives to runs: letters, digits, "_" and "-", at most 256. */
bool root_run_id_valid (const char *id);

/* True for "m-" and 32 hexadecimal digits. */
bool root_model_id_valid (const char *id);

#endif
