/* Archives of many files as a stream: what the formats share, and compression.

   DESIGN
   Measured on two million floats of a normal distribution and on JSON: level 1 packs 43 and 220 MB/s to 0.93 and 0.24
   of the size, level 6 packs 37 and 67 MB/s to 0.93 and 0.21, and copying into deflate's stored blocks 1,500 MB/s. So
   level 1 where the beginning of a file gets smaller by an eighth, else copied: weights and images then come as fast as
   from a tar. Stored blocks instead of the zip method "stored", because readers of a stream find the end of those
   nowhere but in the sizes, which stand behind the data here. */
#include "artifact/archive_private.h"

#include <stdlib.h>

/* What is packed as a trial: more than the window of deflate needs no look. */
#define TRIAL_BYTES ((size_t)32 * 1024)
#define LEVEL_FAST 1
#define LEVEL_COPY 0
/* zlib's default and greatest. */
#define MEMORY_LEVEL 8
#define WINDOW_BITS 15
/* + 16: with the header and trailer of gzip; negative: bare. */
#define WINDOW_BITS_GZIP (WINDOW_BITS + 16)
/* Room that is asked for at a time, on the stack. */
#define ROOM_BYTES ((size_t)16 * 1024)
#define TAR_BLOCK_BYTES 512

static const struct
{
  const char *extension;
  const char *media_type;
} formats[] = {
  [ARCHIVE_TAR] = { "tar", "application/x-tar" },
  [ARCHIVE_TAR_GZ] = { "tar.gz", "application/gzip" },
  [ARCHIVE_ZIP] = { "zip", "application/zip" },
};

const char *
archive_extension (enum archive_format format)
{
  return formats[format].extension;
}

const char *
archive_media_type (enum archive_format format)
{
  return formats[format].media_type;
}

bool
archive_format_of (enum archive_format *format, struct slice *stem, struct slice name)
{
  static const struct
  {
    const char *suffix;
    enum archive_format format;
  } suffixes[] = {
    { ".tar", ARCHIVE_TAR }, { ".tar.gz", ARCHIVE_TAR_GZ }, { ".tgz", ARCHIVE_TAR_GZ }, { ".zip", ARCHIVE_ZIP }
  };

  for (size_t i = 0; i < sizeof (suffixes) / sizeof (suffixes[0]); i++)
  {
    struct slice suffix = slice_of (suffixes[i].suffix);

    if (name.len <= suffix.len || 0 != memcmp (name.data + name.len - suffix.len, suffix.data, suffix.len)
        || '/' == name.data[name.len - suffix.len - 1])
      continue;
    *format = suffixes[i].format;
    *stem = (struct slice){ name.data, name.len - suffix.len };
    return true;
  }
  return false;
}

struct archive *
archive_new (enum archive_format format)
{
  struct archive *archive = calloc (1, sizeof (*archive));

  if (NULL == archive)
    return NULL;
  archive->format = format;
  archive->level = LEVEL_FAST;
  buffer_init (&archive->directory, ZIP_DIRECTORY_MAX_BYTES);
  if (ARCHIVE_TAR == format)
    return archive;
  archive->deflating =
      Z_OK
      == deflateInit2 (&archive->deflater, LEVEL_FAST, Z_DEFLATED,
                       ARCHIVE_ZIP == format ? -WINDOW_BITS : WINDOW_BITS_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
  if (archive->deflating)
    return archive;
  archive_free (archive);
  return NULL;
}

void
archive_free (struct archive *archive)
{
  if (NULL == archive)
    return;
  if (archive->deflating)
    deflateEnd (&archive->deflater);
  buffer_free (&archive->directory);
  free (archive->file.name);
  free (archive);
}

/* --- compression ------------------------------------------------------------------------------------------------- */

/* Call the deflater until it has taken and given all it wants to. */
static enum err_code
deflate_all (z_stream *stream, struct buffer *out, int flush, struct err *err)
{
  char room[ROOM_BYTES];

  do
  {
    stream->next_out = (Bytef *)room;
    stream->avail_out = sizeof (room);
    /* Z_BUF_ERROR: there was nothing to do. */
    (void)deflate (stream, flush);
    if (! buffer_append (out, room, sizeof (room) - stream->avail_out))
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  } while (0 == stream->avail_out);
  return ERR_OK;
}

enum err_code
archive_deflate (struct archive *archive, struct buffer *out, struct slice bytes, int flush, struct err *err)
{
  /* zlib does not write there. */
  archive->deflater.next_in = (z_const Bytef *)bytes.data;
  archive->deflater.avail_in = (uInt)bytes.len;
  return deflate_all (&archive->deflater, out, flush, err);
}

/* Whether the beginning of a file gets smaller by an eighth. */
static bool
is_worth_packing (struct slice bytes)
{
  size_t length = bytes.len < TRIAL_BYTES ? bytes.len : TRIAL_BYTES;
  z_stream trial = { .next_in = (z_const Bytef *)bytes.data, .avail_in = (uInt)length };
  char room[TRIAL_BYTES];
  bool fits;

  if (Z_OK != deflateInit2 (&trial, LEVEL_FAST, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY))
    return false;
  trial.next_out = (Bytef *)room;
  trial.avail_out = (uInt)(length - length / 8);
  fits = Z_STREAM_END == deflate (&trial, Z_FINISH);
  deflateEnd (&trial);
  return fits;
}

enum err_code
archive_choose_level (struct archive *archive, struct buffer *out, struct slice bytes, struct err *err)
{
  /* For a few bytes a change of the level costs more than it gains. */
  int level = bytes.len < 1024 || is_worth_packing (bytes) ? LEVEL_FAST : LEVEL_COPY;
  int status;

  archive->is_first_block = false;
  if (level == archive->level)
    return ERR_OK;
  archive->level = level;
  archive->deflater.next_in = (z_const Bytef *)"";
  archive->deflater.avail_in = 0;
  do
  {
    char room[ROOM_BYTES];

    /* What waits is packed at its own level first; Z_BUF_ERROR: it needs more room. */
    archive->deflater.next_out = (Bytef *)room;
    archive->deflater.avail_out = sizeof (room);
    status = deflateParams (&archive->deflater, level, Z_DEFAULT_STRATEGY);
    if (! buffer_append (out, room, sizeof (room) - archive->deflater.avail_out))
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  } while (Z_BUF_ERROR == status);
  return Z_OK == status ? ERR_OK : err_set (err, ERR_INTERNAL_ERROR, "the level of compression could not be changed");
}

/* --- tar --------------------------------------------------------------------------------------------------------- */

/* Into the archive, packed or not. */
static enum err_code
tar_put (struct archive *archive, struct buffer *out, struct slice bytes, struct err *err)
{
  if (ARCHIVE_TAR_GZ == archive->format)
    return archive_deflate (archive, out, bytes, Z_NO_FLUSH, err);
  return buffer_append (out, bytes.data, bytes.len) || 0 == bytes.len
             ? ERR_OK
             : err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

static size_t
tar_padding (int64_t bytes)
{
  return (size_t)((TAR_BLOCK_BYTES - bytes % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES);
}

static enum err_code
tar_begin (struct archive *archive, struct buffer *out, const struct archive_file *file, struct err *err)
{
  struct buffer header;
  enum err_code code;

  /* Twice a header, and the longest name thrice. */
  buffer_init (&header, 64 * 1024);
  tar_header (&header, file);
  code = header.failed ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                       : tar_put (archive, out, buffer_slice (&header), err);
  buffer_free (&header);
  return code;
}

int64_t
archive_tar_bytes (const struct archive_file *file)
{
  struct buffer header;
  int64_t bytes;

  buffer_init (&header, 64 * 1024);
  tar_header (&header, file);
  bytes = (int64_t)header.len + file->size_bytes + (int64_t)tar_padding (file->size_bytes);
  buffer_free (&header);
  return bytes;
}

/* --- any format -------------------------------------------------------------------------------------------------- */

static const char zeroes[ARCHIVE_TAR_END_BYTES];

enum err_code
archive_begin (struct archive *archive, struct buffer *out, const struct archive_file *file, struct err *err)
{
  archive->is_first_block = true;
  archive->file_bytes = 0;
  if (ARCHIVE_ZIP == archive->format)
    return zip_begin (archive, out, file, err);
  return tar_begin (archive, out, file, err);
}

enum err_code
archive_write (struct archive *archive, struct buffer *out, struct slice bytes, struct err *err)
{
  enum err_code code = ERR_OK;

  if (0 == bytes.len)
    return ERR_OK;
  archive->file_bytes += (int64_t)bytes.len;
  if (ARCHIVE_ZIP == archive->format)
    return zip_write (archive, out, bytes, err);
  if (archive->deflating && archive->is_first_block)
    code = archive_choose_level (archive, out, bytes, err);
  return ERR_OK != code ? code : tar_put (archive, out, bytes, err);
}

enum err_code
archive_end (struct archive *archive, struct buffer *out, struct err *err)
{
  if (ARCHIVE_ZIP == archive->format)
    return zip_end (archive, out, err);
  return tar_put (archive, out, (struct slice){ zeroes, tar_padding (archive->file_bytes) }, err);
}

enum err_code
archive_close (bool *ended, struct archive *archive, struct buffer *out, struct err *err)
{
  enum err_code code;

  if (ARCHIVE_ZIP == archive->format)
    return zip_close (ended, archive, out, err);
  *ended = true;
  code = tar_put (archive, out, (struct slice){ zeroes, sizeof (zeroes) }, err);
  if (ERR_OK == code && ARCHIVE_TAR_GZ == archive->format)
    code = archive_deflate (archive, out, (struct slice){ "", 0 }, Z_FINISH, err);
  return code;
}
