/* Names in a remote of DVC: each says which MD5 its content has. Source: docs/api/dvc.md. */
#ifndef ARTIFACT_DVC_H
#define ARTIFACT_DVC_H

#include "base/slice.h"

#include <stdbool.h>

/* What a name says. */
struct dvc_name
{
  unsigned char md5[16];
  bool is_old; /* the form that DVC had before version 3 */
};

/* "files/md5/ab/<30 digits>", or without "files/md5/" in the old form; with ".dir" for the list of a directory. Digits
   are lower-case hexadecimal. False for everything else. */
bool dvc_name_parse (struct dvc_name *name, struct slice path);

/* Hashes a content on its way. */
struct dvc_hash;
struct dvc_hash *dvc_hash_start (void); /* NULL when memory is out, or the crypto library has no MD5 */
bool dvc_hash_add (struct dvc_hash *hash, struct slice bytes);
/* Whether the content is what the name says; once. In the old form it may also be the MD5 of the text with its line
   ends CR LF made LF, which DVC took of text files. */
bool dvc_hash_end (struct dvc_hash *hash, const struct dvc_name *name);
void dvc_hash_free (struct dvc_hash *hash);

#endif
