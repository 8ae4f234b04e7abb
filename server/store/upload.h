/* Uploads in parts that are under way, in PostgreSQL. */
#ifndef STORE_UPLOAD_H
#define STORE_UPLOAD_H

#include "base/digest.h"
#include "base/id.h"
#include "store/connection.h"

extern const struct statement_table store_upload_statements;

struct store_upload
{
  struct uuid upload_id;
  struct slice path; /* where the file will be, from the root of the store */
  struct slice store_upload; /* how the artifact store calls it; empty: by upload_id */
  int32_t part_count; /* as announced */
  int64_t created_at_ms;
  int64_t expires_at_ms; /* when what was sent of it may be swept */
  bool completed;
  struct digest digest; /* of the content that it became */
};

/* `completed` and `digest` are of no interest. */
enum err_code store_upload_add (struct store_connection *connection, const struct store_upload *upload,
                                struct err *err);

/* Read one into the arena. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_upload_get (struct store_upload *upload, struct store_connection *connection,
                                const struct uuid *upload_id, struct arena *arena, struct err *err);

/* Note what it became: completing it again is then known to be a repetition. No error when it is gone. */
enum err_code store_upload_complete (struct store_connection *connection, const struct uuid *upload_id,
                                     const struct digest *digest, struct err *err);

/* `*removed`: there was one. */
enum err_code store_upload_remove (bool *removed, struct store_connection *connection, const struct uuid *upload_id,
                                   struct err *err);

typedef enum err_code (*store_upload_row) (void *context, const struct store_upload *upload, struct err *err);

/* Uploads that had expired at `now_ms`, completed or not, the oldest first, at most `limit`; texts live until the row
   function returns. */
enum err_code store_upload_expired (struct store_connection *connection, int64_t now_ms, int64_t limit,
                                    store_upload_row row, void *context, struct err *err);

#endif
