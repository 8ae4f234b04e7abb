/* The certificate and key that the server shows, and their renewal; private to the room http. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/config.h"
#include "base/err.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/* What is shown at the moment. */
struct tls;

/* A certificate with its chain, and its key. Counted: a connection keeps the pair that it began with, and the last one
   frees it. Read-only, for all threads. */
struct tls_pair
{
  gnutls_pcert_st *chain;
  unsigned chain_count;
  gnutls_privkey_t key;
  int64_t expires_s; /* of the certificate, in seconds since 1970 */
  _Atomic unsigned users;
};

/* What is spoken, in the words of GnuTLS: TLS 1.2 and 1.3, with forward secrecy and authenticated encryption only. */
extern const char tls_priorities[];

/* Read the files of the settings tls-cert and tls-key. `*tls` stays NULL when both are empty. The caller closes, also
   after a failure. Errors: INVALID_PARAMETER_VALUE, naming the file; INTERNAL_ERROR. */
enum err_code tls_open (struct tls **tls, const struct config *config, struct err *err);
void tls_close (struct tls *tls);

/* Read the files again, for connections from now on; when they are of no use, the pair of before stays. Logs which.
   On one thread at a time. */
void tls_reload (struct tls *tls);

/* The pair for a new connection, and the end of its use. Thread-safe. */
struct tls_pair *tls_pair_take (struct tls *tls);
void tls_pair_give_back (struct tls_pair *pair);

#endif
