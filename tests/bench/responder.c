/* The least server there can be: one thread that answers every request with {}. What the load generator reaches against
   it is the most that it can measure. With --wrong N every N-th answer has a fault, by which it is seen that the load
   generator finds faults. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many connections as the benchmark opens at most, and a few more. */
#define CLIENTS_MAX 8192
/* The head of a request of the load generator has less than 300 bytes. */
#define HEAD_BYTES 4096
#define READ_BYTES 65536
#define EVENTS_MAX 256

struct client
{
  int socket;
  size_t head_length;
  uint64_t body_left;
  char head[HEAD_BYTES + 1];
};

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

static const char good[] = OK "Content-Length: 2\r\n\r\n{}";

/* One of each kind that matters: status, text, length, more than announced, and less. */
static const char *const wrong[] = {
  "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
  OK "Content-Length: 2\r\n\r\n[]",
  OK "Content-Length: 3\r\n\r\n{}\n",
  OK "Content-Length: 2\r\n\r\n{}}",
  OK "Content-Length: 3\r\n\r\n{}",
};
#define WRONG_COUNT (sizeof wrong / sizeof wrong[0])
/* After this one nothing more can come: the client waits until the connection ends. */
#define WRONG_SHORT (WRONG_COUNT - 1)

static uint64_t wrong_every;
static uint64_t answers;

static _Noreturn void
die (const char *what)
{
  perror (what);
  exit (2);
}

static void
drop (struct client *client)
{
  close (client->socket);
  free (client);
}

/* Answer one request; false when the connection must end. */
static bool
answer (struct client *client)
{
  const char *text = good;
  size_t length = sizeof good - 1;
  bool goes_on = true;

  answers++;
  if (0 < wrong_every && 0 == answers % wrong_every)
  {
    size_t kind = answers / wrong_every % WRONG_COUNT;

    text = wrong[kind];
    length = strlen (text);
    goes_on = WRONG_SHORT != kind;
  }
  return (ssize_t)length == send (client->socket, text, length, MSG_NOSIGNAL) && goes_on;
}

/* Take in bytes of a request; gives how many, 0 when it makes no sense. Sets `whole` when the request ends with them.
 */
static size_t
take (struct client *client, bool *whole, const char *data, size_t length)
{
  size_t before = client->head_length;
  size_t room = HEAD_BYTES - before;
  const char *end;
  const char *header;

  *whole = false;
  if (0 < client->body_left)
  {
    size_t taken = length < client->body_left ? length : (size_t)client->body_left;

    client->body_left -= taken;
    *whole = 0 == client->body_left;
    return taken;
  }
  if (room > length)
    room = length;
  memcpy (client->head + before, data, room);
  client->head_length += room;
  client->head[client->head_length] = '\0';
  end = strstr (client->head, "\r\n\r\n");
  if (NULL == end)
    return HEAD_BYTES == client->head_length ? 0 : room;
  header = strcasestr (client->head, "\r\nContent-Length:");
  if (NULL != header && header < end)
    client->body_left = strtoull (header + strlen ("\r\nContent-Length:"), NULL, 10);
  *whole = 0 == client->body_left;
  client->head_length = 0;
  return (size_t)(end + 4 - client->head) - before;
}

/* Read what came and answer every request that is whole; false when the connection is over. */
static bool
serve (struct client *client)
{
  static char buffer[READ_BYTES];
  ssize_t length = recv (client->socket, buffer, sizeof buffer, 0);
  size_t used = 0;

  if (0 > length && (EAGAIN == errno || EINTR == errno))
    return true;
  while (0 < length && used < (size_t)length)
  {
    bool whole;
    size_t taken = take (client, &whole, buffer + used, (size_t)length - used);

    if (0 == taken || (whole && ! answer (client)))
      return false;
    used += taken;
  }
  return 0 < length;
}

static void
greet (int poll, int listener)
{
  int socket = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  struct client *client = calloc (1, sizeof *client);
  struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = client } };
  int on = 1;

  if (0 > socket || NULL == client)
    die ("responder: accept");
  client->socket = socket;
  if (0 != setsockopt (socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)
      || 0 != epoll_ctl (poll, EPOLL_CTL_ADD, socket, &event))
    die ("responder: client");
}

int
main (int argc, char **argv)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { .s_addr = htonl (INADDR_LOOPBACK) } };
  socklen_t address_bytes = sizeof address;
  struct epoll_event events[EVENTS_MAX];
  struct epoll_event listening = { .events = EPOLLIN, .data = { .ptr = NULL } };
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int poll = epoll_create1 (EPOLL_CLOEXEC);

  if (3 == argc && 0 == strcmp (argv[1], "--wrong"))
    wrong_every = strtoull (argv[2], NULL, 10);
  else if (1 != argc)
  {
    fputs ("Usage: responder [--wrong N]\nListen on a free port of 127.0.0.1, print it, and answer until killed.\n",
           stderr);
    return 2;
  }
  if (0 > listener || 0 > poll || 0 != bind (listener, (struct sockaddr *)&address, sizeof address)
      || 0 != listen (listener, CLIENTS_MAX) || 0 != getsockname (listener, (struct sockaddr *)&address, &address_bytes)
      || 0 != epoll_ctl (poll, EPOLL_CTL_ADD, listener, &listening))
    die ("responder: listen");
  printf ("%u\n", ntohs (address.sin_port));
  fflush (stdout);
  for (;;)
  {
    int count = epoll_wait (poll, events, EVENTS_MAX, -1);

    for (int one = 0; one < count; one++)
    {
      struct client *client = events[one].data.ptr;

      if (NULL == client)
        greet (poll, listener);
      else if (! serve (client))
        drop (client);
    }
  }
}
