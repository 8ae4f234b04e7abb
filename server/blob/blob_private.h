/* What the store of contents and its back ends share; private to the room blob. */
#ifndef BLOB_BLOB_PRIVATE_H
#define BLOB_BLOB_PRIVATE_H

#include "blob/blob.h"

/* First member of what a back end opens. */
struct blob_store
{
  const struct blob_backend *backend;
};

/* First member of what a back end writes with. blob.c sets it up, hashes and counts; `digest` and `size_bytes` hold
   once `ended`. */
struct blob_writer
{
  struct blob_store *store;
  struct digest_stream *hash; /* NULL once ended */
  struct digest digest;
  int64_t size_bytes;
  bool ended;
  bool failed; /* a write failed: the content can never be ended */
};

/* A kind of store. Each member does what the function of the same name in blob.h says, with the arguments that blob.c
   has checked; what blob.c does for all of them is said beside it. */
struct blob_backend
{
  /* `location` is the setting without the scheme: a directory, or bucket/prefix; never empty. The back end allocates a
     struct that begins with a struct blob_store, of which blob.c sets `backend`. No network, no disk. */
  enum err_code (*open) (struct blob_store **store, const struct config *config, const char *location, struct err *err);
  void (*close) (struct blob_store *store);

  /* The back end allocates a zeroed struct that begins with a struct blob_writer; blob.c fills that in. When it fails
     there is nothing to free. */
  enum err_code (*write_start) (struct blob_writer **writer, struct blob_store *store, struct err *err);
  /* blob.c has hashed the bytes, which are at least one, and added them to `size_bytes` afterwards. */
  enum err_code (*write) (struct blob_writer *writer, struct slice bytes, struct err *err);
  /* `digest` and `size_bytes` are set; `ended` is set afterwards. Called once. */
  enum err_code (*write_end) (struct blob_writer *writer, struct err *err);
  /* Only after `ended`; may be called again. */
  enum err_code (*publish) (struct blob_writer *writer, struct err *err);
  /* All of the writer but what blob.c has set up; frees the struct. */
  void (*writer_free) (struct blob_writer *writer);

  enum err_code (*open_file) (int *fd, struct blob_store *store, const struct digest *digest, int64_t size_bytes,
                              struct err *err);
  enum err_code (*read) (struct buffer *out, struct blob_store *store, const struct digest *digest, int64_t offset,
                         size_t bytes, struct err *err);
  enum err_code (*verify) (bool *intact, struct blob_store *store, const struct digest *digest, int64_t size_bytes,
                           struct err *err);
  /* `url` is empty; blob.c puts a NUL behind it. NULL: there are none; so for part_url. */
  enum err_code (*url) (struct buffer *url, struct blob_store *store, const struct digest *digest, int expires_s,
                        struct slice disposition, struct slice type, struct err *err);

  /* `name` is "" and has room for BLOB_UPLOAD_NAME_BYTES. */
  enum err_code (*upload_start) (char *name, struct blob_store *store, const struct uuid *upload_id, struct err *err);
  enum err_code (*part_url) (struct buffer *url, struct blob_store *store, const struct uuid *upload_id,
                             const char *name, int number, int expires_s, struct err *err);
  /* As write_start. */
  enum err_code (*part_start) (struct blob_writer **writer, struct blob_store *store, const struct uuid *upload_id,
                               int number, struct err *err);
  /* `*parts` is NULL, `*count` 0. */
  enum err_code (*part_list) (struct blob_part **parts, size_t *count, struct blob_store *store,
                              const struct uuid *upload_id, const char *name, struct err *err);
  /* The back end allocates the writer and sets `digest`, `size_bytes` and `ended`; `store` is set by blob.c. */
  enum err_code (*upload_complete) (struct blob_writer **writer, struct blob_store *store, const struct uuid *upload_id,
                                    const char *name, const struct blob_part *parts, size_t count, struct err *err);
  enum err_code (*upload_drop) (struct blob_store *store, const struct uuid *upload_id, const char *name,
                                struct err *err);

  enum err_code (*sweep) (struct blob_store *store, int64_t older_than_s, bool dry_run, blob_found found, void *context,
                          struct err *err);
  enum err_code (*list) (struct blob_store *store, const struct digest *after, blob_listed listed, void *context,
                         struct err *err);
  enum err_code (*remove) (struct blob_store *store, const struct digest *digest, struct err *err);
};

extern const struct blob_backend blob_local;
extern const struct blob_backend blob_s3;

#endif
