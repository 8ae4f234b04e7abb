/* The threads that read and write connections; private to the room http. */
#ifndef HTTP_POLLER_H
#define HTTP_POLLER_H

#include "http/request.h"

/* Start the threads on copies of the listening socket. What was started is ended by poller_stop, also after a failure.
   Errors: INTERNAL_ERROR. */
enum err_code poller_start (struct http_server *server, int listen_fd, struct err *err);

/* Resume a suspended connection of this poller. The last touch from this thread: the connection's own thread may free
   the request at once. Thread-safe. */
void poller_resume (struct poller *poller, struct MHD_Connection *connection);

/* Stop accepting connections; those that are open go on. */
void poller_quiesce (struct http_server *server);

/* End the threads, close their connections, free. */
void poller_stop (struct http_server *server);

#endif
