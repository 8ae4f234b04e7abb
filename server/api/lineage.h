/* Where a version of a registered model comes from, and what came out of something. Source: docs/api/lineage.md. */
#ifndef API_LINEAGE_H
#define API_LINEAGE_H

#include "api/artifact_owner.h"
#include "store/lineage.h"

api_handle api_lineage_of_version;
api_handle api_lineage;

/* Who asks, for the queries of store/lineage.h. */
struct store_lineage_reader api_lineage_reader (struct api_call *call);

/* Versions whose files have one of some paths from the root of the store among them; `owners` are those of the paths,
   as artifact_owners_of_paths gives them. */
struct lineage_versions
{
  const struct slice *paths;
  const struct artifact_owner *const *owners;
  size_t count;
  int64_t most; /* versions that are looked at */
};

/* Called for each version and each path that is among its files; the document is a JSON object. */
typedef enum err_code lineage_version (void *context, size_t path, const struct store_lineage_version *version,
                                       struct err *err);

enum err_code api_lineage_versions_of_paths (struct api_call *call, const struct lineage_versions *asked,
                                             lineage_version *found, void *context, struct err *err);

#endif
