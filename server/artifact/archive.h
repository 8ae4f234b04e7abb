/* Archives of many files as a stream: tar, compressed tar, zip. */
#ifndef ARTIFACT_ARCHIVE_H
#define ARTIFACT_ARCHIVE_H

#include "base/buffer.h"
#include "base/err.h"

#include <stdint.h>

enum archive_format
{
  ARCHIVE_TAR, /* POSIX.1-2001: ustar, with pax headers for long or not ASCII names and more than 8 GiB */
  ARCHIVE_TAR_GZ, /* the same in one gzip stream (RFC 1952) */
  ARCHIVE_ZIP, /* deflate, with sizes behind the data and zip64 where a number needs it */
  ARCHIVE_FORMAT_COUNT
};

/* A file that goes in. */
struct archive_file
{
  struct slice name; /* UTF-8, relative, segments separated by "/" */
  int64_t size_bytes;
  int64_t modified_ms; /* Unix time */
};

/* Makes one archive; everything is appended to the caller's buffer, which he may empty between any two calls. The same
   files in the same order give the same bytes when archive_write is given the same blocks. Memory does not follow the
   size of the files; a zip needs its directory at its end, about 100 bytes and the name of each file.

   One owner at a time. Errors of all functions: INTERNAL_ERROR when memory is out or a buffer is full. */
struct archive;

/* NULL when memory is out. */
struct archive *archive_new (enum archive_format format);
void archive_free (struct archive *archive);

/* Begin a file; the text of its name is not needed afterwards. */
enum err_code archive_begin (struct archive *archive, struct buffer *out, const struct archive_file *file,
                             struct err *err);

/* A block of its bytes; together they are as many as was said. The first block decides whether compressing is worth
   its time. */
enum err_code archive_write (struct archive *archive, struct buffer *out, struct slice bytes, struct err *err);

enum err_code archive_end (struct archive *archive, struct buffer *out, struct err *err);

/* What comes behind the last file, some 100 KB of it in each call, until `ended`. */
enum err_code archive_close (bool *ended, struct archive *archive, struct buffer *out, struct err *err);

/* Bytes that a file takes in a tar archive, and those of its end; for telling the size of one ahead. */
int64_t archive_tar_bytes (const struct archive_file *file);
#define ARCHIVE_TAR_END_BYTES 1024

/* File name extension without a dot, and media type. Static. */
const char *archive_extension (enum archive_format format);
const char *archive_media_type (enum archive_format format);

/* The format that a name ends in (".tar", ".tar.gz", ".tgz", ".zip"), and the name before it; false when in none, or
   when nothing is before it. */
bool archive_format_of (enum archive_format *format, struct slice *stem, struct slice name);

#endif
