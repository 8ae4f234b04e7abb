/* What an entry of the audit trail says beside who did it: the object, and a JSON object with what was before and
 * after. */
#ifndef STORE_AUDIT_DETAIL_H
#define STORE_AUDIT_DETAIL_H

#include "base/json_write.h"
#include "store/audit.h"

/* Most bytes of a detail: two states with the largest names, escaped. */
#define AUDIT_DETAIL_BYTES ((size_t)64 * 1024)

/* A detail that is being written; begin, write members through `w`, end. Not thread-safe. */
struct audit_detail
{
  struct buffer buffer;
  struct json_write w;
};

void audit_detail_begin (struct audit_detail *detail);

/* The text, in the arena; frees what the writing needed. Absent when memory is out. */
struct slice audit_detail_end (struct audit_detail *detail, struct arena *arena);

/* The entry of somebody with an action, unless one is there, and the object "<kind>:<name>", in the arena.
   ERR_INTERNAL_ERROR when memory is out. */
enum err_code audit_entry (struct store_audit *entry, const struct store_audit *who, const char *action,
                           const char *kind, struct slice name, struct slice detail, struct arena *arena,
                           struct err *err);

#endif
