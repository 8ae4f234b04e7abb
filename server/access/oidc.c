/* Programs that bring a JWT of the provider. */
#include "access/oidc.h"

#include "access/access_private.h"
#include "access/foreign_json.h"
#include "access/oidc_private.h"
#include "base/clock.h"

struct slice
oidc_issuer (const struct access *access)
{
  return NULL == access->provider ? (struct slice){ NULL, 0 } : provider_issuer (access->provider);
}

enum err_code
oidc_token (struct web_token *token, int64_t *expires_at_ms, struct access *access, struct slice text,
            struct slice nonce, struct arena *arena, struct err *err)
{
  const struct config *config = access->config;
  struct web_token_wish wish = { .issuer = provider_issuer (access->provider),
                                 .audience = slice_of (config->oidc_client_id),
                                 .now_s = clock_wall_ms () / 1000,
                                 .nonce = nonce };
  const char *pem = NULL;
  int64_t expires_at_s = 0;
  enum err_code code = web_token_read (token, text, arena, err);

  if (NULL == nonce.data && '\0' != config->oidc_audience[0])
    wish.audience = slice_of (config->oidc_audience);
  /* Before the key is looked for: a token of somebody else must not make this server ask the provider. */
  if (ERR_OK == code)
    code = web_token_check (&expires_at_s, token, &wish, err);
  if (ERR_OK == code)
    code = provider_key (&pem, access->provider, token->algorithm, token->key_id, arena, err);
  if (ERR_OK == code)
    code = web_token_verify (token, pem, arena, err);
  *expires_at_ms = expires_at_s * 1000;
  return code;
}

/* An address that the provider says it has not checked may be anybody's. */
static bool
is_unverified (const json_t *claims)
{
  return json_is_false (json_object_get (claims, "email_verified"))
         || slice_is (foreign_json_text (claims, "email_verified"), "false");
}

bool
oidc_said (struct federation *said, const struct access *access, const json_t *claims, const json_t *more,
           struct arena *arena, struct err *err)
{
  const struct config *config = access->config;
  const json_t *sources[] = { claims, more };
  const json_t *groups = NULL;
  struct slice email = { NULL, 0 };

  *said =
      (struct federation){ .issuer = provider_issuer (access->provider), .subject = foreign_json_text (claims, "sub") };
  for (size_t i = 0; i < sizeof (sources) / sizeof (sources[0]); i++)
  {
    if (NULL == email.data && ! is_unverified (sources[i]))
      email = foreign_json_text (sources[i], "email");
    if (NULL == said->names[0].data)
      said->names[0] = foreign_json_text (sources[i], config->oidc_username_claim);
    if (NULL == groups && '\0' != config->oidc_groups_claim[0])
      groups = json_object_get (sources[i], config->oidc_groups_claim);
  }
  /* Also when the setting names it. */
  if (slice_is (SLICE ("email"), config->oidc_username_claim))
    said->names[0] = email;
  said->names[1] = email;
  said->names[2] = said->subject;
  return federation_groups (said, groups, arena, err);
}

enum err_code
oidc_identify (struct access_identity *identity, struct access *access, struct store_connection *connection,
               const struct credential *credential, struct slice address, struct arena *arena, struct err *err)
{
  struct web_token token = { 0 };
  struct federation said;
  int64_t expires_at_ms = 0;
  enum err_code code;

  if (NULL == access->provider)
    return err_set (err, ERR_UNAUTHENTICATED,
                    "JWTs are not accepted here: no OpenID Connect provider is set (oidc-issuer).");
  code = oidc_token (&token, &expires_at_ms, access, credential->secret, (struct slice){ NULL, 0 }, arena, err);
  if (ERR_OK == code && ! oidc_said (&said, access, token.claims, NULL, arena, err))
    code = err->code;
  if (ERR_OK == code)
    code = federation_account (identity, access, connection, &said, ACCESS_BY_JWT, address, arena, err);
  if (ERR_OK == code)
    identity->expires_at_ms = expires_at_ms;
  web_token_free (&token);
  return code;
}
