/* One change of the registry: a transaction that holds what it changes, asks the gates, and writes the ledger.

   DESIGN
   Nothing else may write the tables of the registry. Work functions hold the registered model first, then change, then
   note what they changed; the frame appends the notes to the ledger, which locks the end of its chain last, and
   commits. So changes of one model come one after another, those of different models meet only in their commits, and no
   order of locks can be turned round. What was noted and what was changed stand or fall together. A work function may
   run again after a conflict: notes are forgotten before each run. */
#ifndef REGISTRY_CHANGE_H
#define REGISTRY_CHANGE_H

#include "base/json_write.h"
#include "ingest/keys.h"
#include "store/registered_model.h"

/* Who changes something, and where from. Texts last as long as the change. */
struct registry_actor
{
  struct slice name; /* of the account, or what the client claims; empty: neither */
  int64_t account_id; /* 0: nobody was known, so that the name is a claim */
  struct slice method; /* how it was recognised, in the words of access_method_name */
  struct slice address;
  struct slice client; /* what the client calls itself; empty: nothing */
};

/* What one entry of the ledger says beside who did it. `before` and `after` are in the arena of the change, `action` is
   static; the other texts are copied. */
struct registry_note
{
  const char *action; /* such as alias.set; docs/ledger.md has all */
  int64_t registered_model_id; /* 0: of a gate */
  struct slice model; /* its name at that time, or the pattern of a gate */
  int64_t version; /* 0: none */
  struct slice alias; /* absent: none */
  struct slice before; /* JSON value, only of what changed; absent: there was nothing */
  struct slice after; /* the same; absent: there is nothing now */
};

struct registry_noted;

/* Fill in what is said to be given; the rest is the frame's. One thread at a time. */
struct registry_change
{
  struct store_connection *connection; /* given, as the members up to may_force */
  struct arena *arena;
  struct metric_keys *metric_keys; /* for gates that look at metrics */
  const struct registry_actor *actor;
  int64_t workspace_id;
  struct slice object; /* what a refusal is about, in the words of the audit trail; absent: the model that is held */
  struct slice reason; /* why, as the client says; absent: it said nothing */
  struct slice run_url; /* the CI job or page that this comes from; absent: none */
  bool forces; /* the client wants it in spite of gates */
  bool may_promote; /* the rights of the caller with the model */
  bool may_force;
  int64_t now_ms; /* when the frame began */
  bool forced; /* a gate was overridden: entries say so */
  struct slice model; /* name of the registered model that is held; absent: none is */
  struct slice missing; /* what gates miss, a JSON array, when the change was refused; absent: nothing */
  struct slice current; /* who has the aliases, a JSON array, when others were expected; absent: none were */
  struct registry_noted *noted;
  size_t noted_count;
};

typedef enum err_code registry_work (struct registry_change *change, void *context, struct err *err);

/* Run `work` in a transaction and commit it with its entries. Without a note there is nothing to append, and what was
   done is committed as it is. Errors: those of the work, of the database. */
enum err_code registry_change_run (struct registry_change *change, registry_work *work, void *context, struct err *err);

/* Note what was changed, in the order in which it happened. */
void registry_note (struct registry_change *change, const struct registry_note *note);

/* Hold the registered model of a name in the change's workspace. The row's texts are in the arena. Errors:
   RESOURCE_DOES_NOT_EXIST "Registered Model with name=X not found". */
enum err_code registry_hold_model (struct store_registered_model *model, struct registry_change *change,
                                   struct slice name, struct err *err);

/* JSON texts in the arena, for before and after: {"<key>": "<text>"}, null for an absent text; {"<key>": number}. */
struct slice registry_text_member (const struct registry_change *change, const char *key, struct slice text);
struct slice registry_number_member (const struct registry_change *change, const char *key, int64_t number);

/* A JSON object of several members for the same: begin, write members through `w`, end. */
struct registry_object
{
  struct buffer buffer;
  struct json_write w;
};

void registry_object_begin (struct registry_object *object);

/* The text, in the arena; frees what the writing needed. Absent, and the arena has failed, when it is larger than an
   entry of the ledger may be or memory is out. */
struct slice registry_object_end (struct registry_object *object, const struct registry_change *change);

/* A member of text or, when absent, null. */
void registry_write_text (struct json_write *w, const char *name, struct slice text);

#endif
