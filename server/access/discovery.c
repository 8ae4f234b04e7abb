/* Documents in which providers describe themselves. */
#include "access/discovery.h"

#include "access/fetch.h"
#include "access/foreign_json.h"

#include <strings.h>

/* Longest address that is taken: browsers and proxies know none that are longer. */
#define URL_MAX_BYTES 2048

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static bool
begins (struct slice text, const char *with)
{
  size_t length = strlen (with);

  return text.len >= length && 0 == strncasecmp (text.data, with, length);
}

/* "127." and three more numbers: no name that only begins like an address. */
static bool
is_loopback_address (struct slice host)
{
  if (! begins (host, "127."))
    return false;
  for (size_t i = 0; i < host.len; i++)
    if (! (host.data[i] >= '0' && host.data[i] <= '9') && '.' != host.data[i])
      return false;
  return true;
}

bool
discovery_url_valid (bool *is_loopback, struct slice url, bool may_be_plain)
{
  bool plain = begins (url, "http://");
  struct slice host;
  size_t length = 0;
  bool loopback;

  if (NULL != is_loopback)
    *is_loopback = false;
  if (url.len > URL_MAX_BYTES || (! plain && ! begins (url, "https://")))
    return false;
  for (size_t i = 0; i < url.len; i++)
    if (url.data[i] <= ' ' || url.data[i] > '~' || '#' == url.data[i] || '\\' == url.data[i])
      return false;
  host = (struct slice){ url.data + (plain ? 7 : 8), url.len - (plain ? 7 : 8) };
  while (length < host.len && '/' != host.data[length] && '?' != host.data[length])
    length++;
  host.len = length;
  if (0 == length || NULL != memchr (host.data, '@', length))
    return false;
  /* An address of IPv6 stands in brackets; only behind it can a port be. */
  if ('[' == host.data[0])
  {
    const char *end = memchr (host.data, ']', length);

    if (NULL == end)
      return false;
    host.len = (size_t)(end - host.data) + 1;
  }
  else if (NULL != memchr (host.data, ':', length))
    host.len = (size_t)((const char *)memchr (host.data, ':', length) - host.data);
  loopback = (9 == host.len && begins (host, "localhost")) || slice_is (host, "[::1]") || is_loopback_address (host);
  if (NULL != is_loopback)
    *is_loopback = loopback;
  return host.len > 0 && (! plain || (may_be_plain && loopback));
}

const char *
discovery_url (struct slice issuer, struct arena *arena)
{
  /* A slash at the end is no part of the path here (OpenID Connect Discovery, 4.1). */
  if (issuer.len > 0 && '/' == issuer.data[issuer.len - 1])
    issuer.len--;
  return arena_printf (arena, "%.*s/.well-known/openid-configuration", SLICE_ARG (issuer));
}

/* --- the document ------------------------------------------------------------------------------------------------- */

/* Copy an address that the document names; false when it may not be asked. */
static bool
take_url (const char **url, const json_t *document, const char *name, bool may_be_plain, struct arena *arena)
{
  struct slice text = foreign_json_text (document, name);

  *url = NULL;
  if (NULL == text.data || ! discovery_url_valid (NULL, text, may_be_plain))
    return false;
  *url = arena_string (arena, text);
  return true;
}

/* Whether an array of the document lists a word; `fallback` when there is no such array. */
static bool
lists (const json_t *document, const char *name, const char *word, bool fallback)
{
  const json_t *list = json_object_get (document, name);
  size_t index;
  const json_t *item;

  if (! json_is_array (list))
    return fallback;
  json_array_foreach (list, index, item)
  {
    if (json_is_string (item) && 0 == strcmp (json_string_value (item), word))
      return true;
  }
  return false;
}

/* What is wrong with the document; NULL: nothing. */
static const char *
take_members (struct discovery *discovery, const json_t *document, struct slice issuer, bool may_be_plain,
              struct arena *arena)
{
  if (! slice_equal (foreign_json_text (document, "issuer"), issuer))
    return "discovery: issuer is not exactly oidc-issuer";
  if (! take_url (&discovery->authorization, document, "authorization_endpoint", may_be_plain, arena))
    return "discovery: no usable authorization_endpoint";
  if (! take_url (&discovery->token, document, "token_endpoint", may_be_plain, arena))
    return "discovery: no usable token_endpoint";
  if (! take_url (&discovery->keys, document, "jwks_uri", may_be_plain, arena))
    return "discovery: no usable jwks_uri";
  if (NULL != json_object_get (document, "userinfo_endpoint")
      && ! take_url (&discovery->user_info, document, "userinfo_endpoint", may_be_plain, arena))
    return "discovery: no usable userinfo_endpoint";
  discovery->takes_basic = lists (document, "token_endpoint_auth_methods_supported", "client_secret_basic", true);
  discovery->names_issuer = json_is_true (json_object_get (document, "authorization_response_iss_parameter_supported"));
  return NULL;
}

enum err_code
discovery_read (struct discovery *discovery, struct slice json, struct slice issuer, bool may_be_plain,
                struct arena *arena, struct err *err)
{
  bool no_memory = false;
  json_t *document = foreign_json_object (&no_memory, json, arena);
  const char *wrong;

  *discovery = (struct discovery){ 0 };
  wrong = NULL == document ? "discovery: not a JSON object"
                           : take_members (discovery, document, issuer, may_be_plain, arena);
  json_decref (document);
  if (no_memory || arena_overflowed (arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return NULL == wrong ? ERR_OK : fetch_unavailable (err, wrong);
}
