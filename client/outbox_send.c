/* Entries of the outbox on their way: a file into the artifacts of its run, or the end of a run. */
#include "outbox_send.h"

#include "delivery.h"

#include "base/buffer.h"
#include "base/url.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longest path and body: names of artifacts have at most a few KiB. */
#define TEXT_MAX_BYTES 65536

bool
outbox_refused (const struct tally_error *why)
{
  return delivery_refused (why) || TALLY_ERROR_UNSUPPORTED == why->code || TALLY_ERROR_FILE == why->code;
}

/* Where the run's artifacts are, as the server says. A new reference to its answer holds it. */
static enum tally_code
ask_location (json_t **answer_json, const char **uri, struct transport *transport, const char *id, int64_t timeout_ms,
              struct tally_error *err)
{
  char path[128];
  struct transport_request request = { .method = "GET", .path = path, .timeout_ms = timeout_ms };
  struct transport_answer answer;
  enum tally_code code;

  snprintf (path, sizeof (path), "/api/2.0/mlflow/runs/get?run_id=%s", id);
  code = transport_send (&answer, transport, &request, err);
  *answer_json =
      TALLY_OK == code && NULL != answer.body.data ? json_loadb (answer.body.data, answer.body.len, 0, NULL) : NULL;
  transport_answer_free (&answer);
  *uri = json_string_value (
      json_object_get (json_object_get (json_object_get (*answer_json, "run"), "info"), "artifact_uri"));
  if (TALLY_OK == code && NULL == *uri)
    code =
        error_set (err, TALLY_ERROR_PROTOCOL, "The server's answer about a run does not say where its artifacts are.");
  return code;
}

/* Append each part of a path, encoded. */
static void
append_path (struct buffer *out, const char *path)
{
  while ('\0' != *path)
  {
    size_t len = strcspn (path, "/");

    if (len > 0)
    {
      buffer_byte (out, '/');
      url_encode (out, (struct slice){ path, len });
    }
    path += len;
    path += strspn (path, "/");
  }
}

/* "mlflow-artifacts:/0/<id>/artifacts", or with a host: what the server itself keeps. */
static enum tally_code
artifact_path (struct buffer *path, const char *uri, const char *name, struct tally_error *err)
{
  static const char scheme[] = "mlflow-artifacts:";
  const char *rest = uri + strlen (scheme);

  if (0 != strncmp (uri, scheme, strlen (scheme)))
    return error_set (err, TALLY_ERROR_UNSUPPORTED, "The artifacts of the run are in %.200s, not with the server.",
                      uri);
  if (0 == strncmp (rest, "//", 2))
    rest += 2 + strcspn (rest + 2, "/");
  buffer_text (path, "/api/2.0/mlflow-artifacts/artifacts");
  append_path (path, rest);
  append_path (path, name);
  return path->failed ? error_memory (err) : TALLY_OK;
}

static enum tally_code
put_file (struct transport *transport, const char *folder, const struct outbox_entry *entry, const char *path,
          struct tally_error *err)
{
  struct transport_request request = { .method = "PUT",
                                       .path = path,
                                       .content_type = "application/octet-stream",
                                       .is_file = true,
                                       .file_bytes = entry->bytes };
  struct transport_answer answer;
  char *data = outbox_data_path (folder, entry->number);
  enum tally_code code;

  if (NULL == data)
    return error_memory (err);
  request.file = open (data, O_RDONLY | O_CLOEXEC);
  if (request.file < 0)
    code = error_file (err, errno, "%s", data);
  else
  {
    code = transport_send (&answer, transport, &request, err);
    transport_answer_free (&answer);
    close (request.file);
  }
  free (data);
  return code;
}

static enum tally_code
send_file (struct transport *transport, const char *folder, const struct outbox_entry *entry, const char *id,
           int64_t timeout_ms, struct tally_error *err)
{
  struct buffer path;
  json_t *answer = NULL;
  const char *uri;
  enum tally_code code = ask_location (&answer, &uri, transport, id, timeout_ms, err);

  buffer_init (&path, TEXT_MAX_BYTES);
  if (TALLY_OK == code)
    code = artifact_path (&path, uri, entry->name, err);
  if (TALLY_OK == code)
    code = put_file (transport, folder, entry, path.data, err);
  buffer_free (&path);
  json_decref (answer);
  return code;
}

static enum tally_code
send_end (struct transport *transport, const struct outbox_entry *entry, const char *id, int64_t timeout_ms,
          struct tally_error *err)
{
  struct transport_request request = { .method = "POST", .path = DELIVERY_UPDATE_PATH, .timeout_ms = timeout_ms };
  struct transport_answer answer;
  struct buffer body;
  enum tally_code code;

  buffer_init (&body, TEXT_MAX_BYTES);
  code = delivery_write_end (&body, id, entry->status, entry->end_ms, err);
  request.body = buffer_slice (&body);
  if (TALLY_OK == code)
  {
    code = transport_send (&answer, transport, &request, err);
    transport_answer_free (&answer);
  }
  buffer_free (&body);
  return code;
}

enum tally_code
outbox_send_entry (struct transport *transport, const char *folder, const struct outbox_entry *entry, const char *id,
                   int64_t timeout_ms, struct tally_error *err)
{
  return entry->is_end ? send_end (transport, entry, id, timeout_ms, err)
                       : send_file (transport, folder, entry, id, timeout_ms, err);
}
