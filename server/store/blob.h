/* Garbage among the contents of the artifact store: which have no name, and removing them beside writers.

   Whoever publishes a content holds its row (store_blob_hold) until the name is committed. So a row that is committed
   stands for bytes that are there: here the row goes first, in a transaction of its own, and the bytes after it, while
   a row that nobody will ever see keeps writers of the same content waiting. */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "base/digest.h"
#include "store/connection.h"

extern const struct statement_table store_blob_statements;

struct store_blob
{
  struct digest digest;
  int64_t size_bytes;
};

/* Most contents that are looked at, or removed, at once. */
#define STORE_BLOB_LOOK_MAX 4096
#define STORE_BLOB_REMOVE_MAX 32

/* Look at the next rows behind `after` (NULL: from the first), at most STORE_BLOB_LOOK_MAX: `unused`, with room for as
   many, receives those that no artifact names and that were not used since `before_ms`, in order; `last` the last one
   looked at; `looked` how many, 0 behind the last. */
enum err_code store_blob_unused (struct store_blob *unused, size_t *count, struct digest *last, size_t *looked,
                                 struct store_connection *connection, const struct digest *after, int64_t before_ms,
                                 struct arena *arena, struct err *err);

/* Take the rows of contents away that are still unused, at most STORE_BLOB_REMOVE_MAX: `blobs` and `count` are what is
   to go, and then what went. Rows that somebody holds stay. */
enum err_code store_blob_forget (struct store_blob *blobs, size_t *count, struct store_connection *connection,
                                 int64_t before_ms, struct arena *arena, struct err *err);

/* Keep of `blobs`, at most STORE_BLOB_LOOK_MAX in order, those that have no row. */
enum err_code store_blob_strays (struct store_blob *blobs, size_t *count, struct store_connection *connection,
                                 struct arena *arena, struct err *err);

/* Removes the bytes of a content. */
typedef enum err_code (*store_blob_remover) (void *context, const struct digest *digest, struct err *err);

/* Call `remove` for those of `blobs`, at most STORE_BLOB_REMOVE_MAX, that have no row, while no other transaction can
   make them one; `blobs` and `count` are what is to go, and then what went. When it fails some may be gone, and their
   rows are missing as before. */
enum err_code store_blob_remove (struct store_blob *blobs, size_t *count, struct store_connection *connection,
                                 store_blob_remover remove, void *context, struct arena *arena, struct err *err);

#endif
