/* Tokens, key sets, discovery documents and claims: whatever they hold is read without harm, and nothing is believed
   that this provider's key has not signed. The input is a byte that picks one of them, then the text. */
#include "fuzz.h"

#include "access/discovery.h"
#include "access/federation.h"
#include "access/foreign_json.h"
#include "access/key_set.h"
#include "access/signature.h"
#include "access/web_token.h"
#include "base/base64url.h"
#include "base/utf8.h"

#include <string.h>

#define ARENA_BYTES ((size_t)8 * 1024 * 1024)

/* Two public keys of a provider; their other halves have signed the tokens of the corpus, and are gone. */
static const char keys[] =
#include "jwt_keys.h"
    ;

/* The time at which the tokens of the corpus are valid, in s. */
#define NOW 1700000000

static void
check_message (enum err_code code, const struct err *err)
{
  REQUIRE (code == err->code && '\0' != err->message[0]);
  REQUIRE (utf8_valid (slice_of (err->message)));
}

/* A token that was taken apart: both ways to verify it agree, and a signature is about all of the text. */
static void
check_token (struct web_token *token, struct slice text, const struct key_set *set, struct arena *arena)
{
  static const struct web_token_wish bearer = {
    .issuer = { "https://login.example.com", 25 }, .audience = { "tally", 5 }, .now_s = NOW, .nonce = { NULL, 0 }
  };
  struct slice signature = slice_of (token->text + token->signed_bytes + 1);
  const char *pem = key_set_find (set, token->algorithm, token->key_id);
  struct err err = { 0 };
  struct slice bytes;
  int64_t expires_at_s = 0;
  enum err_code checked;
  enum err_code verified;

  REQUIRE (slice_equal (slice_of (token->text), text));
  REQUIRE ('.' == token->text[token->signed_bytes]);
  REQUIRE (json_is_object (token->header) && json_is_object (token->claims));
  REQUIRE (NULL == json_object_get (token->header, "crit"));
  REQUIRE (base64url_decode (&bytes, signature, arena) && bytes.len > 0);
  checked = web_token_check (&expires_at_s, token, &bearer, &err);
  if (ERR_OK == checked)
    REQUIRE (expires_at_s > NOW && slice_equal (foreign_json_text (token->claims, "iss"), bearer.issuer));
  else
    check_message (checked, &err);
  if (NULL == pem)
    return;
  err = (struct err){ 0 };
  verified = web_token_verify (token, pem, arena, &err);
  REQUIRE ((ERR_OK == verified)
           == signature_valid (token->algorithm, pem, (struct slice){ token->text, token->signed_bytes }, bytes));
  if (ERR_OK != verified)
    check_message (verified, &err);
}

static void
run_token (struct slice text, struct arena *arena)
{
  static struct key_set *set;
  struct err err = { 0 };
  struct web_token token;
  enum err_code code;

  if (NULL == set)
    REQUIRE (ERR_OK == key_set_read (&set, slice_of (keys), arena, &err));
  code = web_token_read (&token, text, arena, &err);
  if (ERR_OK == code)
    check_token (&token, text, set, arena);
  else
    check_message (code, &err);
  web_token_free (&token);
}

static void
run_key_set (struct slice text, struct arena *arena)
{
  static const char *const names[] = {
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"
  };
  struct key_set *set = NULL;
  struct err err = { 0 };
  enum err_code code = key_set_read (&set, text, arena, &err);

  REQUIRE ((ERR_OK == code) == (NULL != set));
  if (ERR_OK != code)
  {
    check_message (code, &err);
    return;
  }
  REQUIRE (key_set_count (set) > 0);
  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
  {
    const char *pem = key_set_find (set, web_token_algorithm (slice_of (names[i])), (struct slice){ NULL, 0 });

    REQUIRE (NULL == pem || 0 == strncmp (pem, "-----BEGIN PUBLIC KEY-----\n", 27));
  }
  key_set_free (set);
}

static void
run_discovery (struct slice text, struct arena *arena)
{
  const char *urls[4];
  struct discovery discovery;
  struct err err = { 0 };
  enum err_code code = discovery_read (&discovery, text, SLICE ("https://a"), false, arena, &err);

  if (ERR_OK != code)
  {
    check_message (code, &err);
    return;
  }
  urls[0] = discovery.authorization;
  urls[1] = discovery.token;
  urls[2] = discovery.keys;
  urls[3] = discovery.user_info;
  for (size_t i = 0; i < 4; i++)
    REQUIRE (3 == i && NULL == urls[i] ? true
                                       : NULL != urls[i] && discovery_url_valid (NULL, slice_of (urls[i]), false));
}

static void
run_claims (struct slice text, struct arena *arena)
{
  json_t *claims = foreign_json_object (NULL, text, arena);
  struct federation said = { .has_groups = false };
  struct err err = { 0 };
  int64_t seconds;
  bool present;

  if (NULL == claims)
    return;
  if (foreign_json_time (&seconds, &present, claims, "exp"))
    REQUIRE (present);
  if (federation_groups (&said, json_object_get (claims, "groups"), arena, &err))
    for (size_t i = 0; i < said.group_count; i++)
      REQUIRE (said.has_groups && utf8_valid (said.groups[i]));
  else
    check_message (err.code, &err);
  json_decref (claims);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct arena *arena;
  struct slice text;

  if (0 == size)
    return 0;
  arena = arena_new (ARENA_BYTES);
  REQUIRE (NULL != arena);
  text = (struct slice){ (const char *)data + 1, size - 1 };
  switch (data[0])
  {
  case 'k':
    run_key_set (text, arena);
    break;
  case 'd':
    run_discovery (text, arena);
    break;
  case 'c':
    run_claims (text, arena);
    break;
  default:
    run_token (text, arena);
    break;
  }
  arena_free (arena);
  return 0;
}
