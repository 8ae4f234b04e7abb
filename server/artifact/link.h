/* From written bytes to a named artifact, in the order that loses nothing. */
#ifndef ARTIFACT_LINK_H
#define ARTIFACT_LINK_H

#include "blob/blob.h"
#include "store/artifact.h"

/* Publish what `writer` has made durable and give it the name `path`, in one transaction that holds the content's row
   all the while. When it fails nothing is visible. Errors: those of blob_publish, store_blob_hold and
   store_artifact_put. */
enum err_code artifact_link (struct store_connection *connection, struct blob_writer *writer, struct slice path,
                             const struct digest *digest, int64_t size_bytes, struct err *err);

#endif
