/* The audit trail in PostgreSQL. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/pipeline.h"

extern const struct statement_table store_audit_statements;

/* One entry. */
struct store_audit
{
  int64_t audit_id; /* of one that was read */
  int64_t at_ms; /* 0 when writing: now */
  struct slice actor; /* name of the account; empty: nobody was known */
  int64_t account_id; /* 0: nobody was known */
  int64_t token_id; /* 0: none */
  int16_t method; /* enum access_method */
  struct slice address;
  struct slice action; /* such as user.create; of a refusal: method and route */
  struct slice object; /* such as user:anna or experiment:12 */
  bool refused;
  struct slice detail; /* JSON object; absent: {} */
  int64_t times; /* 0 when writing: 1 */
};

/* Append one entry in the transaction of the pipeline. Borrowed until it has run. */
void store_audit_queue (struct pipeline *pipeline, const struct store_audit *entry);

/* Raise access_version in the transaction of the pipeline: for every change that could take a right away. */
void store_access_queue_changed (struct pipeline *pipeline);

/* Append some entries. */
enum err_code store_audit_write (struct store_connection *connection, const struct store_audit *entries, size_t count,
                                 struct arena *arena, struct err *err);

#endif
