/* Names and contents of artifacts in PostgreSQL. */
#ifndef STORE_ARTIFACT_H
#define STORE_ARTIFACT_H

#include "base/digest.h"
#include "store/connection.h"

extern const struct statement_table store_artifact_statements;

/* Longest path in bytes; an index of PostgreSQL takes 2,704. */
#define STORE_ARTIFACT_PATH_MAX_BYTES 2048

/* One file; texts live in the result or until the row function returns. */
struct store_artifact
{
  struct slice path; /* from the root of the store */
  struct digest digest;
  int64_t size_bytes;
  int64_t created_at_ms;
};

/* Read one file into the arena. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_artifact_get (struct store_artifact *artifact, struct store_connection *connection,
                                  struct slice path, struct arena *arena, struct err *err);

/* An entry of a directory: a file, or a directory, of which only the name is set. */
struct store_artifact_entry
{
  struct slice name; /* last segment */
  bool is_directory;
  struct store_artifact file; /* of a file */
};
typedef enum err_code (*store_artifact_entry_row) (void *context, const struct store_artifact_entry *entry,
                                                   struct err *err);

/* Entries directly below a directory ("" is the root), at most `limit`, in the order of paths: that of their names,
   where a directory counts with its slash ("a.txt", "a/", "b"). `after`: only those behind this name, which ends in a
   slash when it was a directory; absent: from the first. A file or what does not exist has none. Costs grow with the
   entries, not with what is below them. */
enum err_code store_artifact_list (struct store_connection *connection, struct slice directory, struct slice after,
                                   int64_t limit, store_artifact_entry_row row, void *context, struct arena *arena,
                                   struct err *err);

typedef enum err_code (*store_artifact_row) (void *context, const struct store_artifact *artifact, struct err *err);

/* All files below a directory, at any depth, by path, those behind the path `after` (absent: from the first), at most
   `limit`. */
enum err_code store_artifact_tree (struct store_connection *connection, struct slice directory, struct slice after,
                                   int64_t limit, store_artifact_row row, void *context, struct arena *arena,
                                   struct err *err);

/* Remove a file, or all below a directory; `*count` of files. None is no error. */
enum err_code store_artifact_delete (int64_t *count, struct store_connection *connection, struct slice path,
                                     int64_t now_ms, struct err *err);

/* Files with a content, by path, behind `after`, at most `limit`. */
enum err_code store_artifact_users (struct store_connection *connection, const struct digest *digest,
                                    struct slice after, int64_t limit, store_artifact_row row, void *context,
                                    struct arena *arena, struct err *err);

/* In a transaction: take the row of a content, making it when there is none, and hold it until the end. */
enum err_code store_blob_hold (struct store_connection *connection, const struct digest *digest, int64_t size_bytes,
                               int64_t now_ms, struct err *err);

/* In a transaction that holds the content: give it a name; what the name stood for before is only marked as used now.
   Errors: RESOURCE_CONFLICT, naming the path, when it is a directory or one of its parents is a file. */
enum err_code store_artifact_put (struct store_connection *connection, struct slice path, const struct digest *digest,
                                  int64_t size_bytes, int64_t now_ms, struct err *err);

#endif
