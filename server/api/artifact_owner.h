/* Whose artifacts are meant: a run, a logged model or a version of a registered model, and the directory that they are
 * in.
 */
#ifndef API_ARTIFACT_OWNER_H
#define API_ARTIFACT_OWNER_H

#include "api/call.h"
#include "store/artifact_owner.h"

/* A run, logged model or version, and the directory in the store that its artifact URI means. In the arena. */
struct artifact_owner
{
  struct store_owner is;
  struct slice root;
};

/* Find a run, deleted or not, or a logged model that is not deleted. Errors: RESOURCE_DOES_NOT_EXIST,
   those of artifact_path_of_uri. */
enum err_code artifact_owner_run (struct artifact_owner *owner, struct api_call *call, struct slice run_id,
                                  struct err *err);
enum err_code artifact_owner_model (struct artifact_owner *owner, struct api_call *call, struct slice model_id,
                                    struct err *err);

/* Find a version of a registered model of the request's workspace, by its number or by an alias. Its id becomes
   "name/number". Errors: RESOURCE_DOES_NOT_EXIST, those of artifact_path_of_uri. */
enum err_code artifact_owner_version (struct artifact_owner *owner, struct api_call *call, struct slice name,
                                      struct slice version, struct err *err);

/* How a message calls one: "run", "logged model", "model version". */
const char *artifact_owner_word (enum store_owner_kind kind);

/* The owner of each of some paths from the root of the store: `owners[i]` of `paths[i]`, NULL when no run or logged
   model has its artifact URI at a directory above it. In the arena. One statement for all. */
enum err_code artifact_owners_of_paths (const struct artifact_owner ***owners, const struct slice *paths, size_t count,
                                        struct api_call *call, struct err *err);

#endif
