/* A directory of the artifact store as an archive, made while somebody takes it. */
#ifndef ARTIFACT_ARCHIVE_STREAM_H
#define ARTIFACT_ARCHIVE_STREAM_H

#include "artifact/archive.h"
#include "blob/blob.h"
#include "store/artifact.h"

/* One archive on its way: one or two megabytes, however large it gets. Holds no connection between calls; the caller
   gives one to each. One owner at a time. */
struct archive_stream;

/* Begin. Names in the archive are relative to `directory`. `total_bytes` receives the size of the archive when it is
   known ahead, which is so for a tar of up to a thousand files, else 0. The caller frees, on any thread. Errors: those
   of store_artifact_tree; RESOURCE_DOES_NOT_EXIST, without a message, when nothing is below the directory. */
enum err_code archive_stream_open (struct archive_stream **stream, int64_t *total_bytes,
                                   struct store_connection *connection, struct blob_store *blobs,
                                   enum archive_format format, struct slice directory, struct err *err);
void archive_stream_free (struct archive_stream *stream);

/* Append the next piece: about half a megabyte, at least one byte. Every file is hashed on its way. Errors: those of
   store_artifact_tree and blob_read; INTERNAL_ERROR naming a file whose bytes are not those of its digest. */
enum err_code archive_stream_next (bool *ended, struct buffer *out, struct archive_stream *stream,
                                   struct store_connection *connection, struct err *err);

#endif
