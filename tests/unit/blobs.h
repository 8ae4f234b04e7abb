/* The artifact store of one test: a directory that does not exist before the first write. */
#ifndef UNIT_BLOBS_H
#define UNIT_BLOBS_H

#include "blob/blob.h"

/* Longest path here. */
#define BLOBS_PATH_BYTES 512
/* How long an upload of the store holds, at least. */
#define BLOBS_UPLOAD_TTL_S 600
/* What tests call old. */
#define BLOBS_HOUR_S 3600

struct blobs
{
  char scratch[BLOBS_PATH_BYTES]; /* the store is somewhere below, and what else the test wants */
  char root[BLOBS_PATH_BYTES];
  struct blob_store *store;
};

extern struct blobs blobs;

/* Fixture. */
void blobs_open (void);
void blobs_close (void);

/* A path below the store, made by `format` with one name; and that of a content. Valid until the next call. */
const char *blobs_path (const char *format, const char *name);
const char *blobs_content_path (const struct digest *digest);

/* How many files are in a directory, at any depth; and in one of the store. */
size_t blobs_files_at (const char *path);
size_t blobs_files (const char *place);

/* The steps of writing, each of which must succeed, and all of them at once. */
struct blob_writer *blobs_start (void);
void blobs_add (struct blob_writer *writer, struct slice bytes);
void blobs_finish (struct digest *digest, struct blob_writer *writer);
void blobs_publish (struct blob_writer *writer);
struct digest blobs_put (struct slice bytes);

/* What blob_open_file says; the file is closed again. */
enum err_code blobs_open_error (const struct digest *digest, int64_t size_bytes, struct err *err);
bool blobs_has (const struct digest *digest, int64_t size_bytes);
bool blobs_intact (const struct digest *digest, int64_t size_bytes);

/* A range of a content must have these bytes. */
void blobs_check_read (const struct digest *digest, int64_t offset, struct slice expected);

/* Bytes that differ from each other and from those of other seeds; free them. */
char *blobs_make_bytes (size_t count, uint64_t seed);

/* Set a file's time back. */
void blobs_make_old (const char *path, int64_t age_s);
void blobs_write_file (const char *path, const char *text);

/* What a sweep found. */
struct blobs_findings
{
  size_t count;
  int64_t bytes;
  size_t most; /* ends it; 0: never */
};

bool blobs_note_finding (void *context, int64_t size_bytes);
struct blobs_findings blobs_sweep (int64_t older_than_s, bool dry_run);

#endif
