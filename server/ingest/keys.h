/* The dictionary of metric names in memory. Rows of metric_key never change and are never deleted, so what is
   remembered here cannot be stale; a name that is missing is asked of the database. */
#ifndef INGEST_KEYS_H
#define INGEST_KEYS_H

#include "ingest/point.h"
#include "store/connection.h"

struct metric_keys;

/* An empty dictionary that keeps at most `max_bytes` of names, then starts anew. The caller frees. Thread-safe. */
struct metric_keys *metric_keys_new (size_t max_bytes);
void metric_keys_free (struct metric_keys *keys);

/* Set key_id of every entry from its key, making names that do not exist yet. Not inside a transaction.
   Errors: those of the database. */
enum err_code metric_keys_resolve (struct metric_keys *keys, struct store_connection *connection,
                                   struct metric_entry *const *entries, size_t count, struct arena *arena,
                                   struct err *err);

/* The number of a name; `found` is false when no point was ever logged under it. */
enum err_code metric_keys_find (bool *found, uint32_t *key_id, struct metric_keys *keys,
                                struct store_connection *connection, struct slice name, struct err *err);

/* The names of some distinct numbers, copied into the arena: `names[i]` for `key_ids[i]`. */
enum err_code metric_keys_names (struct slice *names, struct metric_keys *keys, struct store_connection *connection,
                                 const uint32_t *key_ids, size_t count, struct arena *arena, struct err *err);

#endif
