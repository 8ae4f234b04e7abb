/* Zip archives, written without going back. Source: PKWARE's APPNOTE 6.3; the extra field 0x5455 is Info-ZIP's. */
#include "artifact/archive_private.h"

#include <stdlib.h>
#include <time.h>

#define LOCAL_MARK 0x04034b50U
#define DESCRIPTOR_MARK 0x08074b50U
#define ENTRY_MARK 0x02014b50U
#define END_MARK 0x06054b50U
#define END64_MARK 0x06064b50U
#define LOCATOR_MARK 0x07064b50U
#define VERSION_DEFLATE 20
#define VERSION_ZIP64 45
#define SYSTEM_UNIX (3 << 8)
/* Bit 3: sizes and check sum stand behind the data; bit 11: the name is UTF-8. */
#define FLAGS 0x0808
#define METHOD_DEFLATE 8
#define EXTRA_ZIP64 0x0001
#define EXTRA_TIME 0x5455
/* A plain file that all may read, in the upper half. */
#define ATTRIBUTES (0100644U << 16)
#define UINT32_ALL 0xffffffffU
#define UINT16_ALL 0xffffU
/* From here on a file is written in the zip64 form: packed it may be larger than it is, by five bytes for each 16 KiB.
 */
#define LARGE_BYTES 0xf0000000U
/* Of the directory, at a time: a quarter of the smallest limit that answers can have. */
#define DIRECTORY_PIECE_BYTES ((size_t)256 * 1024)

static void
put (struct buffer *out, uint64_t number, size_t bytes)
{
  for (size_t i = 0; i < bytes; i++)
    buffer_byte (out, (char)(number >> (8 * i)));
}

static uint64_t
at_most (uint64_t number, uint64_t most)
{
  return number < most ? number : most;
}

/* The time as MS-DOS kept it, in UTC: half seconds, from 1980 on. */
static uint32_t
dos_time (int64_t modified_ms)
{
  time_t seconds = (time_t)(modified_ms / 1000);
  struct tm parts;

  if (modified_ms < 0 || NULL == gmtime_r (&seconds, &parts) || parts.tm_year < 80)
    return 1U << 21 | 1U << 16;
  if (parts.tm_year > 80 + 127)
    return 127U << 25 | 12U << 21 | 31U << 16;
  return (uint32_t)(parts.tm_year - 80) << 25 | (uint32_t)(parts.tm_mon + 1) << 21 | (uint32_t)parts.tm_mday << 16
         | (uint32_t)parts.tm_hour << 11 | (uint32_t)parts.tm_min << 5 | (uint32_t)parts.tm_sec / 2;
}

/* The time in seconds; it has 32 bits, signed. */
static bool
has_time (const struct zip_file *file)
{
  return file->modified_ms >= 0 && file->modified_ms / 1000 <= INT32_MAX;
}

static void
put_time (struct buffer *out, const struct zip_file *file)
{
  if (! has_time (file))
    return;
  put (out, EXTRA_TIME, 2);
  put (out, 5, 2);
  put (out, 1, 1); /* only the time of the last change */
  put (out, (uint64_t)(file->modified_ms / 1000), 4);
}

static size_t
time_bytes (const struct zip_file *file)
{
  return has_time (file) ? 9 : 0;
}

void
zip_local_header (struct buffer *out, const struct zip_file *file)
{
  put (out, LOCAL_MARK, 4);
  put (out, file->is_large ? VERSION_ZIP64 : VERSION_DEFLATE, 2);
  put (out, FLAGS, 2);
  put (out, METHOD_DEFLATE, 2);
  put (out, dos_time (file->modified_ms), 4);
  put (out, 0, 4); /* check sum */
  put (out, file->is_large ? UINT32_ALL : 0, 4);
  put (out, file->is_large ? UINT32_ALL : 0, 4);
  put (out, file->name_bytes, 2);
  put (out, (file->is_large ? 20 : 0) + time_bytes (file), 2);
  buffer_append (out, file->name, file->name_bytes);
  if (file->is_large)
  {
    put (out, EXTRA_ZIP64, 2);
    put (out, 16, 2);
    put (out, 0, 8);
    put (out, 0, 8);
  }
  put_time (out, file);
}

void
zip_descriptor (struct buffer *out, const struct zip_file *file)
{
  size_t width = file->is_large ? 8 : 4;

  put (out, DESCRIPTOR_MARK, 4);
  put (out, file->crc, 4);
  put (out, file->packed_bytes, width);
  put (out, file->size_bytes, width);
}

void
zip_directory_entry (struct buffer *out, const struct zip_file *file)
{
  uint64_t numbers[] = { file->size_bytes, file->packed_bytes, file->offset };
  size_t large = 0;

  for (size_t i = 0; i < sizeof (numbers) / sizeof (numbers[0]); i++)
    if (numbers[i] >= UINT32_ALL)
      large++;
  put (out, ENTRY_MARK, 4);
  put (out, SYSTEM_UNIX | VERSION_ZIP64, 2);
  put (out, large > 0 || file->is_large ? VERSION_ZIP64 : VERSION_DEFLATE, 2);
  put (out, FLAGS, 2);
  put (out, METHOD_DEFLATE, 2);
  put (out, dos_time (file->modified_ms), 4);
  put (out, file->crc, 4);
  put (out, at_most (file->packed_bytes, UINT32_ALL), 4);
  put (out, at_most (file->size_bytes, UINT32_ALL), 4);
  put (out, file->name_bytes, 2);
  put (out, (large > 0 ? 4 + 8 * large : 0) + time_bytes (file), 2);
  put (out, 0, 2); /* comment */
  put (out, 0, 2); /* disk */
  put (out, 0, 2);
  put (out, ATTRIBUTES, 4);
  put (out, at_most (file->offset, UINT32_ALL), 4);
  buffer_append (out, file->name, file->name_bytes);
  if (large > 0)
  {
    put (out, EXTRA_ZIP64, 2);
    put (out, 8 * large, 2);
    for (size_t i = 0; i < sizeof (numbers) / sizeof (numbers[0]); i++)
      if (numbers[i] >= UINT32_ALL)
        put (out, numbers[i], 8);
  }
  put_time (out, file);
}

void
zip_directory_end (struct buffer *out, uint64_t files, uint64_t offset, uint64_t bytes)
{
  if (files >= UINT16_ALL || offset >= UINT32_ALL || bytes >= UINT32_ALL)
  {
    put (out, END64_MARK, 4);
    put (out, 44, 8); /* what follows of this record */
    put (out, SYSTEM_UNIX | VERSION_ZIP64, 2);
    put (out, VERSION_ZIP64, 2);
    put (out, 0, 4);
    put (out, 0, 4);
    put (out, files, 8);
    put (out, files, 8);
    put (out, bytes, 8);
    put (out, offset, 8);
    put (out, LOCATOR_MARK, 4);
    put (out, 0, 4);
    put (out, offset + bytes, 8);
    put (out, 1, 4);
  }
  put (out, END_MARK, 4);
  put (out, 0, 2);
  put (out, 0, 2);
  put (out, at_most (files, UINT16_ALL), 2);
  put (out, at_most (files, UINT16_ALL), 2);
  put (out, at_most (bytes, UINT32_ALL), 4);
  put (out, at_most (offset, UINT32_ALL), 4);
  put (out, 0, 2);
}

/* Count what was appended since the buffer held `before` bytes. */
static enum err_code
count_bytes (struct archive *archive, const struct buffer *out, size_t before, struct err *err)
{
  archive->bytes += out->len - before;
  return out->failed ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

enum err_code
zip_begin (struct archive *archive, struct buffer *out, const struct archive_file *file, struct err *err)
{
  struct zip_file *entry = &archive->file;
  size_t before = out->len;
  char *name = malloc (file->name.len + (0 == file->name.len));

  if (NULL == name)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  memcpy (name, file->name.data, file->name.len);
  free (entry->name);
  *entry = (struct zip_file){ .name = name,
                              .name_bytes = file->name.len,
                              .modified_ms = file->modified_ms,
                              .offset = archive->bytes,
                              .crc = (uint32_t)crc32 (0, NULL, 0),
                              .is_large = file->size_bytes >= LARGE_BYTES };
  deflateReset (&archive->deflater);
  zip_local_header (out, entry);
  return count_bytes (archive, out, before, err);
}

enum err_code
zip_write (struct archive *archive, struct buffer *out, struct slice bytes, struct err *err)
{
  struct zip_file *entry = &archive->file;
  size_t before = out->len;
  enum err_code code = ERR_OK;

  entry->crc = (uint32_t)crc32 (entry->crc, (const Bytef *)bytes.data, (uInt)bytes.len);
  if (archive->is_first_block)
    code = archive_choose_level (archive, out, bytes, err);
  if (ERR_OK == code)
    code = archive_deflate (archive, out, bytes, Z_NO_FLUSH, err);
  entry->packed_bytes += out->len - before;
  return ERR_OK != code ? code : count_bytes (archive, out, before, err);
}

enum err_code
zip_end (struct archive *archive, struct buffer *out, struct err *err)
{
  struct zip_file *entry = &archive->file;
  size_t before = out->len;
  enum err_code code = archive_deflate (archive, out, (struct slice){ "", 0 }, Z_FINISH, err);

  entry->packed_bytes += out->len - before;
  entry->size_bytes = (uint64_t)archive->file_bytes;
  zip_descriptor (out, entry);
  zip_directory_entry (&archive->directory, entry);
  archive->files++;
  if (ERR_OK == code && archive->directory.failed)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return ERR_OK != code ? code : count_bytes (archive, out, before, err);
}

enum err_code
zip_close (bool *ended, struct archive *archive, struct buffer *out, struct err *err)
{
  size_t left = archive->directory.len - archive->directory_taken;
  size_t bytes = left < DIRECTORY_PIECE_BYTES ? left : DIRECTORY_PIECE_BYTES;

  buffer_append (out, 0 == bytes ? "" : archive->directory.data + archive->directory_taken, bytes);
  archive->directory_taken += bytes;
  *ended = bytes == left;
  if (*ended)
    zip_directory_end (out, archive->files, archive->bytes, archive->directory.len);
  return out->failed ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}
