/* Where an S3-compatible service is and who we are there. */
#include "blob/s3_settings.h"

#include "base/utf8.h"
#include "blob/s3_sign.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

/* Used where nothing says otherwise, as by all of Amazon's own tools. */
#define DEFAULT_REGION "us-east-1"
/* An origin, a root, a region: far more than any has. */
#define TEXT_MAX_BYTES ((size_t)8 * 1024)
/* S3's limits for the name of a bucket: 3 to 63 today, up to 255 for old ones. */
#define BUCKET_MIN_BYTES 3
#define BUCKET_MAX_BYTES 255

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

/* The setting, or the first of the variables (up to NULL) that is set, or "". */
static const char *
setting_or_environment (const char *setting, ...)
{
  const char *value = NULL == setting ? "" : setting;
  va_list names;

  va_start (names, setting);
  while ('\0' == *value)
  {
    const char *name = va_arg (names, const char *);
    const char *found = NULL == name ? NULL : getenv (name);

    if (NULL == name)
      break;
    if (NULL != found)
      value = found;
  }
  va_end (names);
  return value;
}

/* Whether the text can stand in a header and in a signed text: visible ASCII. */
static bool
is_plain (const char *text)
{
  for (; '\0' != *text; text++)
  {
    if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7F)
      return false;
  }
  return true;
}

/* --- bucket and prefix ---------------------------------------------------------------------------------------------
 */

static bool
bucket_valid (struct slice bucket)
{
  if (bucket.len < BUCKET_MIN_BYTES || bucket.len > BUCKET_MAX_BYTES)
    return false;
  for (size_t i = 0; i < bucket.len; i++)
  {
    char c = bucket.data[i];

    if (! ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || '-' == c || '_' == c
           || ('.' == c && i > 0 && '.' != bucket.data[i - 1])))
      return false;
  }
  return true;
}

/* Whether each segment is one that no client, proxy or server takes for something else. */
static bool
prefix_valid (struct slice prefix)
{
  struct slice rest = prefix;

  if (prefix.len > S3_KEY_BYTES - 1 - S3_NAME_MAX_BYTES - 1 || ! utf8_valid (prefix))
    return false;
  for (size_t i = 0; i < prefix.len; i++)
  {
    if ((unsigned char)prefix.data[i] < ' ' || 0x7F == prefix.data[i])
      return false;
  }
  while (rest.len > 0)
  {
    const char *slash = memchr (rest.data, '/', rest.len);
    struct slice segment = { rest.data, NULL == slash ? rest.len : (size_t)(slash - rest.data) };
    size_t taken = segment.len + (NULL != slash);

    if (0 == segment.len || slice_is (segment, ".") || slice_is (segment, ".."))
      return false;
    rest.data += taken;
    rest.len -= taken;
  }
  return true;
}

static enum err_code
load_location (struct s3_settings *settings, const char *location, struct err *err)
{
  const char *slash = strchr (location, '/');
  struct slice bucket = { location, NULL == slash ? strlen (location) : (size_t)(slash - location) };
  struct slice prefix = slice_of (NULL == slash ? "" : slash + 1);
  struct buffer text;

  while (prefix.len > 0 && '/' == prefix.data[prefix.len - 1])
    prefix.len--;
  if (! bucket_valid (bucket))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "artifact-store: '%.*s' is not the name of a bucket",
                    SLICE_ARG (bucket));
  if (! prefix_valid (prefix))
    return err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "artifact-store: the prefix '%.*s' is not a path of at most %d bytes in UTF-8 without empty, '.' and "
        "'..' segments and without control characters",
        SLICE_ARG (prefix), S3_KEY_BYTES - 1 - S3_NAME_MAX_BYTES - 1);
  buffer_init (&text, TEXT_MAX_BYTES);
  buffer_append (&text, prefix.data, prefix.len);
  if (prefix.len > 0)
    buffer_byte (&text, '/');
  settings->prefix = buffer_steal (&text);
  settings->bucket = strndup (bucket.data, bucket.len);
  return NULL == settings->prefix || NULL == settings->bucket ? out_of_memory (err) : ERR_OK;
}

/* --- endpoint ------------------------------------------------------------------------------------------------------
 */

/* The address of a service, taken apart. */
struct endpoint
{
  const char *scheme; /* "http" or "https" */
  struct slice host; /* with its port, unless that is the scheme's own */
  struct slice path; /* without a slash at its end */
};

static bool
endpoint_parse (struct endpoint *endpoint, const char *url)
{
  const char *separator = strstr (url, "://");
  struct slice rest = slice_of (NULL == separator ? "" : separator + strlen ("://"));
  const char *own_port;
  size_t host = 0;

  if (0 == strncasecmp (url, "http://", strlen ("http://")))
  {
    endpoint->scheme = "http";
    own_port = ":80";
  }
  else if (0 == strncasecmp (url, "https://", strlen ("https://")))
  {
    endpoint->scheme = "https";
    own_port = ":443";
  }
  else
    return false;
  if (! is_plain (url) || NULL != strpbrk (rest.data, "?#@"))
    return false;
  while (host < rest.len && '/' != rest.data[host])
    host++;
  endpoint->host = (struct slice){ rest.data, host };
  endpoint->path = (struct slice){ rest.data + host, rest.len - host };
  while (endpoint->path.len > 0 && '/' == endpoint->path.data[endpoint->path.len - 1])
    endpoint->path.len--;
  /* curl, like every client, leaves it out of the Host header, which is signed. */
  if (host > strlen (own_port)
      && slice_is ((struct slice){ rest.data + host - strlen (own_port), strlen (own_port) }, own_port))
    endpoint->host.len -= strlen (own_port);
  return endpoint->host.len > 0 && ':' != endpoint->host.data[0];
}

static enum err_code
load_endpoint (struct s3_settings *settings, const struct config *config, struct err *err)
{
  const char *url = setting_or_environment (config->s3_endpoint_url, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",
                                            "MLFLOW_S3_ENDPOINT_URL", NULL);
  const char *style = NULL == config->s3_address_style ? "" : config->s3_address_style;
  struct endpoint endpoint;
  struct buffer amazon;
  struct buffer host;
  struct buffer origin;
  struct buffer root;
  bool virtual_host;
  enum err_code code = ERR_OK;

  buffer_init (&amazon, TEXT_MAX_BYTES);
  buffer_init (&host, TEXT_MAX_BYTES);
  buffer_init (&origin, TEXT_MAX_BYTES);
  buffer_init (&root, TEXT_MAX_BYTES);
  if ('\0' != *style && 0 != strcmp (style, "path") && 0 != strcmp (style, "virtual"))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "s3-address-style is path or virtual, not '%s'", style);
  /* The certificate of a service covers one label in front of its name: a bucket with dots goes into the path. */
  virtual_host =
      '\0' != *style ? 0 == strcmp (style, "virtual") : '\0' == *url && NULL == strchr (settings->bucket, '.');
  if ('\0' == *url)
  {
    buffer_printf (&amazon, "https://s3.%s.amazonaws.com%s", settings->region,
                   0 == strncmp (settings->region, "cn-", 3) ? ".cn" : "");
    url = NULL == amazon.data ? "" : amazon.data;
  }
  if (! endpoint_parse (&endpoint, url))
  {
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "s3-endpoint-url is an address such as https://storage.example.com:9000, not '%s'", url);
    goto out;
  }
  if (virtual_host)
    buffer_printf (&host, "%s.", settings->bucket);
  buffer_append (&host, endpoint.host.data, endpoint.host.len);
  buffer_printf (&origin, "%s://%.*s", endpoint.scheme, SLICE_ARG (buffer_slice (&host)));
  buffer_append (&root, endpoint.path.data, endpoint.path.len);
  if (! virtual_host)
    buffer_printf (&root, "/%s", settings->bucket);
  if (host.failed || origin.failed || root.failed)
    code = out_of_memory (err);
  settings->host = buffer_steal (&host);
  settings->origin = buffer_steal (&origin);
  settings->root = buffer_steal (&root);

out:
  buffer_free (&amazon);
  buffer_free (&host);
  buffer_free (&origin);
  buffer_free (&root);
  return code;
}

/* --- who we are ----------------------------------------------------------------------------------------------------
 */

static enum err_code
load_credentials (struct s3_settings *settings, const struct config *config, struct err *err)
{
  const char *secret = NULL == config->s3_secret_access_key ? "" : config->s3_secret_access_key;
  /* A token belongs to the secret that it was given out with. */
  const char *token = '\0' != *secret ? "" : setting_or_environment ("", "AWS_SESSION_TOKEN", NULL);
  const char *id = setting_or_environment (config->s3_access_key_id, "AWS_ACCESS_KEY_ID", NULL);

  secret = setting_or_environment (secret, "AWS_SECRET_ACCESS_KEY", NULL);
  if ('\0' == *id || ! is_plain (id))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "s3-access-key-id, or the variable AWS_ACCESS_KEY_ID, must hold the access key for artifact-store");
  if ('\0' == *secret || ! is_plain (secret) || ! is_plain (token))
    return err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "s3-secret-access-key, or the variable AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN), must hold the "
        "secret of s3-access-key-id");
  settings->access_key_id = strdup (id);
  settings->secret_access_key = strdup (secret);
  settings->session_token = strdup (token);
  if (NULL == settings->access_key_id || NULL == settings->secret_access_key || NULL == settings->session_token)
    return out_of_memory (err);
  return ERR_OK;
}

static enum err_code
load_region (struct s3_settings *settings, const struct config *config, struct err *err)
{
  const char *region = setting_or_environment (config->s3_region, "AWS_REGION", "AWS_DEFAULT_REGION", NULL);

  if ('\0' == *region)
    region = DEFAULT_REGION;
  for (const char *c = region; '\0' != *c; c++)
  {
    if (! ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || '-' == *c || '_' == *c))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "s3-region is a name such as eu-central-1, not '%s'", region);
  }
  settings->region = strdup (region);
  return NULL == settings->region ? out_of_memory (err) : ERR_OK;
}

enum err_code
s3_settings_load (struct s3_settings *settings, const struct config *config, const char *location, struct err *err)
{
  enum err_code code;

  *settings = (struct s3_settings){ 0 };
  code = load_location (settings, location, err);
  if (ERR_OK == code)
    code = load_region (settings, config, err);
  if (ERR_OK == code)
    code = load_endpoint (settings, config, err);
  if (ERR_OK == code)
    code = load_credentials (settings, config, err);
  return code;
}

static void
wipe (char *secret)
{
  if (NULL != secret)
    OPENSSL_cleanse (secret, strlen (secret));
  free (secret);
}

void
s3_settings_free (struct s3_settings *settings)
{
  free (settings->origin);
  free (settings->host);
  free (settings->root);
  free (settings->bucket);
  free (settings->prefix);
  free (settings->region);
  free (settings->access_key_id);
  wipe (settings->secret_access_key);
  wipe (settings->session_token);
  *settings = (struct s3_settings){ 0 };
}
