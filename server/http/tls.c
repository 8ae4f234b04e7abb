/* The certificate and key that the server shows, and their renewal. */
#include "http/tls.h"

#include "base/buffer.h"
#include "base/lock.h"
#include "base/log.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* A chain of certificates or a key; real ones have some kilobytes. */
#define FILE_MAX_BYTES ((size_t)1024 * 1024)

/* Mozilla's "intermediate" list without its rarely used parts: RSA key exchange has no forward secrecy, CBC modes and
   SHA-1 signatures are broken in parts, and finite-field Diffie-Hellman is slow. Which cipher of them, clients choose:
   they know what their processor is good at. */
const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"
                              "+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:-SIGN-RSA-SHA1:"
                              "-SIGN-ECDSA-SHA1:-SIGN-DSA-SHA1";

struct tls
{
  const struct config *config;
  struct lock lock; /* guards `pair`; a leaf */
  struct tls_pair *pair;
};

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

/* The file of a setting is of no use. */
static enum err_code
bad_file (struct err *err, const char *setting, const char *path, const char *why)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s %s: %s", setting, path, why);
}

static enum err_code
read_file (struct buffer *content, const char *setting, const char *path, struct err *err)
{
  FILE *file = fopen (path, "re");
  char block[4096];
  size_t bytes;
  enum err_code code = ERR_OK;

  if (NULL == file)
    return bad_file (err, setting, path, strerror (errno));
  while (ERR_OK == code && 0 < (bytes = fread (block, 1, sizeof (block), file)))
    if (! buffer_append (content, block, bytes))
      code = content->out_of_memory ? out_of_memory (err) : bad_file (err, setting, path, "is too large");
  if (ERR_OK == code && ferror (file))
    code = bad_file (err, setting, path, strerror (errno));
  explicit_bzero (block, sizeof (block));
  (void)fclose (file);
  return code;
}

static gnutls_datum_t
datum_of (const struct buffer *content)
{
  return (gnutls_datum_t){ (unsigned char *)content->data, (unsigned)content->len };
}

static enum err_code
import_chain (struct tls_pair *pair, const struct buffer *content, const char *path, struct err *err)
{
  gnutls_datum_t pem = datum_of (content);
  gnutls_x509_crt_t *certificates = NULL;
  unsigned count = 0;
  enum err_code code = ERR_OK;
  int result = gnutls_x509_crt_list_import2 (&certificates, &count, &pem, GNUTLS_X509_FMT_PEM, 0);

  if (result < 0)
    return bad_file (err, "tls-cert", path, gnutls_strerror (result));
  pair->chain = calloc (count, sizeof (*pair->chain));
  pair->chain_count = count;
  if (NULL == pair->chain)
    code = out_of_memory (err);
  else
  {
    pair->expires_s = (int64_t)gnutls_x509_crt_get_expiration_time (certificates[0]);
    /* Which one signed which is found out, so that files in another order serve too. */
    result = gnutls_pcert_import_x509_list (pair->chain, certificates, &pair->chain_count, GNUTLS_X509_CRT_LIST_SORT);
    if (result < 0)
    {
      pair->chain_count = 0;
      code = bad_file (err, "tls-cert", path, gnutls_strerror (result));
    }
  }
  for (unsigned i = 0; i < count; i++)
    gnutls_x509_crt_deinit (certificates[i]);
  gnutls_free (certificates);
  return code;
}

static enum err_code
import_key (struct tls_pair *pair, const struct buffer *content, const char *path, struct err *err)
{
  gnutls_datum_t pem = datum_of (content);
  int result = gnutls_privkey_init (&pair->key);

  if (result < 0)
    return out_of_memory (err);
  result = gnutls_privkey_import_x509_raw (pair->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
  if (GNUTLS_E_DECRYPTION_FAILED == result)
    return bad_file (err, "tls-key", path, "is encrypted; the server asks nobody for a passphrase");
  return result < 0 ? bad_file (err, "tls-key", path, gnutls_strerror (result)) : ERR_OK;
}

/* Whether key and certificate belong together. */
static bool
is_match (const struct tls_pair *pair)
{
  unsigned char ids[2][64]; /* of SHA-256: 32 bytes */
  size_t sizes[2] = { sizeof (ids[0]), sizeof (ids[1]) };
  gnutls_pubkey_t public = NULL;
  bool match = false;

  if (gnutls_pubkey_init (&public) >= 0 && gnutls_pubkey_import_privkey (public, pair->key, 0, 0) >= 0
      && gnutls_pubkey_get_key_id (public, GNUTLS_KEYID_USE_SHA256, ids[0], &sizes[0]) >= 0
      && gnutls_pubkey_get_key_id (pair->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, ids[1], &sizes[1]) >= 0)
    match = sizes[0] == sizes[1] && 0 == memcmp (ids[0], ids[1], sizes[0]);
  gnutls_pubkey_deinit (public);
  return match;
}

static void
pair_free (struct tls_pair *pair)
{
  if (NULL == pair)
    return;
  for (unsigned i = 0; i < pair->chain_count; i++)
    gnutls_pcert_deinit (&pair->chain[i]);
  free (pair->chain);
  gnutls_privkey_deinit (pair->key);
  free (pair);
}

static enum err_code
pair_load (struct tls_pair **out, const struct config *config, struct err *err)
{
  struct tls_pair *pair = calloc (1, sizeof (*pair));
  struct buffer certificate;
  struct buffer key;
  enum err_code code;

  if (NULL == pair)
    return out_of_memory (err);
  atomic_store (&pair->users, 1);
  buffer_init (&certificate, FILE_MAX_BYTES);
  buffer_init (&key, FILE_MAX_BYTES);
  code = read_file (&certificate, "tls-cert", config->tls_cert, err);
  if (ERR_OK == code)
    code = read_file (&key, "tls-key", config->tls_key, err);
  if (ERR_OK == code)
    code = import_chain (pair, &certificate, config->tls_cert, err);
  if (ERR_OK == code)
    code = import_key (pair, &key, config->tls_key, err);
  if (ERR_OK == code && ! is_match (pair))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "tls-key %s is not the key of the certificate %s",
                    config->tls_key, config->tls_cert);
  if (NULL != key.data)
    explicit_bzero (key.data, key.len);
  buffer_free (&key);
  buffer_free (&certificate);
  if (ERR_OK != code)
  {
    pair_free (pair);
    return code;
  }
  *out = pair;
  return ERR_OK;
}

enum err_code
tls_open (struct tls **out, const struct config *config, struct err *err)
{
  bool has_cert = '\0' != config->tls_cert[0];
  bool has_key = '\0' != config->tls_key[0];
  struct tls *tls;

  *out = NULL;
  if (has_cert != has_key)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "tls-cert and tls-key go together: %s is not set.",
                    has_cert ? "tls-key" : "tls-cert");
  if (! has_cert)
    return ERR_OK;
  tls = calloc (1, sizeof (*tls));
  *out = tls;
  if (NULL == tls)
    return out_of_memory (err);
  tls->config = config;
  lock_init (&tls->lock);
  return pair_load (&tls->pair, config, err);
}

void
tls_close (struct tls *tls)
{
  if (NULL == tls)
    return;
  tls_pair_give_back (tls->pair);
  lock_destroy (&tls->lock);
  free (tls);
}

void
tls_reload (struct tls *tls)
{
  struct tls_pair *pair = NULL;
  struct tls_pair *old;
  int64_t expires_s;
  struct err err = { 0 };

  if (ERR_OK != pair_load (&pair, tls->config, &err))
  {
    log_line (EVENT_tls_reload_failed, LOG_TEXT ("message", err.message));
    return;
  }
  expires_s = pair->expires_s;
  lock_acquire (&tls->lock);
  old = tls->pair;
  tls->pair = pair;
  lock_release (&tls->lock);
  tls_pair_give_back (old);
  /* Whoever reads it may rely on it. */
  log_line (EVENT_tls_reloaded, LOG_TEXT ("tls_cert", tls->config->tls_cert), LOG_NUMBER ("expires_s", expires_s));
}

struct tls_pair *
tls_pair_take (struct tls *tls)
{
  struct tls_pair *pair;

  lock_acquire (&tls->lock);
  pair = tls->pair;
  atomic_fetch_add (&pair->users, 1);
  lock_release (&tls->lock);
  return pair;
}

void
tls_pair_give_back (struct tls_pair *pair)
{
  if (NULL != pair && 1 == atomic_fetch_sub (&pair->users, 1))
    pair_free (pair);
}
