/* TLS below clients that write bare bytes. */
#ifndef HTTP_TESTS_TLS_H
#define HTTP_TESTS_TLS_H

#include <openssl/ssl.h>

/* The file of the environment variable TALLY_TEST_CA: whom to trust. NULL when it is not set. */
const char *tls_ca_file (void);

/* What every connection starts from; made once, kept to the end. */
SSL_CTX *tls_context (void);

/* A descriptor for the plain bytes of a connection, which a thread of its own turns into TLS on `fd` and back. Takes
   over `fd`, a connected socket. -1 when it cannot be had. The handshake is done meanwhile; when it fails, the
   descriptor is at its end. What is shut down or closed on one side is on the other. */
int tls_wrap (int fd);

#endif
