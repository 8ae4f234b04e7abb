/* TLS handshakes of a poller's connections, where the library leaves gaps; private to the room http.

   DESIGN
   libmicrohttpd 0.9.75 speaks TLS through GnuTLS. Three things are added here, by functions that GnuTLS calls.

   A handshake that waits for its client. The library clears its note "can be read" only where it reads requests, so a
   connection whose handshake has begun stays in its list of ready ones, and MHD_get_timeout says 0 until the handshake
   is over: one client that stops in the middle would keep a processor busy. So when a read finds nothing while a
   handshake is under way, the connection is suspended and its socket waits in an epoll set of ours. Suspending there is
   as safe as in a content reader: what follows in the library looks at the suspension first. A suspended connection is
   not timed by the library; the sweep of the server does that, with request-timeout-ms from the first moment on.

   The certificate. A handshake takes the pair that is shown at the moment and keeps it to the end of its connection, so
   that a renewal breaks nothing.

   New keys in the middle (RFC 8446, section 4.6.3). GnuTLS reports "nothing there" after it has read a KeyUpdate,
   though the client's next bytes may be in the socket; the library then waits for an event that has been already. So
   the socket's place in the library's epoll set is renewed, which gives the event again. */
#ifndef HTTP_HANDSHAKE_H
#define HTTP_HANDSHAKE_H

#include "http/request.h"
#include "http/tls.h"

struct handshake; /* of one connection */
struct handshakes; /* of one poller */

/* For a daemon of the library with this epoll descriptor; NULL when there is no memory or descriptor for it. All
   functions are for the poller's thread, or for one that runs when there is none. */
struct handshakes *handshakes_new (struct tls *tls, int library_epoll_fd);
void handshakes_free (struct handshakes *all);

/* Readable when handshakes_wake has something to do. */
int handshakes_fd (const struct handshakes *all);

/* Let the library go on with the handshakes whose clients have sent something. */
void handshakes_wake (struct handshakes *all);

/* Let it have all of them, because it ends. */
void handshakes_release (struct handshakes *all);

/* A connection begins, or has ended. `client` is NULL and NULL is given when memory is out: then the handshake fails.
 */
struct handshake *handshake_start (struct handshakes *all, struct client *client, struct MHD_Connection *connection);
void handshake_end (struct handshake *handshake);

/* Gives the library the certificate: MHD_OPTION_HTTPS_CERT_CALLBACK. */
int handshake_certificate (gnutls_session_t session, const gnutls_datum_t *names, int names_count,
                           const gnutls_pk_algorithm_t *algorithms, int algorithms_count, gnutls_pcert_st **chain,
                           unsigned *chain_count, gnutls_privkey_t *key);

#endif
