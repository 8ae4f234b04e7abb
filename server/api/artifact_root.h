/* The directory in the store of a run or logged model, for whoever names artifacts below it. */
#ifndef API_ARTIFACT_ROOT_H
#define API_ARTIFACT_ROOT_H

#include "api/call.h"

struct artifact_root
{
  struct slice uri; /* as clients know it */
  struct slice directory; /* the same from the root of the store */
};

/* The root of a run, deleted or not. In the arena. Errors: RESOURCE_DOES_NOT_EXIST, and those of
   artifact_path_of_uri. */
enum err_code artifact_root_of_run (struct artifact_root *root, struct api_call *call, struct slice run_id,
                                    struct err *err);

/* The root of a logged model that is not deleted. */
enum err_code artifact_root_of_model (struct artifact_root *root, struct api_call *call, struct slice model_id,
                                      struct err *err);

/* Check a path below a root and make it one from the root of the store; both in the arena. `relative` is the checked
   path, and may be empty only when `may_be_empty`. */
enum err_code artifact_root_path (struct slice *path, struct slice *relative, const struct artifact_root *root,
                                  struct slice given, const char *field, bool may_be_empty, struct arena *arena,
                                  struct err *err);

#endif
