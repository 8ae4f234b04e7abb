/* Changes of the aliases of registered models: what runs in the frame of a change. */
#ifndef REGISTRY_ALIAS_H
#define REGISTRY_ALIAS_H

#include "registry/change.h"

struct registry_alias_change
{
  struct slice name; /* of the registered model */
  struct slice alias;
  int64_t version; /* which gets it; of a deletion 0 */
};

/* Give an alias to a version: alias.set. Gates are asked unless the version has it already. Errors:
   RESOURCE_DOES_NOT_EXIST when there is no such version, or no such model; those of registry_gate_ask. */
registry_work registry_alias_set;

/* Take an alias away: alias.delete. Gates are asked unless no version has it. Errors: RESOURCE_DOES_NOT_EXIST when
   there is no such model; those of registry_gate_ask. */
registry_work registry_alias_delete;

#endif
