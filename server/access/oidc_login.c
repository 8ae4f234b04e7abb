/* Logins of people at the provider: the authorization code flow with PKCE (OpenID Connect Core, 3.1; RFC 7636).

   DESIGN
   Four secrets of 256 random bits belong to a login. `state` goes through the provider and back, and finds the row;
   only its digest is kept. The cookie says that it is the same browser that comes back, so that nobody can make
   somebody else's browser log in to an account of his own; only its digest is kept too. `nonce` comes back in the
   identity token, which so belongs to this login. The verifier is shown to the provider with the code, which so is of
   no use to whoever has seen the URL. The row is taken out with the first return. */
#include "access/access_private.h"
#include "access/fetch.h"
#include "access/foreign_json.h"
#include "access/oidc.h"
#include "access/oidc_private.h"
#include "base/clock.h"
#include "base/url.h"
#include "store/login_attempt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

/* The address at the provider and the form for its token endpoint: redirect_uri, code and secret in three bytes each,
   and room. */
#define FORM_MAX_BYTES ((size_t)64 * 1024)
/* Longest code: providers that put data into it have some KiB, and max-url-bytes holds anyway. */
#define CODE_MAX_BYTES 8192
/* Longest access token, for the header that asks for more claims. */
#define ACCESS_TOKEN_MAX_BYTES ((size_t)64 * 1024)

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

static enum err_code
no_provider (struct err *err)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No OpenID Connect provider is set (oidc-issuer).");
}

/* Append "name=value&". */
static void
add_field (struct buffer *form, const char *name, struct slice value)
{
  buffer_text (form, name);
  buffer_byte (form, '=');
  url_encode (form, value);
  buffer_byte (form, '&');
}

/* Take the last "&" off, and move the text into the arena; NULL when memory is out. */
static const char *
end_fields (struct buffer *form, struct arena *arena)
{
  struct slice text = buffer_slice (form);
  const char *copy = NULL;

  text.len -= text.len > 0;
  if (! form->failed)
    copy = arena_string (arena, text);
  /* It may hold a secret. */
  if (NULL != form->data)
    OPENSSL_cleanse (form->data, form->len);
  buffer_free (form);
  return copy;
}

/* --- leaving ------------------------------------------------------------------------------------------------------ */

enum err_code
oidc_begin (struct oidc_departure *departure, struct access *access, struct store_connection *connection,
            struct slice next, struct slice redirect_uri, struct arena *arena, struct err *err)
{
  const struct config *config = access->config;
  int64_t now_ms = clock_wall_ms ();
  struct store_login_attempt attempt = { .next_path = next, .expires_at_ms = now_ms + (int64_t)OIDC_ATTEMPT_S * 1000 };
  char challenge[DIGEST_BASE64URL_BYTES];
  struct discovery discovery;
  struct digest ignored;
  struct digest verifier;
  struct buffer url;
  enum err_code code;

  if (NULL == access->provider)
    return no_provider (err);
  code = provider_discovery (&discovery, access->provider, arena, err);
  if (ERR_OK != code)
    return code;
  if (! credential_new (&departure->state, &attempt.state, "", arena)
      || ! credential_new (&departure->browser_secret, &attempt.browser, "", arena)
      || ! credential_new (&attempt.nonce, &ignored, "", arena)
      || ! credential_new (&attempt.verifier, &verifier, "", arena))
    return out_of_memory (err);
  code = store_login_attempt_add (connection, &attempt, now_ms, err);
  if (ERR_OK != code)
    return code;
  /* The S256 challenge is the digest of the verifier's text (RFC 7636, 4.2), which credential_new has made. */
  digest_base64url (challenge, &verifier);
  buffer_init (&url, FORM_MAX_BYTES);
  buffer_printf (&url, "%s%c", discovery.authorization, NULL == strchr (discovery.authorization, '?') ? '?' : '&');
  add_field (&url, "response_type", SLICE ("code"));
  add_field (&url, "client_id", slice_of (config->oidc_client_id));
  add_field (&url, "redirect_uri", redirect_uri);
  add_field (&url, "scope", slice_of (config->oidc_scope));
  add_field (&url, "state", departure->state);
  add_field (&url, "nonce", attempt.nonce);
  add_field (&url, "code_challenge", slice_of (challenge));
  add_field (&url, "code_challenge_method", SLICE ("S256"));
  departure->url = slice_of (end_fields (&url, arena));
  return NULL == departure->url.data ? out_of_memory (err) : ERR_OK;
}

/* --- the code for tokens ------------------------------------------------------------------------------------------ */

/* The client's name and secret for Basic (RFC 6749, 2.3.1: encoded as a form first); NULL when memory is out. */
static const char *
basic (const struct config *config, struct arena *arena)
{
  struct buffer pair;
  char *text = NULL;

  buffer_init (&pair, FORM_MAX_BYTES);
  url_encode (&pair, slice_of (config->oidc_client_id));
  buffer_byte (&pair, ':');
  url_encode (&pair, slice_of (config->oidc_client_secret));
  if (! pair.failed)
    text = arena_alloc (arena, 6 + (pair.len + 2) / 3 * 4 + 1);
  if (NULL != text)
  {
    memcpy (text, "Basic ", 6);
    (void)EVP_EncodeBlock ((unsigned char *)text + 6, (const unsigned char *)pair.data, (int)pair.len);
  }
  if (NULL != pair.data)
    OPENSSL_cleanse (pair.data, pair.len);
  buffer_free (&pair);
  return text;
}

/* What the provider says of an exchange that it refuses, for the log: its error code, when that looks like one. */
static enum err_code
exchange_refused (const struct fetch_answer *answer, struct arena *arena, struct err *err)
{
  json_t *object = foreign_json_object (NULL, buffer_slice (&answer->body), arena);
  struct slice reason = foreign_json_text (object, "error");
  char cause[128];
  enum err_code code;

  snprintf (cause, sizeof (cause), "token endpoint: status %d, error %.*s", answer->status,
            (int)(reason.len < 60 ? reason.len : 60), 0 == reason.len ? "" : reason.data);
  /* A code that was used, or is too old, is the browser's fault; everything else is in the settings or at the provider.
   */
  if (slice_is (reason, "invalid_grant"))
    code = err_set_cause (err, ERR_UNAUTHENTICATED, cause, "The OpenID Connect provider does not accept the login.");
  else
    code = fetch_unavailable (err, cause);
  json_decref (object);
  return code;
}

/* The answer of the token endpoint; the caller owns it. */
static enum err_code
exchange (json_t **tokens, struct access *access, const struct discovery *discovery,
          const struct store_login_attempt *attempt, const struct oidc_return *back, struct arena *arena,
          struct err *err)
{
  const struct config *config = access->config;
  bool has_secret = '\0' != config->oidc_client_secret[0];
  struct fetch_request request = { .url = discovery->token, .may_be_plain = provider_may_be_plain (access->provider) };
  struct fetch_answer answer;
  struct buffer form;
  enum err_code code;

  *tokens = NULL;
  buffer_init (&form, FORM_MAX_BYTES);
  add_field (&form, "grant_type", SLICE ("authorization_code"));
  add_field (&form, "code", back->code);
  add_field (&form, "redirect_uri", back->redirect_uri);
  add_field (&form, "code_verifier", attempt->verifier);
  if (! has_secret || ! discovery->takes_basic)
    add_field (&form, "client_id", slice_of (config->oidc_client_id));
  if (has_secret && ! discovery->takes_basic)
    add_field (&form, "client_secret", slice_of (config->oidc_client_secret));
  request.form = end_fields (&form, arena);
  request.authorization = has_secret && discovery->takes_basic ? basic (config, arena) : NULL;
  if (NULL == request.form || (has_secret && discovery->takes_basic && NULL == request.authorization))
    return out_of_memory (err);
  fetch_answer_init (&answer);
  code = fetch (&answer, &request, err);
  if (ERR_OK == code && 200 != answer.status)
    code = exchange_refused (&answer, arena, err);
  else if (ERR_OK == code)
  {
    *tokens = foreign_json_object (NULL, buffer_slice (&answer.body), arena);
    if (NULL == *tokens)
      code = fetch_unavailable (err, "token endpoint: the answer is not a JSON object");
  }
  fetch_answer_free (&answer);
  return code;
}

/* --- more claims -------------------------------------------------------------------------------------------------- */

/* Whether a text can stand in a header. */
static bool
is_plain (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
    if (text.data[i] <= ' ' || text.data[i] > '~')
      return false;
  return text.len > 0;
}

/* Many providers put only the subject into the identity token; names and groups are at the userinfo endpoint. What it
   says must be of the same subject (OpenID Connect Core, 5.3.2). `claims` stays NULL when there is nothing to ask; the
   caller owns it. */
static enum err_code
ask_user_info (json_t **claims, struct access *access, const struct discovery *discovery, const json_t *tokens,
               const json_t *token_claims, struct arena *arena, struct err *err)
{
  const struct config *config = access->config;
  struct slice access_token = foreign_json_text (tokens, "access_token");
  struct fetch_request request = { .url = discovery->user_info,
                                   .may_be_plain = provider_may_be_plain (access->provider) };
  struct fetch_answer answer;
  char cause[64];
  enum err_code code;

  *claims = NULL;
  if (NULL == discovery->user_info || access_token.len > ACCESS_TOKEN_MAX_BYTES || ! is_plain (access_token)
      || (NULL != json_object_get (token_claims, config->oidc_username_claim)
          && ('\0' == config->oidc_groups_claim[0]
              || NULL != json_object_get (token_claims, config->oidc_groups_claim))))
    return ERR_OK;
  request.authorization = arena_printf (arena, "Bearer %.*s", SLICE_ARG (access_token));
  if (NULL == request.authorization)
    return out_of_memory (err);
  fetch_answer_init (&answer);
  code = fetch (&answer, &request, err);
  if (ERR_OK == code && (200 != answer.status || ! answer.is_json))
  {
    snprintf (cause, sizeof (cause), "userinfo: status %d%s", answer.status, answer.is_json ? "" : ", not JSON");
    code = fetch_unavailable (err, cause);
  }
  if (ERR_OK == code)
    *claims = foreign_json_object (NULL, buffer_slice (&answer.body), arena);
  if (ERR_OK == code
      && (NULL == *claims
          || ! slice_equal (foreign_json_text (*claims, "sub"), foreign_json_text (token_claims, "sub"))))
    code = fetch_unavailable (err, "userinfo: no JSON object of the same subject");
  fetch_answer_free (&answer);
  return code;
}

/* --- coming back -------------------------------------------------------------------------------------------------- */

/* Take the login out that this browser began. */
static enum err_code
take_attempt (struct store_login_attempt *attempt, struct store_connection *connection, const struct oidc_return *back,
              struct arena *arena, struct err *err)
{
  struct digest state;
  struct digest browser;
  enum err_code code = ERR_RESOURCE_DOES_NOT_EXIST;

  if (slice_filled (back->state) && slice_filled (back->browser_secret))
  {
    if (! digest_of (&state, back->state) || ! digest_of (&browser, back->browser_secret))
      return out_of_memory (err);
    code = store_login_attempt_take (attempt, connection, &state, &browser, clock_wall_ms (), arena, err);
  }
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "This login was not begun in this browser, was finished already, or took longer than %d minutes; "
                    "begin anew.",
                    OIDC_ATTEMPT_S / 60);
  return code;
}

/* The identity token of the answer, and the account that it stands for. */
static enum err_code
recognise (struct access_identity *identity, struct access *access, struct store_connection *connection,
           const struct discovery *discovery, const json_t *tokens, const struct store_login_attempt *attempt,
           struct slice address, struct arena *arena, struct err *err)
{
  struct slice text = foreign_json_text (tokens, "id_token");
  struct web_token token = { 0 };
  struct federation said;
  json_t *more = NULL;
  int64_t expires_at_ms;
  enum err_code code;

  if (0 == text.len)
    return fetch_unavailable (err, "token endpoint: no id_token");
  code = oidc_token (&token, &expires_at_ms, access, text, attempt->nonce, arena, err);
  if (ERR_OK == code)
    code = ask_user_info (&more, access, discovery, tokens, token.claims, arena, err);
  if (ERR_OK == code && ! oidc_said (&said, access, token.claims, more, arena, err))
    code = err->code;
  if (ERR_OK == code)
  {
    /* The provider was asked for everything: what it does not say is not so. */
    said.has_groups = '\0' != access->config->oidc_groups_claim[0];
    code = federation_account (identity, access, connection, &said, ACCESS_BY_JWT, address, arena, err);
  }
  json_decref (more);
  web_token_free (&token);
  return code;
}

enum err_code
oidc_finish (struct access_identity *identity, struct slice *next, struct access *access,
             struct store_connection *connection, const struct oidc_return *back, struct arena *arena, struct err *err)
{
  struct store_login_attempt attempt = { 0 };
  struct discovery discovery;
  json_t *tokens = NULL;
  enum err_code code;

  if (NULL == access->provider)
    return no_provider (err);
  code = take_attempt (&attempt, connection, back, arena, err);
  if (ERR_OK == code && (0 == back->code.len || back->code.len > CODE_MAX_BYTES))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "The provider has sent no code.");
  if (ERR_OK == code)
    code = provider_discovery (&discovery, access->provider, arena, err);
  /* A browser that was sent to another provider brings that one's code here. */
  if (ERR_OK == code && (discovery.names_issuer || NULL != back->issuer.data)
      && ! slice_equal (back->issuer, provider_issuer (access->provider)))
    code = err_set (err, ERR_UNAUTHENTICATED, "The login comes from another provider.");
  if (ERR_OK == code)
    code = exchange (&tokens, access, &discovery, &attempt, back, arena, err);
  if (ERR_OK == code)
    code = recognise (identity, access, connection, &discovery, tokens, &attempt, back->address, arena, err);
  json_decref (tokens);
  *next = attempt.next_path;
  return code;
}
