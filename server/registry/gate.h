/* Gates: whether an alias or a stage of a registered model may move. */
#ifndef REGISTRY_GATE_H
#define REGISTRY_GATE_H

#include "registry/change.h"
#include "store/model_version.h"

/* What is about to happen to one alias or stage of a model that is held. */
struct registry_move
{
  const struct store_registered_model *model;
  struct slice alias; /* absent: the stage is meant */
  int16_t stage; /* enum model_stage */
  int64_t version; /* which will have it; 0: none will: it is taken away */
  int64_t holder; /* which has the alias now; of a stage, the version that leaves it; 0: none */
  bool is_rollback; /* the version had it before, by a promotion that was not forced */
  bool is_along; /* it happens to another version than the one that is asked about: one that is archived along */
};

/* Ask every gate that binds the alias or stage. Passes when there is none. Where one binds, the caller needs the action
   promote. When something is missing: with `forces` and `may_force` and a reason it passes all the same, and `forced`
   is set; otherwise RESOURCE_CONFLICT with a sentence that says what, and the list in `missing`. Errors:
   RESOURCE_CONFLICT, PERMISSION_DENIED, INVALID_PARAMETER_VALUE (forced without a reason), those of the database. */
enum err_code registry_gate_ask (struct registry_change *change, const struct registry_move *move, struct err *err);

/* The same for several moves that happen together or not at all; what is missing for any of them is told at once, but
   of versions that are archived along only for the first that may not be. */
enum err_code registry_gate_ask_all (struct registry_change *change, const struct registry_move *moves, size_t count,
                                     struct err *err);

/* What gates say of moves that would happen together, without making them: for who wants to know beforehand. JSON
   arrays in the arena; what versions that are archived along meet is left out. Nothing is missing exactly when
   registry_gate_ask_all would let all of them pass. */
struct registry_gate_answer
{
  struct slice missing;
  struct slice met;
  size_t missing_count; /* 0: they may move */
  size_t met_count;
};
enum err_code registry_gate_try (struct registry_gate_answer *answer, struct registry_change *change,
                                 const struct registry_move *moves, size_t count, struct err *err);

/* Whether any gate binds an alias (or, absent, the stage) of models of this name. For what must not happen to versions
   that have it, such as deletion. `holds_off`: changes of gates wait until the transaction ends. */
enum err_code registry_gate_binds (bool *binds, struct registry_change *change, struct slice model, struct slice alias,
                                   int16_t stage, bool holds_off, struct err *err);

/* Before a model gets another name: no gate that binds an alias or stage that it now has may be left behind, and none
   that binds it under the new name be met without being passed. Gates of exactly the old name move along. Errors: as
   registry_gate_ask. */
enum err_code registry_gate_rename (struct registry_change *change, const struct store_registered_model *model,
                                    struct slice new_name, struct err *err);

#endif
