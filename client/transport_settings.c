/* What the options say about the other end: its address, who asks, and whom to trust. */
#include "transport_settings.h"

#include "base/buffer.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct address
{
  CURLU *url;
  char *scheme;
  char *host;
  char *port;
  char *user;
  char *password;
  bool out_of_memory; /* no verdict then */
};

static void
address_free (struct address *address)
{
  curl_url_cleanup (address->url);
  curl_free (address->scheme);
  curl_free (address->host);
  curl_free (address->port);
  if (NULL != address->password)
    explicit_bzero (address->password, strlen (address->password));
  curl_free (address->user);
  curl_free (address->password);
}

/* A part of it; false when it has none, or memory is out. */
static bool
take_part (char **text, struct address *address, CURLUPart part, unsigned flags)
{
  CURLUcode code = curl_url_get (address->url, part, text, flags);

  address->out_of_memory |= CURLUE_OUT_OF_MEMORY == code;
  return CURLUE_OK == code;
}

/* Take an address apart. False for what is no http(s) URL, has a query or a fragment, and when memory is out. */
static bool
address_parse (struct address *address, const char *text)
{
  char *query = NULL;
  char *fragment = NULL;
  CURLUcode code;
  bool ok;

  memset (address, 0, sizeof (*address));
  address->url = curl_url ();
  code = NULL == address->url ? CURLUE_OUT_OF_MEMORY : curl_url_set (address->url, CURLUPART_URL, text, 0);
  address->out_of_memory = CURLUE_OUT_OF_MEMORY == code;
  if (CURLUE_OK != code)
    return false;
  ok = take_part (&address->scheme, address, CURLUPART_SCHEME, 0)
       && take_part (&address->host, address, CURLUPART_HOST, 0)
       && take_part (&address->port, address, CURLUPART_PORT, CURLU_DEFAULT_PORT)
       && (0 == strcmp (address->scheme, "http") || 0 == strcmp (address->scheme, "https"))
       && ! take_part (&query, address, CURLUPART_QUERY, 0) && ! take_part (&fragment, address, CURLUPART_FRAGMENT, 0);
  curl_free (query);
  curl_free (fragment);
  if (! ok)
    return false;
  take_part (&address->user, address, CURLUPART_USER, CURLU_URLDECODE);
  take_part (&address->password, address, CURLUPART_PASSWORD, CURLU_URLDECODE);
  return ! address->out_of_memory;
}

static bool
address_same (const struct address *a, const struct address *b)
{
  return 0 == strcmp (a->scheme, b->scheme) && 0 == strcasecmp (a->host, b->host) && 0 == strcmp (a->port, b->port);
}

/* The address without user, password and slashes at its end. */
static enum tally_code
set_server (struct transport_settings *settings, const struct address *address, struct tally_error *err)
{
  char *text = NULL;
  size_t len;

  if (CURLUE_OK == curl_url_set (address->url, CURLUPART_USER, NULL, 0)
      && CURLUE_OK == curl_url_set (address->url, CURLUPART_PASSWORD, NULL, 0)
      && CURLUE_OK == curl_url_get (address->url, CURLUPART_URL, &text, 0))
    settings->server = strdup (text);
  curl_free (text);
  if (NULL == settings->server)
    return error_memory (err);
  for (len = strlen (settings->server); len > 0 && '/' == settings->server[len - 1]; len--)
    settings->server[len - 1] = '\0';
  return TALLY_OK;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Base 64 with padding, as Basic wants it (RFC 7617). */
static bool
append_base64 (struct buffer *out, const char *text)
{
  const unsigned char *bytes = (const unsigned char *)text;
  size_t len = strlen (text);

  for (size_t i = 0; i < len; i += 3)
  {
    uint32_t three = (uint32_t)bytes[i] << 16;

    if (i + 1 < len)
      three |= (uint32_t)bytes[i + 1] << 8;
    if (i + 2 < len)
      three |= bytes[i + 2];
    buffer_byte (out, base64_digits[three >> 18]);
    buffer_byte (out, base64_digits[three >> 12 & 63]);
    buffer_byte (out, i + 1 < len ? base64_digits[three >> 6 & 63] : '=');
    buffer_byte (out, i + 2 < len ? base64_digits[three & 63] : '=');
  }
  return ! out->failed;
}

/* Twice the longest option and more. */
#define AUTHORIZATION_MAX_BYTES 65536

static enum tally_code
set_basic (struct transport_settings *settings, const char *username, const char *password, struct tally_error *err)
{
  struct buffer pair;
  struct buffer header;

  buffer_init (&pair, AUTHORIZATION_MAX_BYTES);
  buffer_init (&header, AUTHORIZATION_MAX_BYTES);
  buffer_text (&pair, username);
  buffer_byte (&pair, ':');
  buffer_text (&pair, password);
  buffer_text (&header, "Authorization: Basic ");
  if (! pair.failed)
  {
    append_base64 (&header, pair.data);
    explicit_bzero (pair.data, pair.len);
  }
  settings->authorization = pair.failed || header.failed ? NULL : buffer_steal (&header);
  buffer_free (&pair);
  buffer_free (&header);
  return NULL == settings->authorization ? error_memory (err) : TALLY_OK;
}

/* As MLflow's clients choose: user and password, else the token; else what the address itself holds. */
static enum tally_code
set_authorization (struct transport_settings *settings, const struct tally_options *options,
                   const struct address *address, struct tally_error *err)
{
  const char *username = options_text (options, OPTION_USERNAME);
  const char *password = options_text (options, OPTION_PASSWORD);
  const char *token = options_text (options, OPTION_TOKEN);

  if (NULL != username && NULL != password)
    return set_basic (settings, username, password, err);
  if (NULL != token)
  {
    if (asprintf (&settings->authorization, "Authorization: Bearer %s", token) >= 0)
      return TALLY_OK;
    settings->authorization = NULL;
    return error_memory (err);
  }
  if (NULL != address->user && NULL != address->password)
    return set_basic (settings, address->user, address->password, err);
  return TALLY_OK;
}

static enum tally_code
copy_option (char **copy, const struct tally_options *options, enum option_id id, struct tally_error *err)
{
  const char *value = options_text (options, id);

  if (NULL == value || '\0' == value[0])
    return TALLY_OK;
  *copy = strdup (value);
  return NULL == *copy ? error_memory (err) : TALLY_OK;
}

static enum tally_code
set_tls (struct transport_settings *settings, const struct tally_options *options, struct tally_error *err)
{
  struct stat status;
  enum tally_code code = copy_option (&settings->trusted, options, OPTION_CA_FILE, err);

  if (TALLY_OK == code)
    code = copy_option (&settings->client_certificate, options, OPTION_CLIENT_CERTIFICATE, err);
  if (TALLY_OK != code)
    return code;
  settings->insecure_tls = 0 != options_number (options, OPTION_INSECURE_TLS);
  settings->trusted_is_folder =
      NULL != settings->trusted && 0 == stat (settings->trusted, &status) && S_ISDIR (status.st_mode);
  return TALLY_OK;
}

static enum tally_code
set_workspace (struct transport_settings *settings, const struct tally_options *options, const char *workspace,
               struct tally_error *err)
{
  if (NULL == workspace)
    workspace = options_text (options, OPTION_WORKSPACE);
  if (NULL == workspace || '\0' == workspace[0])
    return TALLY_OK;
  if (asprintf (&settings->workspace, "X-MLFLOW-WORKSPACE: %s", workspace) >= 0)
    return TALLY_OK;
  settings->workspace = NULL;
  return error_memory (err);
}

/* Who asks, as option user says: a Tally server without logins notes it as claimed. */
static enum tally_code
set_actor (struct transport_settings *settings, const struct tally_options *options, struct tally_error *err)
{
  const char *user = options_text (options, OPTION_USER);

  if (NULL == user || '\0' == user[0])
    return TALLY_OK;
  if (asprintf (&settings->actor, "X-Tally-Actor: %s", user) >= 0)
    return TALLY_OK;
  settings->actor = NULL;
  return error_memory (err);
}

/* What `server` and the options say about the other end. */
enum tally_code
transport_settings_load (struct transport_settings *settings, const struct tally_options *options, const char *server,
                         const char *workspace, struct tally_error *err)
{
  const char *own_text = options_text (options, OPTION_SERVER);
  struct address own;
  struct address address;
  bool known = address_parse (&own, own_text);
  bool ok = address_parse (&address, NULL == server ? own_text : server);
  enum tally_code code;

  memset (settings, 0, sizeof (*settings));
  settings->connect_timeout_ms = (long)options_number (options, OPTION_CONNECT_TIMEOUT_MS);
  /* The text is not shown when it may hold a password. */
  if (own.out_of_memory || address.out_of_memory)
    code = error_memory (err);
  else if (! ok)
    code = error_set (err, TALLY_ERROR_CONFIGURATION, "'%.200s' is no address of a server, such as http://host:5000",
                      NULL != strchr (NULL == server ? own_text : server, '@') ? "(hidden)"
                      : NULL == server ? own_text
                                       : server);
  else
    code = set_server (settings, &address, err);
  if (TALLY_OK == code && known && address_same (&own, &address))
    code = set_authorization (settings, options, NULL == server ? &address : &own, err);
  if (TALLY_OK == code)
    code = set_tls (settings, options, err);
  if (TALLY_OK == code)
    code = set_workspace (settings, options, workspace, err);
  if (TALLY_OK == code)
    code = set_actor (settings, options, err);
  address_free (&own);
  address_free (&address);
  return code;
}

static void
free_secret (char *text)
{
  if (NULL != text)
    explicit_bzero (text, strlen (text));
  free (text);
}

void
transport_settings_free (struct transport_settings *settings)
{
  free (settings->server);
  free_secret (settings->authorization);
  free (settings->workspace);
  free (settings->actor);
  free (settings->trusted);
  free (settings->client_certificate);
}
