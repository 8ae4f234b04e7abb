/* Changes of versions of registered models. */
#ifndef REGISTRY_VERSION_H
#define REGISTRY_VERSION_H

#include "registry/change.h"
#include "store/model_version_change.h"

/* What is wanted of one version, and what came of it. The functions below are the work of registry_change_run with this
   as context. All of them fail with RESOURCE_DOES_NOT_EXIST where the model or the version is not there. */
struct registry_version
{
  struct slice name; /* of the registered model */
  int64_t number; /* all but create */
  struct store_new_model_version fresh; /* create */
  bool links_model; /* create: also tell the logged model of it, in the tag mlflow.modelVersions */
  struct slice description; /* describe; absent takes it away */
  int16_t stage; /* move: enum model_stage */
  bool archives; /* move: what else is in that stage goes to Archived */
  struct slice key; /* tags */
  struct slice value; /* tags; absent: the tag goes */

  struct store_model_version row; /* how it is now; of create, describe and move */
  struct result result; /* where its texts live: the caller frees */
};

registry_work registry_version_create;
registry_work registry_version_describe;
registry_work registry_version_tag;

/* Errors: RESOURCE_CONFLICT and the others of registry_gate_ask. */
registry_work registry_version_move;

/* Errors: RESOURCE_CONFLICT while a gate binds an alias or the stage that the version has. */
registry_work registry_version_delete;

/* For the work functions: hold the model, and read the version into row and result. */
enum err_code registry_version_hold (struct store_registered_model *model, struct registry_version *version,
                                     struct registry_change *change, struct err *err);

/* A note about a version of a model that is held. */
struct registry_note registry_version_note (const char *action, const struct store_registered_model *model,
                                            int64_t number);

#endif
