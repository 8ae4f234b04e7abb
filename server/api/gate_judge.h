/* Whether a caller may do something with some objects; private to the gate. */
#ifndef API_GATE_JUDGE_H
#define API_GATE_JUDGE_H

#include "api/object.h"

/* Judge all of the objects; the rights with the first are left in the call's pass. Without a connection in the call
   only by what is remembered. GATE_REFUSED sets `err`: as object_not_found for what the caller may not read,
   PERMISSION_DENIED for what he may read but no more, or an error of the database. */
enum gate_next gate_judge (struct api_call *call, struct target *targets, size_t count,
                           enum route_permission permission, struct err *err);

/* The same for one object by what is remembered, without noting a refusal: false also when that does not tell. */
bool gate_may (struct api_call *call, struct target *target);

/* Whether rights, limited to what the caller's credential allows, are enough. */
bool gate_suffices (struct access_rights rights, enum route_permission permission);

/* What a grant comes to: MANAGE has all actions but force; limited by the credential. */
struct access_rights gate_effective (struct access_rights granted, const struct access_identity *who);

/* gate_note_refused, of the route. `object` may be absent. */
void gate_note_refusal (const struct api_call *call, const struct err *err, struct slice object);

#endif
