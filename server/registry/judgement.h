/* What the rules of gates come to for one move. */
#ifndef REGISTRY_JUDGEMENT_H
#define REGISTRY_JUDGEMENT_H

#include "base/json_write.h"
#include "registry/gate.h"
#include "store/promotion_gate.h"

/* Findings of one or more moves, as items of two JSON arrays, and the sentences of what is missing. Zeroed, then
   judgement_init; judgement_free frees. */
struct judgement
{
  struct registry_change *change;
  const struct registry_move *move; /* that is judged now */
  const struct store_promotion_gate *gate;
  struct buffer missing; /* items without the brackets */
  struct buffer met;
  struct json_write missing_items;
  struct json_write met_items;
  size_t missing_count;
  size_t met_count;
  const struct registry_move *refused; /* the first for which something is missing; NULL: none */
  char *sentence; /* the first of what is missing, in the arena; NULL: nothing */
};

void judgement_init (struct judgement *judgement, struct registry_change *change);
void judgement_free (struct judgement *judgement);

/* Judge a move by a gate. `gate` and `move` last until then. Errors: those of the database; INTERNAL_ERROR for rules
   that cannot be read. */
enum err_code judgement_add (struct judgement *judgement, const struct registry_move *move,
                             const struct store_promotion_gate *gate, struct err *err);

/* Which version comes to an alias or stage, or else leaves it. */
int64_t judgement_version (const struct registry_move *move);

/* Add something that is missing beside the rules. */
void judgement_miss (struct judgement *judgement, const char *rule, const char *text);

/* What is missing as one sentence without its full stop, in the arena: the first few, and how many more. NULL when
   nothing is, or memory is out. */
const char *judgement_sentence (const struct judgement *judgement);

/* The arrays, in the arena; absent when memory is out. */
struct slice judgement_missing (const struct judgement *judgement);
struct slice judgement_met (const struct judgement *judgement);

#endif
