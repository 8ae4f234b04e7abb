/* Artifact URIs of servers: those of the server's own store, and no others. */
#include "artifact_transfer.h"

#include "answer.h"
#include "decode.h"
#include "error.h"
#include "root.h"

#include <string.h>

/* True when `uri` begins with `text`; then `*rest` is what follows. */
static bool
begins (const char **rest, const char *uri, const char *text)
{
  size_t length = strlen (text);

  if (0 != strncmp (uri, text, length))
    return false;
  *rest = uri + length;
  return true;
}

/* Host and port of the server's address: what stands between "//" and the next slash. */
static struct slice
host_of (const char *url)
{
  const char *host = strstr (url, "//");

  host = NULL == host ? url : host + 2;
  return (struct slice){ host, strcspn (host, "/") };
}

/* The path in the store that a URI tells, still as the server wrote it. NULL when it is elsewhere. */
static const char *
path_of (const char *uri, const char *server)
{
  struct slice host = host_of (server);
  const char *rest;

  if (begins (&rest, uri, "mlflow-artifacts://"))
  {
    if ('/' == rest[0])
      return rest + 1;
    return 0 == strncmp (rest, host.data, host.len) && '/' == rest[host.len] ? rest + host.len + 1 : NULL;
  }
  if (begins (&rest, uri, "mlflow-artifacts:/"))
    return rest;
  if (begins (&rest, uri, server) && begins (&rest, rest, STORE_PATH "/"))
    return rest;
  return NULL;
}

enum tally_code
transfer_place_of_uri (const char **place, struct arena *arena, const struct transfer *transfer, const char *uri,
                       struct tally_error *err)
{
  const char *path = path_of (uri, transport_server (transfer->transport));
  const char *encoded;

  *place = NULL;
  if (NULL == path)
    return error_set (err, TALLY_ERROR_UNSUPPORTED,
                      "The files are at %.500s, not in the server's store: only what the server serves itself "
                      "(mlflow-artifacts:) is transferred.",
                      uri);
  if (! artifact_name_valid (path))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server tells an artifact URI that is none: %.500s", uri);
  encoded = transfer_path (arena, "", "", path);
  if (NULL != encoded)
    *place = encoded + 2; /* without the slashes before the empty place and behind it */
  return decode_end (arena, err);
}

enum tally_code
transfer_place_of_run (const char **place, struct arena *arena, const struct transfer *transfer, const char *run_id,
                       struct tally_error *err)
{
  const char *path = arena_printf (arena, "/api/2.0/mlflow/runs/get?run_id=%s", answer_encode (arena, run_id));
  json_t *answer = NULL;
  const char *uri;
  enum tally_code code = decode_end (arena, err);

  *place = NULL;
  if (TALLY_OK == code)
    code = transfer_call (&answer, transfer, "GET", path, NULL, err);
  uri = answer_text (arena, json_object_get (json_object_get (answer, "run"), "info"), "artifact_uri");
  if (TALLY_OK == code)
    code = transfer_place_of_uri (place, arena, transfer, uri, err);
  json_decref (answer);
  return code;
}
