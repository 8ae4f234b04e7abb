/* Key sets of a provider, as PEM for the library that verifies. */
#include "access/key_set.h"

#include "access/fetch.h"
#include "access/foreign_json.h"
#include "base/base64url.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>

/* More than a provider has, also while it changes them. */
#define KEYS_MAX 64
/* NIST SP 800-131A asks for 2048 bits from 2014 on; beyond 8192, verifying takes long and nobody has them. */
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192

struct key
{
  char *pem; /* owned */
  char *key_id; /* owned; NULL: it has none */
  const struct web_token_algorithm *algorithm; /* the only one that it may be used for; NULL: any of its type */
  enum web_token_key type;
};

struct key_set
{
  size_t count;
  struct key keys[KEYS_MAX];
};

/* Curves by their names in RFC 7518, 6.2.1.1, and OpenSSL's; how many bytes a coordinate has. */
static const struct curve
{
  const char *name;
  const char *group;
  size_t bytes;
  enum web_token_key type;
} curves[] = {
  { "P-256", "prime256v1", 32, WEB_TOKEN_P256 },
  { "P-384", "secp384r1", 48, WEB_TOKEN_P384 },
  { "P-521", "secp521r1", 66, WEB_TOKEN_P521 },
};

/* --- a key from its parameters ------------------------------------------------------------------------------------ */

/* NULL when the parameters make no valid public key. */
static EVP_PKEY *
make_key (const char *type, OSSL_PARAM_BLD *builder)
{
  OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param (builder);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name (NULL, type, NULL);
  EVP_PKEY_CTX *check = NULL;
  EVP_PKEY *key = NULL;

  if (NULL == parameters || NULL == context || 1 != EVP_PKEY_fromdata_init (context)
      || 1 != EVP_PKEY_fromdata (context, &key, EVP_PKEY_PUBLIC_KEY, parameters))
    key = NULL;
  if (NULL != key)
  {
    /* A point on its curve, an odd exponent. */
    check = EVP_PKEY_CTX_new_from_pkey (NULL, key, NULL);
    if (NULL == check || 1 != EVP_PKEY_public_check (check))
    {
      EVP_PKEY_free (key);
      key = NULL;
    }
  }
  EVP_PKEY_CTX_free (check);
  EVP_PKEY_CTX_free (context);
  OSSL_PARAM_free (parameters);
  return key;
}

static EVP_PKEY *
make_rsa (const json_t *entry, struct arena *arena)
{
  struct slice modulus;
  struct slice exponent;
  OSSL_PARAM_BLD *builder = NULL;
  BIGNUM *n = NULL;
  BIGNUM *e = NULL;
  EVP_PKEY *key = NULL;

  /* A bound before numbers are made of them. */
  if (! base64url_decode (&modulus, foreign_json_text (entry, "n"), arena) || 0 == modulus.len
      || modulus.len > RSA_MAX_BITS / 8 + 1 || ! base64url_decode (&exponent, foreign_json_text (entry, "e"), arena)
      || 0 == exponent.len || exponent.len > sizeof (uint64_t))
    return NULL;
  builder = OSSL_PARAM_BLD_new ();
  n = BN_bin2bn ((const unsigned char *)modulus.data, (int)modulus.len, NULL);
  e = BN_bin2bn ((const unsigned char *)exponent.data, (int)exponent.len, NULL);
  if (NULL != builder && NULL != n && NULL != e && BN_num_bits (n) >= RSA_MIN_BITS && BN_num_bits (n) <= RSA_MAX_BITS
      && 1 == OSSL_PARAM_BLD_push_BN (builder, OSSL_PKEY_PARAM_RSA_N, n)
      && 1 == OSSL_PARAM_BLD_push_BN (builder, OSSL_PKEY_PARAM_RSA_E, e))
    key = make_key ("RSA", builder);
  OSSL_PARAM_BLD_free (builder);
  BN_free (n);
  BN_free (e);
  return key;
}

static const struct curve *
curve_of (const json_t *entry)
{
  for (size_t i = 0; i < sizeof (curves) / sizeof (curves[0]); i++)
    if (slice_is (foreign_json_text (entry, "crv"), curves[i].name))
      return &curves[i];
  return NULL;
}

static EVP_PKEY *
make_ec (const json_t *entry, const struct curve *curve, struct arena *arena)
{
  /* An uncompressed point (SEC 1, 2.3.3). */
  unsigned char point[1 + 2 * 66] = { 4 };
  struct slice x;
  struct slice y;
  OSSL_PARAM_BLD *builder = NULL;
  EVP_PKEY *key = NULL;

  if (NULL == curve || ! base64url_decode (&x, foreign_json_text (entry, "x"), arena) || curve->bytes != x.len
      || ! base64url_decode (&y, foreign_json_text (entry, "y"), arena) || curve->bytes != y.len)
    return NULL;
  memcpy (point + 1, x.data, x.len);
  memcpy (point + 1 + x.len, y.data, y.len);
  builder = OSSL_PARAM_BLD_new ();
  if (NULL != builder && 1 == OSSL_PARAM_BLD_push_utf8_string (builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0)
      && 1 == OSSL_PARAM_BLD_push_octet_string (builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->bytes))
    key = make_key ("EC", builder);
  OSSL_PARAM_BLD_free (builder);
  return key;
}

/* In PEM, allocated; NULL when memory is out. */
static char *
pem_of (EVP_PKEY *key)
{
  BIO *memory = BIO_new (BIO_s_mem ());
  char *text = NULL;
  char *pem = NULL;

  if (NULL != memory && 1 == PEM_write_bio_PUBKEY (memory, key))
  {
    long length = BIO_get_mem_data (memory, &text);

    pem = strndup (text, (size_t)length);
  }
  BIO_free (memory);
  return pem;
}

/* --- the set ------------------------------------------------------------------------------------------------------ */

static bool
lists (const json_t *array, const char *word)
{
  size_t index;
  const json_t *item;

  json_array_foreach (array, index, item)
  {
    if (json_is_string (item) && 0 == strcmp (json_string_value (item), word))
      return true;
  }
  return false;
}

/* Whether it says that it is for signatures, or says nothing (RFC 7517, 4.2 and 4.3). */
static bool
is_for_signatures (const json_t *entry)
{
  const json_t *use = json_object_get (entry, "use");
  const json_t *operations = json_object_get (entry, "key_ops");

  return (NULL == use || slice_is (foreign_json_text (entry, "use"), "sig"))
         && (NULL == operations || lists (operations, "verify"));
}

/* Add a key when it is of use. False when memory is out. */
static bool
add_key (struct key_set *set, const json_t *entry, struct arena *arena)
{
  struct key *key = &set->keys[set->count];
  struct slice type = foreign_json_text (entry, "kty");
  const json_t *key_id = json_object_get (entry, "kid");
  EVP_PKEY *public = NULL;
  bool fine;

  *key = (struct key){ 0 };
  if (! is_for_signatures (entry) || (NULL != key_id && ! json_is_string (key_id)))
    return true;
  if (slice_is (type, "RSA"))
  {
    key->type = WEB_TOKEN_RSA;
    public = make_rsa (entry, arena);
  }
  else if (slice_is (type, "EC") && NULL != curve_of (entry))
  {
    key->type = curve_of (entry)->type;
    public = make_ec (entry, curve_of (entry), arena);
  }
  ERR_clear_error ();
  if (NULL == public)
    return ! arena_overflowed (arena);
  if (NULL != json_object_get (entry, "alg"))
  {
    key->algorithm = web_token_algorithm (foreign_json_text (entry, "alg"));
    if (NULL == key->algorithm || web_token_algorithm_key (key->algorithm) != key->type)
    {
      EVP_PKEY_free (public);
      return true;
    }
  }
  key->pem = pem_of (public);
  key->key_id = NULL == key_id ? NULL : strdup (json_string_value (key_id));
  EVP_PKEY_free (public);
  fine = NULL != key->pem && (NULL == key_id || NULL != key->key_id);
  /* Also when only one of both is there: key_set_free frees it. */
  set->count++;
  return fine;
}

enum err_code
key_set_read (struct key_set **set, struct slice json, struct arena *arena, struct err *err)
{
  bool no_memory = false;
  json_t *tree = foreign_json_object (&no_memory, json, arena);
  const json_t *list = json_object_get (tree, "keys");
  enum err_code code = ERR_OK;
  size_t index;
  const json_t *entry;

  *set = calloc (1, sizeof (**set));
  if (NULL == *set || no_memory || arena_overflowed (arena))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  else if (NULL == tree)
    code = fetch_unavailable (err, "key set: not a JSON object");
  else if (! json_is_array (list))
    code = fetch_unavailable (err, "key set: no array keys");
  if (ERR_OK == code)
    json_array_foreach (list, index, entry)
    {
      if (KEYS_MAX == (*set)->count)
        break;
      if (! add_key (*set, entry, arena))
      {
        code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
        break;
      }
    }
  if (ERR_OK == code && 0 == (*set)->count)
    code =
        fetch_unavailable (err, "key set: no key for signatures of RS256 to RS512, PS256 to PS512 or ES256 to ES512");
  json_decref (tree);
  if (ERR_OK != code)
  {
    key_set_free (*set);
    *set = NULL;
  }
  return code;
}

void
key_set_free (struct key_set *set)
{
  for (size_t i = 0; NULL != set && i < set->count; i++)
  {
    free (set->keys[i].pem);
    free (set->keys[i].key_id);
  }
  free (set);
}

size_t
key_set_count (const struct key_set *set)
{
  return set->count;
}

const char *
key_set_find (const struct key_set *set, const struct web_token_algorithm *algorithm, struct slice key_id)
{
  const char *found = NULL;
  size_t fitting = 0;

  for (size_t i = 0; i < set->count; i++)
  {
    const struct key *key = &set->keys[i];

    if (key->type != web_token_algorithm_key (algorithm) || (NULL != key->algorithm && key->algorithm != algorithm))
      continue;
    if (NULL != key_id.data)
    {
      if (NULL != key->key_id && slice_is (key_id, key->key_id))
        return key->pem;
      continue;
    }
    fitting++;
    found = key->pem;
  }
  return 1 == fitting ? found : NULL;
}
