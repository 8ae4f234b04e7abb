/* Contents that nothing names, in PostgreSQL: what garbage collection asks and does. */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "base/digest.h"
#include "store/connection.h"

extern const struct statement_table store_blob_statements;

/* A row of blob. */
struct store_blob
{
  struct digest digest;
  int64_t size_bytes;
  bool unused; /* no artifact has it, and the last use is long enough ago */
};

/* Up to `most` rows behind `after` (NULL: from the first), by digest; `count` receives how many. Fewer than `most` are
   the last ones. Contents used since `before_ms` are none that are unused. */
enum err_code store_blob_page (struct store_blob *blobs, size_t *count, struct store_connection *connection,
                               const struct digest *after, int64_t before_ms, size_t most, struct err *err);

/* Which of some contents have a row: `known[i]` for `digests[i]`, which are distinct. */
enum err_code store_blob_known (bool *known, struct store_connection *connection, const struct digest *digests,
                                size_t count, struct arena *arena, struct err *err);

/* Removes the bytes of a content, while its row is held. */
typedef enum err_code (*store_blob_remove) (void *context, const struct digest *digest, struct err *err);

/* Take the row of an unused content away and have its bytes removed, in one transaction that holds the row: who gives
   it a name meanwhile waits, and then publishes it anew. `removed` is false when it is in use again. */
enum err_code store_blob_release (bool *removed, struct store_connection *connection, const struct digest *digest,
                                  int64_t before_ms, store_blob_remove remove, void *context, struct err *err);

/* Have the bytes of a content without a row removed, in a transaction that holds the place of the row. `removed` is
   false when it has a row by now. */
enum err_code store_blob_remove_stray (bool *removed, struct store_connection *connection, const struct digest *digest,
                                       store_blob_remove remove, void *context, struct err *err);

#endif
