/* Promotion and rollback: aliases that move together, if they are still where the caller believes them to be. */
#ifndef REGISTRY_PROMOTE_H
#define REGISTRY_PROMOTE_H

#include "registry/change.h"

/* Most aliases of one call. */
#define REGISTRY_MOVES_MAX 50

/* One alias. */
struct registry_promotion_move
{
  struct slice alias;
  int64_t version; /* which is to have it; a rollback finds it out */
  struct optional_int64 expect_version; /* which must have it now; 0: none; absent: any */
  int64_t previous; /* which had it; 0: none; set by the work */
};

/* What one call wants; the context of the works. */
struct registry_promotion
{
  struct slice model;
  struct registry_promotion_move *moves; /* their aliases are distinct */
  size_t count;
  struct optional_int64 at_ms; /* of a rollback: back to the state at that time; absent: to the holder before */
};

/* Move all of the aliases or none: alias.promote for each that was elsewhere. Works for registry_change_run. Errors:
   RESOURCE_DOES_NOT_EXIST without the model or a version, RESOURCE_CONFLICT when an expected version differs (with
   `current` of the change), those of registry_gate_ask. */
enum err_code registry_promote (struct registry_change *change, void *promotion, struct err *err);

/* The same to where the aliases were before: alias.rollback. The holder before is what a line of promotions leads back
   to: one that was itself rolled back is passed over, and so are versions that are deleted. Also
   RESOURCE_DOES_NOT_EXIST when there is nothing to go back to. */
enum err_code registry_rollback (struct registry_change *change, void *promotion, struct err *err);

#endif
