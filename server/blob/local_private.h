/* What the files of the directory back end share; private to the room blob. */
#ifndef BLOB_LOCAL_PRIVATE_H
#define BLOB_LOCAL_PRIVATE_H

#include "blob/blob_private.h"

#include <stdatomic.h>

/* The directories at the top of a store. */
enum local_place
{
  LOCAL_CONTENTS, /* sha256/ab/<62 digits>: what has a name */
  LOCAL_TEMPORARY, /* tmp/<32 digits>: what is being written */
  LOCAL_PARTS, /* parts/<upload id>/<number>: a part, and behind its bytes their SHA-256 */
  LOCAL_PLACES
};

/* Contents are spread over directories by their first byte. */
#define LOCAL_FANS 256

/* Digits of what is behind the first byte of a digest, and NUL. */
#define LOCAL_REST_BYTES 63

/* Bytes read at once: the system reads ahead as much. */
#define LOCAL_READ_BYTES ((size_t)256 * 1024)

struct local_store
{
  struct blob_store common;
  char *root;
  int64_t upload_ttl_s;
  /* This process has seen that the directory's own name is on disk. */
  _Atomic bool place_durable[LOCAL_PLACES];
  _Atomic bool fan_durable[LOCAL_FANS];
};

struct local_writer
{
  struct blob_writer common;
  int fd;
  char name[UUID_TEXT_BYTES]; /* in tmp */
  bool named; /* that name exists */
  bool published;
  int64_t written_bytes;
  int64_t started_bytes; /* the system was told to write so many to disk */
  struct uuid upload_id; /* of a part */
  int number; /* of a part, else 0 */
};

static inline struct local_store *
local_store_of (struct blob_store *store)
{
  return (struct local_store *)store;
}

/* The error of a failed system call (`number` is its errno): what the client reads, and for the log the path, which is
   `place`, `directory` and `name` (the last two may be NULL). */
enum err_code local_error (struct err *err, int number, enum local_place place, const char *directory,
                           const char *name);

/* Open a directory of the store (`directory` NULL: a place itself), which the caller closes, never through a symbolic
   link below the root. -1 and no error when it does not exist; with `make` it is made, durably. */
enum err_code local_enter (int *fd, struct local_store *store, enum local_place place, const char *directory, bool make,
                           struct err *err);

/* The directory (two digits) and the file of a content. */
void local_path (char fan[3], char rest[LOCAL_REST_BYTES], const struct digest *digest);

/* Close, if it is open. */
void local_close (int fd);

/* Called with the name of each entry of a directory, which may be removed; false ends the listing. */
typedef bool (*local_entry) (void *context, const char *name);

/* Go through an open directory, in no order; `fd` is closed. `place` and `directory` are for the error. */
enum err_code local_entries (int fd, enum local_place place, const char *directory, local_entry entry, void *context,
                             struct err *err);

/* Read all of [offset, offset + bytes) of a file. False with errno set; 0 when the file ends before. */
bool local_read_all (int fd, char *bytes, size_t count, int64_t offset);

/* Begin a temporary file. */
enum err_code local_writer_start (struct local_writer **writer, struct local_store *store, struct err *err);
/* Give the temporary file its name in an open directory, durably. */
enum err_code local_writer_move (struct local_writer *writer, int directory_fd, const char *directory, const char *name,
                                 enum local_place place, struct err *err);
/* The publish of a part, and its trailer at its end. */
enum err_code local_part_publish (struct local_writer *writer, struct err *err);

/* Members of the back end that are not in local.c. */
enum err_code local_upload_start (char *name, struct blob_store *store, const struct uuid *upload_id, struct err *err);
enum err_code local_part_start (struct blob_writer **writer, struct blob_store *store, const struct uuid *upload_id,
                                int number, struct err *err);
enum err_code local_part_list (struct blob_part **parts, size_t *count, struct blob_store *store,
                               const struct uuid *upload_id, const char *name, struct err *err);
enum err_code local_upload_complete (struct blob_writer **writer, struct blob_store *store,
                                     const struct uuid *upload_id, const char *name, const struct blob_part *parts,
                                     size_t count, struct err *err);
enum err_code local_upload_drop (struct blob_store *store, const struct uuid *upload_id, const char *name,
                                 struct err *err);
enum err_code local_sweep (struct blob_store *store, int64_t older_than_s, bool dry_run, blob_found found,
                           void *context, struct err *err);
enum err_code local_list (struct blob_store *store, const struct digest *after, blob_listed listed, void *context,
                          struct err *err);

#endif
