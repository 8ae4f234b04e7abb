/* What the files that write archives share. */
#ifndef ARTIFACT_ARCHIVE_PRIVATE_H
#define ARTIFACT_ARCHIVE_PRIVATE_H

#include "artifact/archive.h"

#include <zlib.h>

/* Central directory of a zip: about a million files. */
#define ZIP_DIRECTORY_MAX_BYTES ((size_t)256 * 1024 * 1024)

/* The file of a zip that is being written. */
struct zip_file
{
  char *name; /* owned */
  size_t name_bytes;
  int64_t modified_ms;
  uint64_t offset; /* of its local header */
  uint64_t packed_bytes;
  uint64_t size_bytes;
  uint32_t crc;
  bool is_large; /* its local header has the zip64 form */
};

struct archive
{
  enum archive_format format;
  z_stream deflater;
  bool deflating; /* `deflater` was set up */
  int level;
  bool is_first_block; /* of the file */
  int64_t file_bytes; /* of the file, so far */
  /* zip only */
  struct zip_file file;
  struct buffer directory;
  size_t directory_taken; /* bytes of it that were given out */
  uint64_t files;
  uint64_t bytes; /* given out so far */
};

/* Append through the deflater. */
enum err_code archive_deflate (struct archive *archive, struct buffer *out, struct slice bytes, int flush,
                               struct err *err);

/* Let the deflater only copy when the bytes, the first of a file, do not get much smaller. */
enum err_code archive_choose_level (struct archive *archive, struct buffer *out, struct slice bytes, struct err *err);

/* Headers of a tar: one block of 512 bytes, with those of a pax header before it where needed. */
void tar_header (struct buffer *out, const struct archive_file *file);

enum err_code zip_begin (struct archive *archive, struct buffer *out, const struct archive_file *file, struct err *err);
enum err_code zip_write (struct archive *archive, struct buffer *out, struct slice bytes, struct err *err);
enum err_code zip_end (struct archive *archive, struct buffer *out, struct err *err);
enum err_code zip_close (bool *ended, struct archive *archive, struct buffer *out, struct err *err);

/* The parts of a zip that only depend on numbers. */
void zip_local_header (struct buffer *out, const struct zip_file *file);
void zip_descriptor (struct buffer *out, const struct zip_file *file);
void zip_directory_entry (struct buffer *out, const struct zip_file *file);
void zip_directory_end (struct buffer *out, uint64_t files, uint64_t offset, uint64_t bytes);

#endif
