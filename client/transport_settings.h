/* Parts of the transport: what the options say about the other end. */
#ifndef CLIENT_TRANSPORT_SETTINGS_H
#define CLIENT_TRANSPORT_SETTINGS_H

#include "error.h"
#include "options.h"

/* Owned texts; never changed once loaded. */
struct transport_settings
{
  char *server; /* address without user, password and slashes at its end */
  char *authorization; /* header; NULL: none */
  char *workspace; /* header; NULL: none */
  char *actor; /* header that says who asks, to servers without logins; NULL: none */
  char *trusted; /* certificates: file or folder; NULL: the system's */
  bool trusted_is_folder;
  char *client_certificate; /* NULL: none */
  bool insecure_tls;
  long connect_timeout_ms;
};

/* As transport_new says of its parameters. To be freed in any case. Errors: CONFIGURATION, MEMORY. */
enum tally_code transport_settings_load (struct transport_settings *settings, const struct tally_options *options,
                                         const char *server, const char *workspace, struct tally_error *err);
void transport_settings_free (struct transport_settings *settings);

#endif
