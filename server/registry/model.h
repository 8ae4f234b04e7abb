/* Changes of registered models themselves: what runs in the frame of a change. */
#ifndef REGISTRY_MODEL_H
#define REGISTRY_MODEL_H

#include "registry/change.h"

/* Each work function takes the struct before it. Names, keys and texts were checked. A change that would leave
   everything as it is notes nothing. Errors of all but the first: RESOURCE_DOES_NOT_EXIST, as registry_hold_model says
   it. */

struct registry_new_model
{
  struct slice name;
  struct slice description; /* absent: none */
  struct slice tags; /* JSON object of strings */
  bool is_prompt; /* by its tags */
};

/* Make one: model.create. The actor may do everything with it. Errors: RESOURCE_ALREADY_EXISTS with MLflow's texts,
   RESOURCE_DOES_NOT_EXIST when the workspace is gone. */
registry_work registry_model_create;

struct registry_model_rename
{
  struct slice name;
  struct slice new_name;
};

/* Rename one: model.rename. Gates may refuse. Errors: RESOURCE_ALREADY_EXISTS, those of registry_gate_rename. */
registry_work registry_model_rename;

struct registry_model_describe
{
  struct slice name;
  struct slice description; /* absent: none */
};

/* Set the description: model.describe. */
registry_work registry_model_describe;

struct registry_model_tag
{
  struct slice name;
  struct slice key;
  struct slice value; /* absent: the tag is removed */
};

/* Set or remove a tag: model.tag. */
registry_work registry_model_tag;

/* Delete the one of a name (struct slice): alias.delete for each alias, and model.delete. Errors: RESOURCE_CONFLICT
   when a gate binds an alias or stage of one of its versions. */
registry_work registry_model_delete;

#endif
