/* Connections that are over while their clients are still sending. */
#include "http/linger.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Enough for a client that sends a whole file before it reads, over a usual line; web servers take the same. */
#define LINGER_US ((uint64_t)30 * 1000000)
/* They hold a descriptor each, beside those of max-connections. */
#define LINGER_MAX_COUNT 256
/* Sockets that are looked at in one go. */
#define EVENTS 64
/* Thrown away in one go, so that one client does not keep the thread from the others; fits a thread's stack. */
#define DROP_BYTES ((size_t)64 * 1024)

struct lingering
{
  struct lingering *next;
  struct lingering *previous;
  uint64_t until_us; /* of clock_monotonic_us */
  int fd;
};

static void
end_one (struct linger_set *set, struct lingering *one)
{
  if (NULL != one->previous)
    one->previous->next = one->next;
  else
    set->first = one->next;
  if (NULL != one->next)
    one->next->previous = one->previous;
  else
    set->last = one->previous;
  set->count--;
  /* The only copy by now, so it leaves the epoll set too. */
  close (one->fd);
  free (one);
}

void
linger_take (struct linger_set *set, int fd)
{
  struct lingering *one;
  struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };

  if (set->count >= LINGER_MAX_COUNT)
    return;
  if (0 == set->epoll_fd)
    set->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (set->epoll_fd < 0)
  {
    set->epoll_fd = 0;
    return;
  }
  one = calloc (1, sizeof (*one));
  if (NULL == one)
    return;
  one->fd = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  event.data.ptr = one;
  if (one->fd < 0 || 0 != epoll_ctl (set->epoll_fd, EPOLL_CTL_ADD, one->fd, &event))
  {
    if (one->fd >= 0)
      close (one->fd);
    free (one);
    return;
  }
  /* Nothing more is sent: the client sees the end behind the answer. */
  (void)shutdown (fd, SHUT_WR);
  one->until_us = clock_monotonic_us () + LINGER_US;
  one->previous = set->last;
  if (NULL != set->last)
    set->last->next = one;
  else
    set->first = one;
  set->last = one;
  set->count++;
}

int
linger_fd (const struct linger_set *set)
{
  return 0 == set->count ? -1 : set->epoll_fd;
}

int
linger_wait_ms (const struct linger_set *set)
{
  uint64_t now_us;

  if (NULL == set->first)
    return -1;
  now_us = clock_monotonic_us ();
  if (now_us >= set->first->until_us)
    return 0;
  return (int)((set->first->until_us - now_us) / 1000) + 1;
}

void
linger_run (struct linger_set *set)
{
  struct epoll_event events[EVENTS];
  char nobody_reads[DROP_BYTES];
  int count = 0 == set->count ? 0 : epoll_wait (set->epoll_fd, events, EVENTS, 0);
  uint64_t now_us;

  for (int i = 0; i < count; i++)
  {
    struct lingering *one = events[i].data.ptr;
    /* Linux could drop them in place (MSG_TRUNC and no buffer), but sanitizers take that for a write to address 0. */
    ssize_t dropped = recv (one->fd, nobody_reads, sizeof (nobody_reads), MSG_DONTWAIT);

    if (0 == dropped || (dropped < 0 && EAGAIN != errno && EINTR != errno))
      end_one (set, one);
  }
  if (0 == set->count)
    return;
  now_us = clock_monotonic_us ();
  while (NULL != set->first && now_us >= set->first->until_us)
    end_one (set, set->first);
}

void
linger_end (struct linger_set *set)
{
  while (NULL != set->first)
    end_one (set, set->first);
  if (set->epoll_fd > 0)
    close (set->epoll_fd);
  set->epoll_fd = 0;
}
