/* Connections that are over while their clients are still sending; private to the room http.

   DESIGN
   A request that is refused by its headers is answered before its body, and the connection ends with the answer.
   Closing a socket whose client goes on sending resets the connection, and many clients then report a broken connection
   instead of the answer, which may say that a password is wrong. So the socket is kept for a while, half closed, and
   what comes is thrown away unread, until the client has closed its side. */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include <stddef.h>
#include <stdint.h>

struct lingering;

/* The sockets of one poller. Zeroed is empty; for that poller's thread only. */
struct linger_set
{
  int epoll_fd; /* 0: there was none yet */
  size_t count;
  struct lingering *first; /* from the oldest on */
  struct lingering *last;
};

/* Keep a socket that is about to be closed, as a copy of its descriptor. When that cannot be, or there are too many,
   nothing happens. */
void linger_take (struct linger_set *set, int fd);

/* What poll waits for: the descriptor, -1 without any, and the time in milliseconds, -1 for any. */
int linger_fd (const struct linger_set *set);
int linger_wait_ms (const struct linger_set *set);

/* Throw away what has come, and close those that are done or have had their time. */
void linger_run (struct linger_set *set);

/* Close all. */
void linger_end (struct linger_set *set);

#endif
