/* JSON Web Tokens that a provider has signed. */
#include "access/web_token.h"

#include "access/foreign_json.h"
#include "access/signature.h"
#include "base/base64url.h"

#include <errno.h>
#include <inttypes.h>
#include <jwt.h>
#include <openssl/err.h>
#include <strings.h>

/* Longest subject (OpenID Connect Core, 2). */
#define SUBJECT_MAX_BYTES 255

/* What version 1.10 of libjwt has no number for. */
#define NOT_OF_LIBJWT JWT_ALG_INVAL

struct web_token_algorithm
{
  const char *name;
  jwt_alg_t number; /* libjwt's, or NOT_OF_LIBJWT */
  enum web_token_key key;
  const char *digest;
  bool is_pss;
};

/* Everything else is refused: "none", the HMACs, and what nobody has asked for (EdDSA, ES256K). */
static const struct web_token_algorithm algorithms[] = {
  { "RS256", JWT_ALG_RS256, WEB_TOKEN_RSA, "SHA256", false },
  { "RS384", JWT_ALG_RS384, WEB_TOKEN_RSA, "SHA384", false },
  { "RS512", JWT_ALG_RS512, WEB_TOKEN_RSA, "SHA512", false },
  { "PS256", NOT_OF_LIBJWT, WEB_TOKEN_RSA, "SHA256", true },
  { "PS384", NOT_OF_LIBJWT, WEB_TOKEN_RSA, "SHA384", true },
  { "PS512", NOT_OF_LIBJWT, WEB_TOKEN_RSA, "SHA512", true },
  { "ES256", JWT_ALG_ES256, WEB_TOKEN_P256, "SHA256", false },
  { "ES384", JWT_ALG_ES384, WEB_TOKEN_P384, "SHA384", false },
  { "ES512", JWT_ALG_ES512, WEB_TOKEN_P521, "SHA512", false },
};

const struct web_token_algorithm *
web_token_algorithm (struct slice name)
{
  for (size_t i = 0; i < sizeof (algorithms) / sizeof (algorithms[0]); i++)
    if (slice_is (name, algorithms[i].name))
      return &algorithms[i];
  return NULL;
}

const char *
web_token_algorithm_name (const struct web_token_algorithm *algorithm)
{
  return algorithm->name;
}

enum web_token_key
web_token_algorithm_key (const struct web_token_algorithm *algorithm)
{
  return algorithm->key;
}

const char *
web_token_algorithm_digest (const struct web_token_algorithm *algorithm)
{
  return algorithm->digest;
}

bool
web_token_algorithm_is_pss (const struct web_token_algorithm *algorithm)
{
  return algorithm->is_pss;
}

/* --- taking apart ------------------------------------------------------------------------------------------------- */

static enum err_code
refuse (struct err *err, const char *what)
{
  return err_set (err, ERR_UNAUTHENTICATED, "The JWT cannot be accepted: %s.", what);
}

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

/* A part of the token as a JSON object. */
static enum err_code
read_part (json_t **object, struct slice part, const char *wrong, struct arena *arena, struct err *err)
{
  struct slice text;
  bool no_memory = false;

  *object = NULL;
  if (base64url_decode (&text, part, arena))
    *object = foreign_json_object (&no_memory, text, arena);
  if (NULL != *object)
    return ERR_OK;
  if (no_memory || arena_overflowed (arena))
    return out_of_memory (err);
  return refuse (err, wrong);
}

/* The part up to the next point, or to the end; `rest` begins behind it, or is absent at the end. */
static struct slice
next_part (struct slice *rest)
{
  const char *point = 0 == rest->len ? NULL : memchr (rest->data, '.', rest->len);
  struct slice part = *rest;

  if (NULL == point)
    *rest = (struct slice){ NULL, 0 };
  else
  {
    part.len = (size_t)(point - rest->data);
    *rest = (struct slice){ point + 1, rest->len - part.len - 1 };
  }
  return part;
}

/* What may stand in `typ`, in any case (RFC 7519, 5.1; RFC 9068, 2.1). Other types are other promises of the same
   issuer, such as "logout+jwt". */
static bool
read_type (bool *is_access, const json_t *header)
{
  const json_t *member = json_object_get (header, "typ");
  const char *type = json_string_value (member);

  *is_access = NULL != type && (0 == strcasecmp (type, "at+jwt") || 0 == strcasecmp (type, "application/at+jwt"));
  return NULL == member || *is_access || (NULL != type && 0 == strcasecmp (type, "JWT"));
}

static enum err_code
read_header (struct web_token *token, struct err *err)
{
  const json_t *key_id = json_object_get (token->header, "kid");

  token->algorithm = web_token_algorithm (foreign_json_text (token->header, "alg"));
  if (NULL == token->algorithm)
    return refuse (err, "its algorithm is not one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and ES512");
  /* Extensions that must be understood: none is. Without it an unencoded payload (RFC 7797) is no option either. */
  if (NULL != json_object_get (token->header, "crit") || NULL != json_object_get (token->header, "b64"))
    return refuse (err, "its header asks for extensions");
  if (! read_type (&token->is_access, token->header))
    return refuse (err, "its type is not JWT");
  if (NULL != key_id && ! json_is_string (key_id))
    return refuse (err, "the name of its key is not a string");
  token->key_id = foreign_json_text (token->header, "kid");
  return ERR_OK;
}

enum err_code
web_token_read (struct web_token *token, struct slice text, struct arena *arena, struct err *err)
{
  struct slice rest = text;
  struct slice header;
  struct slice claims;
  struct slice signature;
  enum err_code code;

  *token = (struct web_token){ 0 };
  if (text.len > WEB_TOKEN_MAX_BYTES)
    return refuse (err, "it is too long");
  header = next_part (&rest);
  claims = next_part (&rest);
  signature = next_part (&rest);
  /* Five parts are an encrypted token. */
  if (NULL == signature.data || NULL != rest.data)
    return refuse (err, "it has not three parts");
  if (! base64url_valid (signature) || 0 == signature.len)
    return refuse (err, "it has no signature");
  code = read_part (&token->header, header, "its header is not readable", arena, err);
  if (ERR_OK == code)
    code = read_header (token, err);
  if (ERR_OK == code)
    code = read_part (&token->claims, claims, "its claims are not readable", arena, err);
  if (ERR_OK != code)
    return code;
  token->text = arena_string (arena, text);
  token->signed_bytes = (size_t)(signature.data - text.data) - 1;
  return NULL == token->text ? out_of_memory (err) : ERR_OK;
}

void
web_token_free (struct web_token *token)
{
  json_decref (token->header);
  json_decref (token->claims);
  *token = (struct web_token){ 0 };
}

/* --- claims ------------------------------------------------------------------------------------------------------- */

/* Whether `aud` is the audience or has it; `alone` when it has nothing else. */
static bool
has_audience (bool *alone, const json_t *claims, struct slice audience)
{
  const json_t *member = json_object_get (claims, "aud");
  bool found = false;
  size_t index;
  const json_t *item;

  *alone = true;
  if (json_is_string (member))
    return slice_equal (foreign_json_text (claims, "aud"), audience);
  json_array_foreach (member, index, item)
  {
    if (! json_is_string (item))
      return false;
    if (slice_equal ((struct slice){ json_string_value (item), json_string_length (item) }, audience))
      found = true;
    else
      *alone = false;
  }
  return found;
}

static enum err_code
check_times (int64_t *expires_at_s, const struct web_token *token, const struct web_token_wish *wish, struct err *err)
{
  int64_t expires_s = 0;
  int64_t begins_s = 0;
  int64_t issued_s = 0;
  bool present;

  if (! foreign_json_time (&expires_s, &present, token->claims, "exp"))
    return refuse (err, present ? "exp is not a time" : "it has no exp");
  *expires_at_s = expires_s + WEB_TOKEN_LEEWAY_S;
  if (*expires_at_s <= wish->now_s)
    return refuse (err, "it has expired");
  if (! foreign_json_time (&begins_s, &present, token->claims, "nbf") && present)
    return refuse (err, "nbf is not a time");
  if (present && begins_s - WEB_TOKEN_LEEWAY_S > wish->now_s)
    return refuse (err, "it is not valid yet");
  if (! foreign_json_time (&issued_s, &present, token->claims, "iat") && present)
    return refuse (err, "iat is not a time");
  if (present && issued_s - WEB_TOKEN_LEEWAY_S > wish->now_s)
    return refuse (err, "it was issued in the future");
  if (! present && NULL != wish->nonce.data)
    return refuse (err, "it has no iat");
  return ERR_OK;
}

/* What an identity token must have beside. */
static enum err_code
check_identity (const struct web_token *token, const struct web_token_wish *wish, bool alone, struct err *err)
{
  const json_t *party = json_object_get (token->claims, "azp");

  if (token->is_access)
    return refuse (err, "it is an access token");
  if (! slice_filled (wish->nonce) || ! slice_equal (foreign_json_text (token->claims, "nonce"), wish->nonce))
    return refuse (err, "it belongs to another login");
  if ((NULL != party || ! alone) && ! slice_equal (foreign_json_text (token->claims, "azp"), wish->audience))
    return refuse (err, "it was issued to another client");
  return ERR_OK;
}

enum err_code
web_token_check (int64_t *expires_at_s, const struct web_token *token, const struct web_token_wish *wish,
                 struct err *err)
{
  struct slice issuer = foreign_json_text (token->claims, "iss");
  struct slice subject = foreign_json_text (token->claims, "sub");
  bool alone;
  enum err_code code;

  if (0 == issuer.len || ! slice_equal (issuer, wish->issuer))
    return refuse (err, "it is from another issuer");
  if (0 == wish->audience.len || ! has_audience (&alone, token->claims, wish->audience))
    return refuse (err, "it is for another audience");
  if (0 == subject.len || subject.len > SUBJECT_MAX_BYTES)
    return refuse (err, "it has no subject, or a too long one");
  /* A logout token that has no type: what it says is that a session is over (OpenID Connect Back-Channel Logout, 2.4).
   */
  if (NULL != json_object_get (token->claims, "events"))
    return refuse (err, "it reports an event");
  code = check_times (expires_at_s, token, wish, err);
  if (ERR_OK == code && NULL != wish->nonce.data)
    code = check_identity (token, wish, alone, err);
  return code;
}

/* --- the signature ------------------------------------------------------------------------------------------------ */

/* By libjwt. */
static enum err_code
verify (bool *valid, const struct web_token *token, const char *pem, struct err *err)
{
  jwt_t *decoded = NULL;
  int result = jwt_decode (&decoded, token->text, (const unsigned char *)pem, (int)strlen (pem));

  *valid = 0 == result && token->algorithm->number == jwt_get_alg (decoded);
  if (0 == result)
    jwt_free (decoded);
  /* What went wrong lies in a queue of the thread, where the next caller would take it for its own. */
  ERR_clear_error ();
  return ENOMEM == result ? out_of_memory (err) : ERR_OK;
}

enum err_code
web_token_verify (const struct web_token *token, const char *pem, struct arena *arena, struct err *err)
{
  struct slice signature = slice_of (token->text + token->signed_bytes + 1);
  enum err_code code = ERR_OK;
  bool valid = false;

  if (! token->is_access && NOT_OF_LIBJWT != token->algorithm->number)
    code = verify (&valid, token, pem, err);
  else if (base64url_decode (&signature, signature, arena))
    valid = signature_valid (token->algorithm, pem, (struct slice){ token->text, token->signed_bytes }, signature);
  if (ERR_OK != code)
    return code;
  return valid ? ERR_OK : refuse (err, "its signature is wrong");
}
