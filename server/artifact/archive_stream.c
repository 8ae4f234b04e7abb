/* A directory of the artifact store as an archive, made while somebody takes it.

   DESIGN
   Files are listed page by page, each behind the last path of the page before, and read block by block: memory holds a
   page of names and a block. A directory of one page is as it was at one moment; a larger one may be changed while it
   is read, and then each file is whole and as it was when its page was read. A file that is replaced meanwhile is read
   on, because its content stays until garbage collection; when that takes it away, the archive breaks off. */
#include "artifact/archive_stream.h"

#include "base/arena.h"

#include <stdlib.h>

/* Names that are listed at a time, with paths of a usual length some hundred KB. */
#define PAGE_FILES 1000
/* A page of the longest paths, and what its statement needs. */
#define PAGE_ARENA_BYTES ((size_t)PAGE_FILES * (STORE_ARTIFACT_PATH_MAX_BYTES + 256))
/* What is read at a time, and about the size of a piece: large enough that the way through two threads costs nothing
   beside it, and that of a request to S3 little. */
#define BLOCK_BYTES ((size_t)512 * 1024)
/* What is read for one piece when it packs well, so that a piece takes no longer than a fraction of a second. */
#define PIECE_READ_BYTES ((size_t)8 * 1024 * 1024)

struct archive_stream
{
  struct blob_store *blobs;
  struct archive *archive;
  struct arena *arena; /* of the page */
  struct store_artifact *files; /* the page, in the arena */
  size_t count;
  size_t next; /* file of the page that comes next */
  bool is_last_page;
  bool in_file; /* files[next - 1] is being read */
  int64_t offset; /* in it */
  size_t block_bytes; /* BLOCK_BYTES, or less where answers must be small */
  struct digest_stream *hash; /* of it */
  struct buffer block;
  size_t directory_bytes;
  char directory[STORE_ARTIFACT_PATH_MAX_BYTES];
};

void
archive_stream_free (struct archive_stream *stream)
{
  if (NULL == stream)
    return;
  archive_free (stream->archive);
  arena_free (stream->arena);
  digest_free (stream->hash);
  buffer_free (&stream->block);
  free (stream);
}

static enum err_code
add_file (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct archive_stream *stream = context;
  char *path = arena_string (stream->arena, artifact->path);

  if (NULL == path)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  stream->files[stream->count] = *artifact;
  stream->files[stream->count++].path.data = path;
  return ERR_OK;
}

/* The next page; of none before the first one. */
static enum err_code
load_page (struct archive_stream *stream, struct store_connection *connection, struct err *err)
{
  struct slice directory = { stream->directory, stream->directory_bytes };
  struct slice after = { NULL, 0 };
  char last[STORE_ARTIFACT_PATH_MAX_BYTES];
  enum err_code code;

  if (stream->count > 0)
  {
    after = (struct slice){ last, stream->files[stream->count - 1].path.len };
    memcpy (last, stream->files[stream->count - 1].path.data, after.len);
  }
  arena_reset (stream->arena);
  stream->count = 0;
  stream->next = 0;
  stream->files = arena_array (stream->arena, PAGE_FILES, sizeof (struct store_artifact));
  if (NULL == stream->files)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_artifact_tree (connection, directory, after, PAGE_FILES, add_file, stream, stream->arena, err);
  stream->is_last_page = stream->count < PAGE_FILES;
  return code;
}

static struct archive_file
file_of (const struct archive_stream *stream, const struct store_artifact *artifact)
{
  /* Behind the directory and a slash; the root of the store has neither. */
  size_t skip = 0 == stream->directory_bytes ? 0 : stream->directory_bytes + 1;

  return (struct archive_file){ .name = { artifact->path.data + skip, artifact->path.len - skip },
                                .size_bytes = artifact->size_bytes,
                                .modified_ms = artifact->created_at_ms };
}

enum err_code
archive_stream_open (struct archive_stream **out, int64_t *total_bytes, struct store_connection *connection,
                     struct blob_store *blobs, enum archive_format format, struct slice directory, struct err *err)
{
  struct archive_stream *stream;
  enum err_code code;

  *out = NULL;
  *total_bytes = 0;
  if (directory.len > sizeof (stream->directory))
    return ERR_RESOURCE_DOES_NOT_EXIST;
  stream = calloc (1, sizeof (*stream));
  if (NULL == stream)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  buffer_init (&stream->block, BLOCK_BYTES + 1);
  stream->blobs = blobs;
  stream->archive = archive_new (format);
  stream->arena = arena_new (PAGE_ARENA_BYTES);
  stream->directory_bytes = directory.len;
  if (directory.len > 0)
    memcpy (stream->directory, directory.data, directory.len);
  code = NULL == stream->archive || NULL == stream->arena ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                                                          : load_page (stream, connection, err);
  if (ERR_OK == code && 0 == stream->count)
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK != code)
  {
    archive_stream_free (stream);
    return code;
  }
  if (ARCHIVE_TAR == format && stream->is_last_page)
  {
    *total_bytes = ARCHIVE_TAR_END_BYTES;
    for (size_t i = 0; i < stream->count; i++)
    {
      struct archive_file file = file_of (stream, &stream->files[i]);

      *total_bytes += archive_tar_bytes (&file);
    }
  }
  *out = stream;
  return ERR_OK;
}

static enum err_code
begin_file (struct archive_stream *stream, struct buffer *out, struct err *err)
{
  struct archive_file file = file_of (stream, &stream->files[stream->next++]);

  stream->in_file = true;
  stream->offset = 0;
  digest_free (stream->hash);
  stream->hash = digest_start ();
  if (NULL == stream->hash)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return archive_begin (stream->archive, out, &file, err);
}

static enum err_code
end_file (struct archive_stream *stream, struct buffer *out, const struct store_artifact *artifact, struct err *err)
{
  struct digest digest;

  stream->in_file = false;
  if (! digest_end (&digest, stream->hash))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (! digest_equal (&digest, &artifact->digest))
    return err_set_cause (err, ERR_INTERNAL_ERROR, "the stored bytes have another SHA-256",
                          "The stored content of %.*s is damaged.", SLICE_ARG (artifact->path));
  return archive_end (stream->archive, out, err);
}

/* One block of the file, and its end behind the last. */
static enum err_code
read_file (size_t *read_bytes, struct archive_stream *stream, struct buffer *out, struct err *err)
{
  const struct store_artifact *artifact = &stream->files[stream->next - 1];
  int64_t left = artifact->size_bytes - stream->offset;
  size_t bytes = left < (int64_t)stream->block_bytes ? (size_t)left : stream->block_bytes;
  enum err_code code = ERR_OK;

  if (bytes > 0)
  {
    buffer_clear (&stream->block);
    code = blob_read (&stream->block, stream->blobs, &artifact->digest, stream->offset, bytes, err);
    if (ERR_OK == code && bytes != stream->block.len)
      code = err_set_cause (err, ERR_INTERNAL_ERROR, "fewer bytes than were asked for", "internal error");
    if (ERR_OK == code && ! digest_add (stream->hash, buffer_slice (&stream->block)))
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    if (ERR_OK == code)
      code = archive_write (stream->archive, out, buffer_slice (&stream->block), err);
    stream->offset += (int64_t)bytes;
    *read_bytes += bytes;
  }
  if (ERR_OK == code && stream->offset == artifact->size_bytes)
    code = end_file (stream, out, artifact, err);
  return code;
}

enum err_code
archive_stream_next (bool *ended, struct buffer *out, struct archive_stream *stream,
                     struct store_connection *connection, struct err *err)
{
  size_t read_bytes = 0;
  enum err_code code = ERR_OK;

  /* A piece is a block, and what was less than one before it, and headers. */
  stream->block_bytes = out->max_bytes / 4 < BLOCK_BYTES ? out->max_bytes / 4 : BLOCK_BYTES;
  *ended = false;
  while (ERR_OK == code && ! *ended && out->len < stream->block_bytes
         && (read_bytes < PIECE_READ_BYTES || 0 == out->len))
  {
    if (stream->in_file)
      code = read_file (&read_bytes, stream, out, err);
    else if (stream->next < stream->count)
      code = begin_file (stream, out, err);
    else if (! stream->is_last_page)
      code = load_page (stream, connection, err);
    else
      code = archive_close (ended, stream->archive, out, err);
  }
  return code;
}
