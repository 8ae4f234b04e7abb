/* Logins of browsers at the OpenID Connect provider.

   DESIGN
   Both routes answer browsers with redirects only, also when something is wrong: then to the login page, with what it
   is to show. Whoever does not ask for HTML gets the error itself. Each login has a cookie of its own, named after its
   state, so that logins in several tabs do not disturb each other; it is sent to these two routes only. */
#include "api/login_oidc.h"

#include "access/oidc.h"
#include "api/decode.h"
#include "api/gate.h"
#include "api/public_url.h"
#include "api/route.h"
#include "api/session.h"
#include "base/base64url.h"
#include "base/log.h"
#include "base/url.h"

/* Where logins come back to, below the prefix of the API; as in table/routes.def. */
#define CALLBACK "/login/oidc/callback"
#define COOKIES "/login/oidc"
/* Names of the cookies, and how much of the state is in them: so that two logins of one browser differ. */
#define COOKIE_PREFIX "tally_login_"
#define COOKIE_STATE_BYTES 8
/* As the default of max-url-bytes: the address of the page that wanted a login. */
#define PATH_MAX_BYTES 8192
#define URL_MAX_BYTES ((size_t)16 * 1024)

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

bool
login_oidc_is_local (struct slice path)
{
  if (0 == path.len || path.len > PATH_MAX_BYTES || '/' != path.data[0])
    return false;
  /* "//host" is another host, and browsers take a backslash for a slash. They also drop tabs and line ends before they
     look, so nothing that is not printable passes. */
  if (path.len > 1 && '/' == path.data[1])
    return false;
  for (size_t i = 0; i < path.len; i++)
    if (path.data[i] <= ' ' || path.data[i] > '~' || '\\' == path.data[i])
      return false;
  return true;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static enum err_code
redirect (struct api_call *call, struct slice where, struct err *err)
{
  if (NULL == where.data)
    return out_of_memory (err);
  api_header (call, "Location", where);
  call->status = 302;
  return ERR_OK;
}

static bool
wants_page (const struct api_call *call)
{
  struct slice accept = call->headers[CALL_ACCEPT];

  return NULL != accept.data && NULL != memmem (accept.data, accept.len, "text/html", 9);
}

/* What became of it, for the log and the audit trail; and to the login page, where a browser shows it. */
static enum err_code
answer_error (struct api_call *call, enum err_code code, struct err *err)
{
  struct slice prefix = api_static_prefix (call->service->config);
  struct buffer where;
  const char *text = NULL;

  if (ERR_UNAUTHENTICATED == code)
  {
    gate_note_refused (call, "login.refused", (struct slice){ NULL, 0 }, err);
    /* RFC 9110, 15.5.2 wants a challenge; Basic would open a window of the browser's own. */
    api_header (call, "WWW-Authenticate", SLICE ("Bearer realm=\"mlflow\""));
  }
  if (! wants_page (call))
    return code;
  if ('\0' != err->cause[0])
    log_line (EVENT_oidc_failed, LOG_TEXT ("error", err_name (code)), LOG_TEXT ("message", err->message),
              LOG_TEXT ("cause", err->cause));
  buffer_init (&where, URL_MAX_BYTES);
  buffer_printf (&where, "%.*s/#/login?error=", SLICE_ARG (prefix));
  url_encode (&where, slice_of (err->message));
  if (! where.failed)
    text = arena_string (call->arena, buffer_slice (&where));
  buffer_free (&where);
  if (NULL == text)
    return code;
  err_clear (err);
  return redirect (call, slice_of (text), err);
}

/* --- the address of the callback, and the cookie ------------------------------------------------------------------ */

/* This server's callback as the browser knows it; absent with the error set. */
static struct slice
redirect_uri (struct api_call *call, struct err *err)
{
  struct buffer url;
  const char *text = NULL;
  enum err_code code;

  buffer_init (&url, URL_MAX_BYTES);
  code = api_public_url (&url, call, "A login at the provider", err);
  buffer_printf (&url, "%s" CALLBACK, route_prefix_paths (PREFIX_TALLY)[0]);
  if (ERR_OK == code && ! url.failed)
    text = arena_string (call->arena, buffer_slice (&url));
  if (ERR_OK == code && NULL == text)
    (void)out_of_memory (err);
  buffer_free (&url);
  return slice_of (text);
}

/* NULL for a state that cannot be ours, and when memory is out. */
static const char *
cookie_name (struct api_call *call, struct slice state)
{
  return state.len < COOKIE_STATE_BYTES || ! base64url_valid (state)
             ? NULL
             : arena_printf (call->arena, COOKIE_PREFIX "%.*s", COOKIE_STATE_BYTES, state.data);
}

/* Set the cookie of a login, or with an empty value take it away. Its path is what the browser sees of ours: a proxy
   may have put something in front. */
static enum err_code
set_cookie (struct api_call *call, struct slice state, struct slice value, struct slice callback, struct err *err)
{
  bool is_plain = ! call->credentials->is_secure && call->credentials->is_local;
  const char *name = cookie_name (call, state);
  const char *host = strstr (callback.data, "://") + 3;
  const char *path = strchr (host, '/');
  const char *text = NULL;

  if (NULL != name && NULL != path)
    text = arena_printf (call->arena, "%s=%.*s; Path=%.*s; Max-Age=%d; HttpOnly; SameSite=Lax%s", name,
                         SLICE_ARG (value), (int)(strlen (path) - strlen (CALLBACK) + strlen (COOKIES)), path,
                         0 == value.len ? 0 : OIDC_ATTEMPT_S, is_plain ? "" : "; Secure");
  if (NULL == text)
    return out_of_memory (err);
  api_header (call, "Set-Cookie", slice_of (text));
  return ERR_OK;
}

/* --- leaving ------------------------------------------------------------------------------------------------------ */

struct begin_request
{
  struct slice next;
};

static const struct field begin_fields[] = {
  { .name = "next", .type = FIELD_STRING, .offset = offsetof (struct begin_request, next) },
};

static const struct schema begin_schema = SCHEMA (begin_fields, struct begin_request);

static enum err_code
begin (struct api_call *call, struct err *err)
{
  struct begin_request request;
  struct oidc_departure departure;
  struct slice callback;
  enum err_code code = api_decode (&request, call, &begin_schema, err);

  if (ERR_OK != code)
    return code;
  if (NULL == request.next.data)
    request.next =
        slice_of (arena_printf (call->arena, "%.*s/", SLICE_ARG (api_static_prefix (call->service->config))));
  if (! login_oidc_is_local (request.next))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The parameter next must be a path of this server.");
  callback = redirect_uri (call, err);
  if (NULL == callback.data)
    return err->code;
  code = oidc_begin (&departure, call->service->access, call->connection, request.next, callback, call->arena, err);
  if (ERR_OK == code)
    code = set_cookie (call, departure.state, departure.browser_secret, callback, err);
  return ERR_OK == code ? redirect (call, departure.url, err) : code;
}

enum err_code
api_login_oidc (struct api_call *call, struct err *err)
{
  enum err_code code = begin (call, err);

  return ERR_OK == code ? ERR_OK : answer_error (call, code, err);
}

/* --- coming back -------------------------------------------------------------------------------------------------- */

struct return_request
{
  struct slice code;
  struct slice state;
  struct slice issuer;
  struct slice error;
};

static const struct field return_fields[] = {
  { .name = "code", .type = FIELD_STRING, .offset = offsetof (struct return_request, code) },
  { .name = "state", .type = FIELD_STRING, .offset = offsetof (struct return_request, state) },
  { .name = "iss", .type = FIELD_STRING, .offset = offsetof (struct return_request, issuer) },
  { .name = "error", .type = FIELD_STRING, .offset = offsetof (struct return_request, error) },
};

static const struct schema return_schema = SCHEMA (return_fields, struct return_request);

/* The provider has not logged the person in. Its word is shown only when it is one of the protocol's kind (RFC 6749,
   4.1.2.1): this URL may be anybody's. */
static enum err_code
provider_refused (struct slice error, struct err *err)
{
  bool is_word = error.len < 64;

  for (size_t i = 0; i < error.len && is_word; i++)
    is_word = (error.data[i] >= 'a' && error.data[i] <= 'z') || '_' == error.data[i];
  return err_set (err, ERR_UNAUTHENTICATED, "The OpenID Connect provider did not log you in (%.*s).",
                  is_word ? (int)error.len : 7, is_word ? error.data : "unknown");
}

static enum err_code
come_back (struct api_call *call, struct err *err)
{
  struct return_request request;
  struct access_identity identity;
  struct slice next;
  struct oidc_return back;
  const char *name;
  enum err_code code = api_decode (&request, call, &return_schema, err);

  if (ERR_OK != code)
    return code;
  if (NULL != request.error.data)
    return provider_refused (request.error, err);
  back = (struct oidc_return){ .code = request.code,
                               .state = request.state,
                               .issuer = request.issuer,
                               .redirect_uri = redirect_uri (call, err),
                               .address = call->credentials->address };
  if (NULL == back.redirect_uri.data)
    return err->code;
  name = cookie_name (call, request.state);
  if (NULL != name)
    back.browser_secret = credential_cookie (call->credentials->cookie, name);
  code = oidc_finish (&identity, &next, call->service->access, call->connection, &back, call->arena, err);
  if (slice_filled (back.browser_secret))
    (void)set_cookie (call, request.state, SLICE (""), back.redirect_uri, NULL);
  if (ERR_OK == code)
    code = api_session_begin (NULL, call, &identity, err);
  return ERR_OK == code ? redirect (call, next, err) : code;
}

enum err_code
api_login_oidc_callback (struct api_call *call, struct err *err)
{
  enum err_code code = come_back (call, err);

  return ERR_OK == code ? ERR_OK : answer_error (call, code, err);
}
