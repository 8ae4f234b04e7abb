/* Comparing the tables of the registry with the ledger in PostgreSQL. */
#ifndef STORE_LEDGER_COMPARE_H
#define STORE_LEDGER_COMPARE_H

#include "store/connection.h"

extern const struct statement_table store_ledger_compare_statements;

/* Something that the tables say otherwise than the ledger; texts live in the result it was read from. */
struct store_ledger_difference
{
  int64_t entry; /* the last one that says something of it; 0: none does */
  struct slice what; /* such as alias 'production' of model 'churn' */
  struct slice chain; /* such as version 3, or nothing */
  struct slice registry;
};

/* Let the statements of the transaction under way take as long as they need. */
enum err_code store_ledger_no_timeout (struct store_connection *connection, struct err *err);

/* The first difference in names of models, which versions there are, their stages and aliases.
   ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_ledger_compare (struct store_ledger_difference *difference, struct result *result,
                                    struct store_connection *connection, struct err *err);

#endif
