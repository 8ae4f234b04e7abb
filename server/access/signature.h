/* Signatures of JSON Web Signatures (RFC 7518, 3.3 to 3.5), verified by OpenSSL. */
#ifndef ACCESS_SIGNATURE_H
#define ACCESS_SIGNATURE_H

#include "access/web_token.h"

/* Whether `signature` (its bytes) is one of `text` by the private half of a key in PEM that is of the type which the
   algorithm needs. False also when memory is out: nothing is believed that was not verified. Thread-safe. */
bool signature_valid (const struct web_token_algorithm *algorithm, const char *pem, struct slice text,
                      struct slice signature);

#endif
