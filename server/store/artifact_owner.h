/* Runs and logged models as owners of artifacts; versions of registered models have theirs from them. */
#ifndef STORE_ARTIFACT_OWNER_H
#define STORE_ARTIFACT_OWNER_H

#include "store/connection.h"

extern const struct statement_table store_artifact_owner_statements;

enum store_owner_kind
{
  STORE_OWNER_RUN,
  STORE_OWNER_MODEL,
  STORE_OWNER_VERSION, /* of a registered model; never read here */
  STORE_OWNER_COUNT
};

/* A run, logged model or version that has a root of artifacts. */
struct store_owner
{
  enum store_owner_kind kind;
  struct slice id; /* as the API shows it: 32 hexadecimal digits, the id of the model, or name/number of the version */
  int64_t experiment_id; /* -1 of a version */
  struct slice artifact_uri;
  bool deleted;
};

/* Read those of some runs and logged models (distinct) that exist, in no order. Texts are in the arena, and so is
   `owners`. */
enum err_code store_owners_read (struct store_owner **owners, size_t *count, struct store_connection *connection,
                                 const struct uuid *run_ids, size_t run_count, const struct slice *model_ids,
                                 size_t model_count, struct arena *arena, struct err *err);

#endif
