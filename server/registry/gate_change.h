/* Changes of gates. */
#ifndef REGISTRY_GATE_CHANGE_H
#define REGISTRY_GATE_CHANGE_H

#include "registry/change.h"
#include "store/promotion_gate.h"

/* What one call wants; the context of the works. */
struct registry_gate_change
{
  struct store_gate_key key;
  struct slice rules; /* JSON object that rules_read takes; for set */
  struct store_promotion_gate gate; /* as set leaves it, with the texts of `result` */
  struct result result; /* zeroed before; the caller frees it afterwards, also after a failure */
};

/* Make a gate, or give it other rules: gate.set. Works for registry_change_run; they wait for moves under way, so that
   the ledger has none behind a gate that it did not pass. */
enum err_code registry_gate_set (struct registry_change *change, void *gate_change, struct err *err);

/* Remove one: gate.delete. Errors: RESOURCE_DOES_NOT_EXIST when there is none. */
enum err_code registry_gate_remove (struct registry_change *change, void *gate_change, struct err *err);

/* Set one inside of another change, which holds off moves (store_gate_exclude_moves). Without `may_replace`
   RESOURCE_CONFLICT when there is one with other rules. */
enum err_code registry_gate_put (struct registry_change *change, const struct store_gate_key *key, struct slice rules,
                                 bool may_replace, struct err *err);

#endif
