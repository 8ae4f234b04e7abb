/* From written bytes to a named artifact, in the order that loses nothing: hold the content's row, publish the bytes,
   give the name, commit. Whoever removes bytes holds the same row, so he comes before all of it or sees the name. */
#include "artifact/link.h"

#include "base/clock.h"

struct link
{
  struct blob_writer *writer;
  struct slice path;
  const struct digest *digest;
  int64_t size_bytes;
  int64_t now_ms;
};

/* May run again: publishing twice is allowed. */
static enum err_code
link_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct link *link = context;
  enum err_code code = store_blob_hold (connection, link->digest, link->size_bytes, link->now_ms, err);

  if (ERR_OK == code)
    code = blob_publish (link->writer, err);
  if (ERR_OK == code)
    code = store_artifact_put (connection, link->path, link->digest, link->size_bytes, link->now_ms, err);
  return code;
}

enum err_code
artifact_link (struct store_connection *connection, struct blob_writer *writer, struct slice path,
               const struct digest *digest, int64_t size_bytes, struct err *err)
{
  struct link link = { writer, path, digest, size_bytes, clock_wall_ms () };

  return store_transaction (connection, STORE_WRITE, link_work, &link, err);
}
