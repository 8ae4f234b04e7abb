/* Names in a remote of DVC: each says which MD5 its content has.

   DESIGN
   MD5 is broken as a protection against forgers, and is none here: it finds transfers that went wrong, as DVC itself
   does when it reads. The store names the content by its SHA-256 all the same. */
#include "artifact/dvc.h"

#include "base/hex.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define NEW_PREFIX "files/md5/"
#define DIRECTORY_SUFFIX ".dir"
#define MD5_BYTES 16
/* Two digits, a slash, thirty digits. */
#define NAME_BYTES 33

struct dvc_hash
{
  EVP_MD_CTX *plain;
  EVP_MD_CTX *lines; /* with CR LF made LF */
  bool pending; /* a CR that LF may follow */
};

static bool
starts_with (struct slice text, struct slice prefix)
{
  return text.len >= prefix.len && 0 == memcmp (text.data, prefix.data, prefix.len);
}

bool
dvc_name_parse (struct dvc_name *name, struct slice path)
{
  struct slice rest = path;
  char digits[2 * MD5_BYTES];

  name->is_old = ! starts_with (path, SLICE (NEW_PREFIX));
  if (! name->is_old)
    rest = (struct slice){ path.data + sizeof (NEW_PREFIX) - 1, path.len - (sizeof (NEW_PREFIX) - 1) };
  if (NAME_BYTES + sizeof (DIRECTORY_SUFFIX) - 1 == rest.len
      && 0 == memcmp (rest.data + NAME_BYTES, DIRECTORY_SUFFIX, sizeof (DIRECTORY_SUFFIX) - 1))
    rest.len = NAME_BYTES;
  if (NAME_BYTES != rest.len || '/' != rest.data[2])
    return false;
  memcpy (digits, rest.data, 2);
  memcpy (digits + 2, rest.data + 3, sizeof (digits) - 2);
  for (size_t i = 0; i < sizeof (digits); i++)
    if (hex_value (digits[i]) < 0 || (digits[i] >= 'A' && digits[i] <= 'F'))
      return false;
  for (size_t i = 0; i < MD5_BYTES; i++)
    name->md5[i] = (unsigned char)(hex_value (digits[2 * i]) << 4 | hex_value (digits[2 * i + 1]));
  return true;
}

static EVP_MD_CTX *
start_one (void)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();

  if (NULL != context && 1 == EVP_DigestInit_ex (context, EVP_md5 (), NULL))
    return context;
  EVP_MD_CTX_free (context);
  return NULL;
}

struct dvc_hash *
dvc_hash_start (void)
{
  struct dvc_hash *hash = calloc (1, sizeof (*hash));

  if (NULL == hash)
    return NULL;
  hash->plain = start_one ();
  hash->lines = start_one ();
  if (NULL != hash->plain && NULL != hash->lines)
    return hash;
  dvc_hash_free (hash);
  return NULL;
}

void
dvc_hash_free (struct dvc_hash *hash)
{
  if (NULL == hash)
    return;
  EVP_MD_CTX_free (hash->plain);
  EVP_MD_CTX_free (hash->lines);
  free (hash);
}

/* Add the bytes up to each CR that LF follows. */
static bool
add_lines (struct dvc_hash *hash, struct slice bytes)
{
  const char *from = bytes.data;
  const char *end = bytes.data + bytes.len;
  bool fine = true;

  if (hash->pending && '\n' != *from)
    fine = 1 == EVP_DigestUpdate (hash->lines, "\r", 1);
  hash->pending = false;
  while (fine && from < end)
  {
    const char *cr = memchr (from, '\r', (size_t)(end - from));
    const char *until = NULL == cr ? end : cr;

    /* A CR within is left out or is hashed with what follows it. */
    while (NULL != cr && cr + 1 < end && '\n' != cr[1])
    {
      cr = memchr (cr + 1, '\r', (size_t)(end - cr - 1));
      until = NULL == cr ? end : cr;
    }
    fine = 1 == EVP_DigestUpdate (hash->lines, from, (size_t)(until - from));
    hash->pending = NULL != cr && cr + 1 == end;
    from = NULL == cr ? end : cr + 1;
  }
  return fine;
}

bool
dvc_hash_add (struct dvc_hash *hash, struct slice bytes)
{
  return 0 == bytes.len || (1 == EVP_DigestUpdate (hash->plain, bytes.data, bytes.len) && add_lines (hash, bytes));
}

static bool
is_digest (EVP_MD_CTX *context, const struct dvc_name *name)
{
  unsigned char md5[EVP_MAX_MD_SIZE];

  return 1 == EVP_DigestFinal_ex (context, md5, NULL) && 0 == memcmp (md5, name->md5, MD5_BYTES);
}

bool
dvc_hash_end (struct dvc_hash *hash, const struct dvc_name *name)
{
  if (is_digest (hash->plain, name))
    return true;
  if (! name->is_old || (hash->pending && 1 != EVP_DigestUpdate (hash->lines, "\r", 1)))
    return false;
  return is_digest (hash->lines, name);
}
