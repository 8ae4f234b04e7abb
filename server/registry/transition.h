/* What comes with a version that goes to another stage: which others are archived, and what gates are asked. */
#ifndef REGISTRY_TRANSITION_H
#define REGISTRY_TRANSITION_H

#include "registry/gate.h"
#include "registry/version.h"

/* Lists are in the arena of the change. */
struct registry_transition
{
  int64_t *others; /* numbers of the versions that go to Archived along */
  size_t other_count;
  struct registry_move *moves; /* for registry_gate_ask_all or registry_gate_try; none: no gate is asked */
  size_t move_count;
};

/* Read it, for who makes the change and for who asks what gates would say of it: so the two cannot differ. Of `version`
   number, row.stage, stage and archives count; `model` lasts as long as the moves. `holds_off`: changes of gates wait
   until the transaction ends. Errors: those of the database. */
enum err_code registry_transition_read (struct registry_transition *transition, struct registry_change *change,
                                        const struct store_registered_model *model,
                                        const struct registry_version *version, bool holds_off, struct err *err);

#endif
