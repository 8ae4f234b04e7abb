/* The store of contents: which back end the setting names, and what all of them have in common.

   DESIGN. A writer hashes here, so that no back end can name a content otherwise than by what went through. Misuse
   (writing behind the end, publishing before it) is an assert: only the program itself can do it. */
#include "blob/blob_private.h"

#include <assert.h>

/* The directory of an empty setting. */
#define DEFAULT_DIRECTORY "tally-artifacts"

static const struct
{
  struct slice scheme;
  const struct blob_backend *backend;
} schemes[] = {
  { { "", 0 }, &blob_local },
  { { "s3", 2 }, &blob_s3 },
};

/* Longer than any scheme, so that a directory with "://" deep inside is not taken for one. */
#define SCHEME_MAX_BYTES 16

/* What stands before "://", or nothing; `*rest` is what is behind. */
static struct slice
scheme_of (const char **rest, const char *location)
{
  const char *separator = strstr (location, "://");
  struct slice scheme = { "", 0 };

  *rest = location;
  if (NULL != separator && separator - location <= SCHEME_MAX_BYTES
      && NULL == memchr (location, '/', (size_t)(separator - location)))
  {
    scheme = (struct slice){ location, (size_t)(separator - location) };
    *rest = separator + strlen ("://");
  }
  return scheme;
}

enum err_code
blob_store_open (struct blob_store **store, const struct config *config, struct err *err)
{
  const char *setting = NULL == config->artifact_store ? "" : config->artifact_store;
  const char *location;
  struct slice scheme = scheme_of (&location, '\0' == *setting ? DEFAULT_DIRECTORY : setting);

  *store = NULL;
  for (size_t i = 0; i < sizeof (schemes) / sizeof (schemes[0]); i++)
  {
    enum err_code code;

    if (! slice_equal (scheme, schemes[i].scheme) || '\0' == *location)
      continue;
    code = schemes[i].backend->open (store, config, location, err);
    if (ERR_OK == code)
      (*store)->backend = schemes[i].backend;
    return code;
  }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "artifact-store is a directory or s3://bucket/prefix, not '%s'",
                  setting);
}

void
blob_store_close (struct blob_store *store)
{
  if (NULL != store)
    store->backend->close (store);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* Set up what the writers of all back ends have. */
static enum err_code
prepare (struct blob_writer **writer, struct blob_store *store, struct err *err)
{
  (*writer)->store = store;
  (*writer)->hash = digest_start ();
  if (NULL != (*writer)->hash)
    return ERR_OK;
  blob_writer_free (*writer);
  *writer = NULL;
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

enum err_code
blob_write_start (struct blob_writer **writer, struct blob_store *store, struct err *err)
{
  enum err_code code;

  *writer = NULL;
  code = store->backend->write_start (writer, store, err);
  return ERR_OK == code ? prepare (writer, store, err) : code;
}

enum err_code
blob_write (struct blob_writer *writer, struct slice bytes, struct err *err)
{
  enum err_code code;

  assert (! writer->ended);
  if (writer->failed)
    return err_set (err, ERR_INTERNAL_ERROR, "the content cannot be written: an earlier write failed");
  if (0 == bytes.len)
    return ERR_OK;
  code = digest_add (writer->hash, bytes) ? writer->store->backend->write (writer, bytes, err)
                                          : err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  writer->failed = ERR_OK != code;
  if (ERR_OK == code)
    writer->size_bytes += (int64_t)bytes.len;
  return code;
}

enum err_code
blob_write_end (struct digest *digest, int64_t *size_bytes, struct blob_writer *writer, struct err *err)
{
  enum err_code code;

  assert (! writer->ended);
  if (writer->failed)
    return err_set (err, ERR_INTERNAL_ERROR, "the content cannot be written: an earlier write failed");
  code = digest_end (&writer->digest, writer->hash) ? writer->store->backend->write_end (writer, err)
                                                    : err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  digest_free (writer->hash);
  writer->hash = NULL;
  writer->ended = ERR_OK == code;
  writer->failed = ! writer->ended;
  *digest = writer->digest;
  *size_bytes = writer->size_bytes;
  return code;
}

enum err_code
blob_publish (struct blob_writer *writer, struct err *err)
{
  assert (writer->ended);
  return writer->store->backend->publish (writer, err);
}

void
blob_writer_free (struct blob_writer *writer)
{
  if (NULL == writer)
    return;
  digest_free (writer->hash);
  writer->store->backend->writer_free (writer);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

enum err_code
blob_open_file (int *fd, struct blob_store *store, const struct digest *digest, int64_t size_bytes, struct err *err)
{
  *fd = -1;
  return store->backend->open_file (fd, store, digest, size_bytes, err);
}

enum err_code
blob_read (struct buffer *out, struct blob_store *store, const struct digest *digest, int64_t offset, size_t bytes,
           struct err *err)
{
  return 0 == bytes ? ERR_OK : store->backend->read (out, store, digest, offset, bytes, err);
}

enum err_code
blob_verify (bool *intact, struct blob_store *store, const struct digest *digest, int64_t size_bytes, struct err *err)
{
  *intact = false;
  return store->backend->verify (intact, store, digest, size_bytes, err);
}

/* The verdict on a URL that a back end has written, with a NUL behind it also when it wrote none. */
static enum err_code
finish_url (struct buffer *url, enum err_code code, struct err *err)
{
  if (ERR_OK == code && ! buffer_append (url, "", 0))
    code = err_set (err, ERR_INTERNAL_ERROR, "a URL has more than %zu bytes, or memory is out", url->max_bytes);
  return code;
}

enum err_code
blob_url (struct buffer *url, struct blob_store *store, const struct digest *digest, int expires_s,
          struct slice disposition, struct slice type, struct err *err)
{
  enum err_code code = ERR_OK;

  buffer_clear (url);
  if (NULL != store->backend->url)
    code = store->backend->url (url, store, digest, expires_s, disposition, type, err);
  return finish_url (url, code, err);
}

/* --- uploads in parts --------------------------------------------------------------------------------------------- */

enum err_code
blob_upload_start (char *name, struct blob_store *store, const struct uuid *upload_id, struct err *err)
{
  name[0] = '\0';
  return store->backend->upload_start (name, store, upload_id, err);
}

enum err_code
blob_part_url (struct buffer *url, struct blob_store *store, const struct uuid *upload_id, const char *name, int number,
               int expires_s, struct err *err)
{
  enum err_code code = ERR_OK;

  buffer_clear (url);
  if (NULL != store->backend->part_url)
    code = store->backend->part_url (url, store, upload_id, name, number, expires_s, err);
  return finish_url (url, code, err);
}

enum err_code
blob_part_start (struct blob_writer **writer, struct blob_store *store, const struct uuid *upload_id, int number,
                 struct err *err)
{
  enum err_code code;

  *writer = NULL;
  code = store->backend->part_start (writer, store, upload_id, number, err);
  return ERR_OK == code ? prepare (writer, store, err) : code;
}

enum err_code
blob_part_list (struct blob_part **parts, size_t *count, struct blob_store *store, const struct uuid *upload_id,
                const char *name, struct err *err)
{
  *parts = NULL;
  *count = 0;
  return store->backend->part_list (parts, count, store, upload_id, name, err);
}

enum err_code
blob_upload_complete (struct blob_writer **writer, struct digest *digest, int64_t *size_bytes, struct blob_store *store,
                      const struct uuid *upload_id, const char *name, const struct blob_part *parts, size_t count,
                      struct err *err)
{
  enum err_code code;

  *writer = NULL;
  code = store->backend->upload_complete (writer, store, upload_id, name, parts, count, err);
  if (ERR_OK != code)
    return code;
  (*writer)->store = store;
  assert ((*writer)->ended);
  *digest = (*writer)->digest;
  *size_bytes = (*writer)->size_bytes;
  return ERR_OK;
}

enum err_code
blob_upload_drop (struct blob_store *store, const struct uuid *upload_id, const char *name, struct err *err)
{
  return store->backend->upload_drop (store, upload_id, name, err);
}

/* --- care --------------------------------------------------------------------------------------------------------- */

enum err_code
blob_sweep (struct blob_store *store, int64_t older_than_s, bool dry_run, blob_found found, void *context,
            struct err *err)
{
  return store->backend->sweep (store, older_than_s, dry_run, found, context, err);
}

enum err_code
blob_list (struct blob_store *store, const struct digest *after, blob_listed listed, void *context, struct err *err)
{
  return store->backend->list (store, after, listed, context, err);
}

enum err_code
blob_remove (struct blob_store *store, const struct digest *digest, struct err *err)
{
  return store->backend->remove (store, digest, err);
}
