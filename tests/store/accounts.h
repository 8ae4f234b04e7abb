/* What tests of accounts, groups, tokens and grants share. */
#ifndef STORE_ACCOUNTS_H
#define STORE_ACCOUNTS_H

#include "database.h"

#include "store/audit.h"

/* Who does it, in the audit trail of every test. */
extern const struct store_audit accounts_who;

/* A new account, which must succeed; gives its number. */
int64_t accounts_make (const char *username, bool is_admin);

/* A new group, which must succeed. */
void accounts_make_group (const char *name);

/* access_version. */
int64_t accounts_version (void);

/* Entries of an action about an object whose detail is that JSON text. */
int64_t accounts_entries (const char *action, const char *object, const char *detail);

#endif
