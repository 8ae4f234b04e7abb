/* What an OpenID Connect provider says of itself (OpenID Connect Discovery 1.0). */
#ifndef ACCESS_DISCOVERY_H
#define ACCESS_DISCOVERY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>

/* Addresses of a provider, and how it wants to be asked; texts are NUL-terminated. */
struct discovery
{
  const char *authorization; /* where browsers are sent */
  const char *token; /* where codes are exchanged */
  const char *user_info; /* NULL: there is none */
  const char *keys; /* the key set */
  bool takes_basic; /* the client authenticates with Basic at `token`; else with its secret in the form */
  bool names_issuer; /* sends `iss` with each code (RFC 9207) */
};

/* Whether an address is one that may be asked: https, or http on a loopback address when `may_be_plain`; printable
   ASCII, without user, fragment and backslash. `is_loopback` (may be NULL) tells the latter. Thread-safe. */
bool discovery_url_valid (bool *is_loopback, struct slice url, bool may_be_plain);

/* The address of the document of an issuer, in the arena; NULL when memory is out. */
const char *discovery_url (struct slice issuer, struct arena *arena);

/* Read a document, into the arena. It must be of exactly this issuer. Errors: TEMPORARILY_UNAVAILABLE with the reason
   as cause, INTERNAL_ERROR when memory is out. */
enum err_code discovery_read (struct discovery *discovery, struct slice json, struct slice issuer, bool may_be_plain,
                              struct arena *arena, struct err *err);

#endif
