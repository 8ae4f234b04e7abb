/* Reading the audit trail in PostgreSQL. */
#ifndef STORE_AUDIT_LIST_H
#define STORE_AUDIT_LIST_H

#include "store/audit.h"
#include "store/connection.h"

extern const struct statement_table store_audit_list_statements;

#define STORE_AUDIT_COLUMNS 12
extern const struct column store_audit_columns[STORE_AUDIT_COLUMNS];

/* Which entries; what is absent does not matter. */
struct store_audit_filter
{
  struct slice actor;
  struct slice action;
  struct slice object;
  struct optional_int64 refused; /* 0 or 1 */
  struct optional_int64 from_ms; /* at or behind */
  struct optional_int64 to_ms; /* before */
};

/* Up to `limit` entries before number `before`, newest first; decoded into struct store_audit with store_audit_columns.
   The caller frees. */
enum err_code store_audit_list (struct result *result, struct store_connection *connection,
                                const struct store_audit_filter *filter, int64_t before, int64_t limit,
                                struct err *err);

#endif
