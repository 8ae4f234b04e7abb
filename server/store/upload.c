/* Uploads in parts that are under way, in PostgreSQL. */
#include "store/upload.h"

enum
{
  ADD,
  GET,
  COMPLETE,
  REMOVE,
  EXPIRED
};

#define SELECT_UPLOAD                                                                                                  \
  "SELECT upload_id, path, store_upload, part_count, created_at_ms, expires_at_ms, sha256 FROM artifact_upload"

static const struct statement statements[] = {
  [ADD] = { "upload_add",
            "INSERT INTO artifact_upload (upload_id, path, store_upload, part_count, created_at_ms, expires_at_ms)"
            " VALUES ($1::uuid, $2::text, $3::text, $4::int4, $5::int8, $6::int8)",
            6 },
  [GET] = { "upload_get", SELECT_UPLOAD " WHERE upload_id = $1::uuid AND workspace_id = 1", 1 },
  [COMPLETE] = { "upload_complete", "UPDATE artifact_upload SET sha256 = $2::bytea WHERE upload_id = $1::uuid", 2 },
  [REMOVE] = { "upload_remove", "DELETE FROM artifact_upload WHERE upload_id = $1::uuid AND workspace_id = 1", 1 },
  [EXPIRED] = { "upload_expired",
                SELECT_UPLOAD " WHERE expires_at_ms <= $1::int8 ORDER BY expires_at_ms LIMIT $2::int8", 2 },
};

const struct statement_table store_upload_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

static enum err_code
read_upload (struct store_upload *upload, const struct result *result, struct err *err)
{
  struct upload_row
  {
    struct store_upload upload;
    struct slice digest;
  } row;
  static const struct column columns[] = {
    { COLUMN_UUID, offsetof (struct upload_row, upload.upload_id) },
    { COLUMN_TEXT, offsetof (struct upload_row, upload.path) },
    { COLUMN_TEXT, offsetof (struct upload_row, upload.store_upload) },
    { COLUMN_INT32, offsetof (struct upload_row, upload.part_count) },
    { COLUMN_INT64, offsetof (struct upload_row, upload.created_at_ms) },
    { COLUMN_INT64, offsetof (struct upload_row, upload.expires_at_ms) },
    { COLUMN_BYTES, offsetof (struct upload_row, digest) },
  };
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  if (ERR_OK != code)
    return code;
  *upload = row.upload;
  upload->completed = sizeof (upload->digest.bytes) == row.digest.len;
  if (upload->completed)
    memcpy (upload->digest.bytes, row.digest.data, row.digest.len);
  return ERR_OK;
}

enum err_code
store_upload_add (struct store_connection *connection, const struct store_upload *upload, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, &upload->upload_id);
  parameter_text (&parameters, upload->path);
  parameter_text (&parameters, upload->store_upload);
  parameter_int32 (&parameters, upload->part_count);
  parameter_int64 (&parameters, upload->created_at_ms);
  parameter_int64 (&parameters, upload->expires_at_ms);
  return store_execute (NULL, connection, &statements[ADD], &parameters, err);
}

enum err_code
store_upload_get (struct store_upload *upload, struct store_connection *connection, const struct uuid *upload_id,
                  struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, upload_id);
  code = store_query (&result, connection, &statements[GET], &parameters, err);
  if (ERR_OK == code && 0 == result_count (&result))
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK == code)
    code = read_upload (upload, &result, err);
  if (ERR_OK == code)
  {
    upload->path.data = arena_string (arena, upload->path);
    upload->store_upload.data = arena_string (arena, upload->store_upload);
    if (NULL == upload->path.data || NULL == upload->store_upload.data)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}

enum err_code
store_upload_complete (struct store_connection *connection, const struct uuid *upload_id, const struct digest *digest,
                       struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, upload_id);
  parameter_text (&parameters, digest_slice (digest));
  return store_execute (NULL, connection, &statements[COMPLETE], &parameters, err);
}

enum err_code
store_upload_remove (bool *removed, struct store_connection *connection, const struct uuid *upload_id, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, upload_id);
  return store_change (removed, connection, &statements[REMOVE], &parameters, err);
}

/* Who gets the decoded rows of a stream. */
struct reader
{
  store_upload_row row;
  void *context;
};

static enum err_code
take_upload (const struct result *result, void *context, struct err *err)
{
  const struct reader *reader = context;
  struct store_upload upload;
  enum err_code code = read_upload (&upload, result, err);

  return ERR_OK == code ? reader->row (reader->context, &upload, err) : code;
}

enum err_code
store_upload_expired (struct store_connection *connection, int64_t now_ms, int64_t limit, store_upload_row row,
                      void *context, struct err *err)
{
  struct reader reader = { row, context };
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, now_ms);
  parameter_int64 (&parameters, limit);
  return store_stream (connection, &statements[EXPIRED], &parameters, take_upload, &reader, err);
}
