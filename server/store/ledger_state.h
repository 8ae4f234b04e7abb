/* Reading from the ledger in PostgreSQL what the registry was at a time. */
#ifndef STORE_LEDGER_STATE_H
#define STORE_LEDGER_STATE_H

#include "store/ledger_list.h"

extern const struct statement_table store_ledger_state_statements;

/* A place in the ledger: everything up to and with this entry has happened. */
struct store_ledger_place
{
  int64_t entry; /* 0: before the first */
  int64_t at_ms;
};

/* The last entry at or before a time; a place of zeros when there is none. */
enum err_code store_ledger_place_at (struct store_ledger_place *place, struct store_connection *connection,
                                     int64_t at_ms, struct err *err);
/* An entry. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_ledger_place_of (struct store_ledger_place *place, struct store_connection *connection,
                                     int64_t entry, struct err *err);

/* A registered model that a name means. */
struct store_ledger_identity
{
  int64_t registered_model_id;
  bool is_there; /* it has not been deleted since */
};

/* The model that has a name now, if it was there at an entry; else the last of those that were there at it, ever had
   the name, and are deleted since. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_ledger_identify (struct store_ledger_identity *identity, struct store_connection *connection,
                                     int64_t workspace_id, struct slice name, int64_t entry, struct err *err);

/* The version that an alias pointed at after an entry, and since when; texts live in the result it was read from. */
struct store_ledger_alias
{
  struct slice alias;
  int64_t version;
  int64_t entry;
  int64_t at_ms;
  struct slice content; /* of that entry */
};

#define STORE_LEDGER_ALIAS_COLUMNS 5
extern const struct column store_ledger_alias_columns[STORE_LEDGER_ALIAS_COLUMNS];

/* All aliases that a model had after an entry, by name. The caller frees. */
enum err_code store_ledger_aliases (struct result *result, struct store_connection *connection,
                                    int64_t registered_model_id, int64_t entry, struct err *err);
/* One. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when it pointed at nothing. */
enum err_code store_ledger_alias (struct store_ledger_alias *alias, struct result *result,
                                  struct store_connection *connection, int64_t registered_model_id, struct slice name,
                                  int64_t entry, struct err *err);

/* Numbers of versions that were there after an entry, the highest first, below `before`; decoded as one COLUMN_INT64.
   The caller frees. */
enum err_code store_ledger_versions (struct result *result, struct store_connection *connection,
                                     int64_t registered_model_id, int64_t before, int64_t entry, int64_t limit,
                                     struct err *err);

/* Hand over entries up to and with one, in their order and decoded with store_ledger_columns: what was said of a model
   itself; of some versions, one version after the other in falling order, without their aliases; of gates that bind
   models of a name. */
enum err_code store_ledger_of_model (struct store_connection *connection, int64_t registered_model_id, int64_t entry,
                                     store_row row, void *context, struct err *err);
enum err_code store_ledger_of_versions (struct store_connection *connection, int64_t registered_model_id,
                                        int64_t lowest, int64_t highest, int64_t entry, store_row row, void *context,
                                        struct err *err);
enum err_code store_ledger_of_gates (struct store_connection *connection, int64_t workspace_id, struct slice model,
                                     int64_t entry, store_row row, void *context, struct err *err);

#endif
