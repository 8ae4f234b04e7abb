/* Access control of one daemon: what it remembers of accounts and grants, and how it learns that this is over.

   DESIGN
   Rights are kept in PostgreSQL. What a daemon has looked up it remembers, stamped with access_version as it was before
   the look-up. Every transaction that could take a right away raises access_version in the same commit, and a thread
   here reads it four times a second: what bears an older stamp is not used any more. When the thread could not read it
   for a second, nothing remembered is used at all, so that a right that is gone is gone after a second on every daemon,
   also on one that is cut off. */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include "access/identity.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/id.h"
#include "store/access.h"
#include "store/connection.h"

struct access;
struct backoff;

/* Begin; `store` and `config` outlive it. With authentication on there must be an administrator, or the setting
   bootstrap-password makes one. The caller ends with access_stop also after a failure. Errors: INVALID_PARAMETER_VALUE
   (settings, no administrator), those of the database. */
enum err_code access_start (struct access **access, struct store *store, const struct config *config, struct err *err);

/* End the thread, and free. NULL is fine. */
void access_stop (struct access *access);

/* Whether authentication is on, and whether workspaces are. Constant. Thread-safe. */
bool access_is_on (const struct access *access);
bool access_has_workspaces (const struct access *access);

/* The setting default-permission, as an enum access_level. */
int16_t access_fallback (const struct access *access);

/* Where failed passwords are counted (access/backoff.h); constant. */
struct backoff *access_backoff (struct access *access);

/* The version that what is looked up from now on may be stamped with. */
uint64_t access_version (struct access *access);

/* This daemon has just committed a change that may take rights away: it forgets at once. */
void access_changed (struct access *access);

/* --- what is remembered; all of it thread-safe and without waiting --- */

/* The identity that a credential of this digest stood for; false when it is not remembered or may have changed. The
   name is copied into the arena. A token's use is noted for last_used_at_ms. */
bool access_recall (struct access_identity *identity, struct access *access, const struct digest *credential,
                    struct arena *arena);

/* Remember it, with `version` as it was before it was looked up. */
void access_remember (struct access *access, const struct digest *credential, const struct access_identity *identity,
                      uint64_t version);

/* Passwords that were found right stay so for as long as the account has the stored text that they were checked with:
   so a change of anybody's rights does not have everybody's passwords hashed anew. */
bool access_has_verified (struct access *access, const struct digest *credential);
bool access_is_verified (struct access *access, const struct digest *credential, struct slice stored);
void access_note_verified (struct access *access, const struct digest *credential, struct slice stored);

/* The experiment of a run. It never changes. */
bool access_recall_run (int64_t *experiment_id, struct access *access, const struct uuid *run_id);
void access_remember_run (struct access *access, const struct uuid *run_id, int64_t experiment_id);

/* What an account may do with an experiment, and the workspace that this is in. */
bool access_recall_rights (struct access_rights *rights, int64_t *workspace_id, struct access *access,
                           int64_t account_id, int64_t experiment_id);
void access_remember_rights (struct access *access, int64_t account_id, int64_t experiment_id,
                             struct access_rights rights, int64_t workspace_id, uint64_t version);

/* The number of a workspace; names never change hands while they are remembered. */
bool access_recall_workspace (int64_t *workspace_id, struct access *access, struct slice name);
void access_remember_workspace (struct access *access, struct slice name, int64_t workspace_id, uint64_t version);

/* --- quotas --- */

/* Take one request of `bytes` (-1 when that is not yet known; 0 uses none up) out of an account's quotas; false when
   they are used up, and then how many seconds to wait. */
bool access_take_quota (unsigned *retry_after_s, struct access *access, const struct access_identity *identity,
                        int64_t bytes);

/* Bytes that came without having been announced. */
void access_count_bytes (struct access *access, const struct access_identity *identity, int64_t bytes);

/* --- the audit trail --- */

/* Note a refusal; it is written within a second, equal ones together, or when the database is there again (twice when
   the answer to its writing was lost). When more come than can wait they are counted in tally_audit_dropped_total.
   Never waits. */
void access_note_refusal (struct access *access, const struct store_audit *entry);

#endif
