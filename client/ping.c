/* What a server is: Tally tells by its session document, MLflow by its version. */
#include "ping.h"

#include "answer.h"
#include "json_read.h"

#include <stdlib.h>
#include <string.h>

/* Answers stay valid until the client is closed, so they are kept in a list. */
struct ping
{
  struct ping *next;
  struct tally_server server; /* its texts are in the arena */
  struct arena *arena;
};

/* Room for three short texts; those of a hostile server that are longer are an error. */
#define PING_ARENA_BYTES 65536

void
ping_free (struct ping *ping)
{
  while (NULL != ping)
  {
    struct ping *next = ping->next;

    arena_free (ping->arena);
    free (ping);
    ping = next;
  }
}

static enum tally_code
get (struct transport_answer *answer, struct tally_client *client, const char *path, struct tally_error *err)
{
  struct transport_request request = { .method = "GET", .path = path };

  return transport_call (answer, client->transport, &request,
                         options_number (client->options, OPTION_REQUEST_TIMEOUT_MS), err);
}

/* The version as a word: digits, letters and what versions have between them. "" for anything else. */
static const char *
version_word (struct arena *arena, struct slice text)
{
  static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-_";
  size_t len = 0;
  const char *copy;

  while (len < text.len && NULL != memchr (letters, text.data[len], sizeof (letters) - 1))
    len++;
  if (0 == len || len > 64 || (len < text.len && '\n' != text.data[len]) || text.data[0] < '0' || text.data[0] > '9')
    return "";
  copy = arena_copy (arena, text.data, len);
  return NULL == copy ? "" : copy;
}

/* Tally lets in who has a name, and everybody when it has no logins. */
static void
take_session (struct ping *ping, const json_t *session)
{
  const json_t *user = json_object_get (session, "user");

  ping->server.is_tally = true;
  ping->server.user = answer_text (ping->arena, user, "username");
  ping->server.authenticated =
      '\0' != ping->server.user[0] || ! json_is_true (json_object_get (session, "authentication"));
}

static enum tally_code
ask_tally (struct ping *ping, struct tally_client *client, struct tally_error *err)
{
  json_t *info = NULL;
  struct tally_error ignored;
  const char *version;
  enum tally_code code = TALLY_OK;

  /* Who is not let in is not told the version. */
  if (ping->server.authenticated)
    code = answer_call (&info, client, "GET", "/api/3.0/mlflow/server-info", NULL, &ignored);
  if (TALLY_OK != code && ignored.retryable)
  {
    if (NULL != err)
      *err = ignored;
    return code;
  }
  version = answer_text (ping->arena, info, "tally_version");
  ping->server.version = version_word (ping->arena, slice_of (version));
  json_decref (info);
  return TALLY_OK;
}

static enum tally_code
ask_mlflow (struct ping *ping, struct tally_client *client, struct tally_error *err)
{
  struct transport_answer answer;
  struct tally_error why;
  enum tally_code code = get (&answer, client, "/version", err);

  if (TALLY_OK == code)
    ping->server.version = version_word (ping->arena, buffer_slice (&answer.body));
  transport_answer_free (&answer);
  if (TALLY_OK != code)
    return code;
  if ('\0' == ping->server.version[0])
    return error_set (err, TALLY_ERROR_PROTOCOL, "%s is no Tally or MLflow server.",
                      transport_server (client->transport));
  code = answer_ignore (client, "GET", "/api/2.0/mlflow/experiments/search?max_results=1", NULL, &why);
  ping->server.authenticated = TALLY_OK == code || TALLY_ERROR_FORBIDDEN == code;
  if (ping->server.authenticated || TALLY_ERROR_UNAUTHENTICATED == code)
    return TALLY_OK;
  if (NULL != err)
    *err = why;
  return code;
}

static enum tally_code
ask (struct ping *ping, struct tally_client *client, struct tally_error *err)
{
  struct transport_answer answer;
  struct tally_error why;
  json_t *session = NULL;
  bool out_of_memory = false;
  enum tally_code code = get (&answer, client, "/api/tally/v1/session", &why);

  if (TALLY_OK == code)
    session = json_read (&out_of_memory, buffer_slice (&answer.body));
  transport_answer_free (&answer);
  if (out_of_memory)
    code = error_memory (err);
  else if (json_is_boolean (json_object_get (session, "authentication")))
  {
    take_session (ping, session);
    code = ask_tally (ping, client, err);
  }
  else if (TALLY_OK == code || why.http_status >= 400)
    code = ask_mlflow (ping, client, err);
  else if (NULL != err)
    *err = why;
  json_decref (session);
  return code;
}

enum tally_code
tally_ping (const struct tally_server **server, struct tally_client *client, struct tally_error *err)
{
  struct ping *ping;
  enum tally_code code = client_check (client, err);

  if (TALLY_OK == code && NULL == server)
    code = error_set (err, TALLY_ERROR_ARGUMENT, "server must not be NULL.");
  if (TALLY_OK != code)
    return code;
  *server = NULL;
  ping = calloc (1, sizeof (*ping));
  if (NULL == ping)
    return error_memory (err);
  ping->arena = arena_new (PING_ARENA_BYTES);
  ping->server = (struct tally_server){ .url = transport_server (client->transport), .version = "", .user = "" };
  code = NULL == ping->arena ? error_memory (err) : ask (ping, client, err);
  if (TALLY_OK == code && arena_overflowed (ping->arena))
    code = arena_out_of_memory (ping->arena)
               ? error_memory (err)
               : error_set (err, TALLY_ERROR_PROTOCOL, "%s tells more than a server has to tell.", ping->server.url);
  if (TALLY_OK != code)
  {
    ping_free (ping);
    return code;
  }
  pthread_mutex_lock (&client->lock);
  ping->next = client->ping;
  client->ping = ping;
  pthread_mutex_unlock (&client->lock);
  *server = &ping->server;
  return TALLY_OK;
}

enum tally_code
ping_known (const struct tally_server **server, struct tally_client *client, struct tally_error *err)
{
  const struct ping *ping;

  pthread_mutex_lock (&client->lock);
  ping = client->ping;
  pthread_mutex_unlock (&client->lock);
  if (NULL == ping)
    return tally_ping (server, client, err);
  *server = &ping->server;
  return TALLY_OK;
}
