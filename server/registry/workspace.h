/* Deleting a workspace with its registered models: what runs in the frame of a change. */
#ifndef REGISTRY_WORKSPACE_H
#define REGISTRY_WORKSPACE_H

#include "registry/change.h"
#include "store/workspace.h"

struct registry_workspace
{
  struct slice name;
  enum store_workspace_mode mode;
  const struct store_audit *who; /* for the audit trail */
};

/* Delete one that is not the workspace default. SET_DEFAULT: model.move for each model; CASCADE: what
   registry_model_delete notes. Gates are promises about names of this workspace: while there are any it stays, whatever
   the mode. Errors: RESOURCE_DOES_NOT_EXIST, without a message, when there is none; RESOURCE_CONFLICT when the mode
   does not allow it. */
registry_work registry_workspace_delete;

#endif
