/* A proxy that breaks what passes through it: faults come by a plan and a seed, one choice for each request.
   Usage: fault-proxy --upstream PORT [--seed N] [--plan KIND=PERCENT,...] [--delay-ms N] [--redirect URL]

   Both sides are 127.0.0.1. Its port is the first line on standard output. Lines on standard input are commands, each
   answered by one line: "plan KIND=PERCENT,..." "figures" (how often each fault was put in), "upstream PORT". The end
   of the input ends it.

   DESIGN: store and forward. A request is read whole, then sent; an answer is read whole, then spoiled and sent. So
   each fault knows what it cuts, and one poll loop has no half states besides those of `enum stage`. */
#include "message.h"
#include "plan.h"

#include "../../crash/random.h"
#include "base/buffer.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than any test opens at once. */
#define LINKS_MAX 256
/* The largest message that is passed on: files of the tests are smaller. */
#define MESSAGE_MAX_BYTES (256u << 20)
#define READ_BYTES 65536
/* With SLOW a drop of an answer goes out this often. */
#define DROP_INTERVAL_US 5000
#define DROPS 40
/* Requests in a row without a fault, at most: a job makes some dozens. */
#define UNTOUCHED_MAX 10

enum stage
{
  STAGE_REQUEST, /* reading from the client */
  STAGE_FORWARD, /* writing to the server */
  STAGE_ANSWER, /* reading from the server */
  STAGE_REPLY, /* writing to the client */
  STAGE_SILENT /* waiting for the client to go away */
};

struct link
{
  bool used;
  enum stage stage;
  int client;
  int server; /* -1: none */
  enum fault fault;
  struct buffer request;
  size_t request_bytes; /* of this request; behind it may be the next one */
  size_t forward_bytes; /* that are sent on: half of them with DROP_REQUEST */
  struct buffer answer;
  size_t done; /* bytes of `request` or `answer` written */
  size_t reply_bytes; /* that are sent of the answer */
  uint64_t due_us; /* nothing is written before */
  bool continued;
  bool reset; /* end with RST behind the reply */
  bool ends; /* end behind the reply */
};

struct proxy
{
  int listener;
  uint16_t upstream;
  struct plan plan;
  struct random random;
  uint64_t delay_us;
  const char *redirect;
  unsigned long count[FAULT_COUNT];
  unsigned untouched; /* requests since the last fault */
  struct link links[LINKS_MAX];
};

static void
set_nonblocking (int fd)
{
  int one = 1;

  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
}

static void
link_end (struct link *link, bool reset)
{
  struct linger linger = { .l_onoff = 1 };

  if (reset)
    setsockopt (link->client, SOL_SOCKET, SO_LINGER, &linger, sizeof (linger));
  if (reset && link->server >= 0)
    setsockopt (link->server, SOL_SOCKET, SO_LINGER, &linger, sizeof (linger));
  close (link->client);
  if (link->server >= 0)
    close (link->server);
  buffer_free (&link->request);
  buffer_free (&link->answer);
  *link = (struct link){ .client = -1, .server = -1 };
}

/* By the plan's shares; but how many requests there are is the machine's affair, and some must meet a fault. */
static enum fault
choose (struct proxy *proxy)
{
  long faults = 0;
  long dice;

  for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++)
    faults += proxy->plan.percent[i];
  dice = random_below (&proxy->random, faults > 0 && proxy->untouched >= UNTOUCHED_MAX ? faults : 100);
  proxy->untouched++;
  for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++)
  {
    dice -= proxy->plan.percent[i];
    if (dice >= 0)
      continue;
    proxy->untouched = 0;
    return (enum fault)i;
  }
  return FAULT_NONE;
}

/* Answers of the proxy's own; %s is the redirect. */
static const struct
{
  enum fault fault;
  const char *text;
} own_answers[] = {
  { FAULT_BUSY, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\nbusy" },
  { FAULT_BUSY_LATER, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
  { FAULT_MANY, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
  { FAULT_BROKEN,
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}" },
  { FAULT_HTML,
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 31\r\n\r\n<html><body>log in</body></html>" },
  { FAULT_ENDLESS, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":\"" },
};

static void
reply_with (struct link *link, size_t bytes)
{
  link->stage = STAGE_REPLY;
  link->done = 0;
  link->reply_bytes = bytes;
}

/* An answer that the server has no part in. False: the fault has none. */
static bool
answer_self (struct proxy *proxy, struct link *link)
{
  buffer_clear (&link->answer);
  for (size_t i = 0; i < sizeof (own_answers) / sizeof (own_answers[0]); i++)
    if (own_answers[i].fault == link->fault)
      buffer_text (&link->answer, own_answers[i].text);
  if (FAULT_REDIRECT == link->fault)
    buffer_printf (&link->answer, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                   proxy->redirect);
  if (0 == link->answer.len)
    return false;
  reply_with (link, link->answer.len);
  return true;
}

static bool
connect_upstream (struct proxy *proxy, struct link *link)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (proxy->upstream) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  /* On this machine a connection is there or refused at once. */
  if (fd < 0 || 0 != connect (fd, (struct sockaddr *)&address, sizeof (address)))
  {
    if (fd >= 0)
      close (fd);
    return false;
  }
  set_nonblocking (fd);
  link->server = fd;
  return true;
}

/* A whole request is there, or its beginning with a fault that needs no more. */
static void
begin_request (struct proxy *proxy, struct link *link, const struct message *message)
{
  link->request_bytes = message->bytes;
  link->forward_bytes = message->bytes;
  link->fault = choose (proxy);
  proxy->count[link->fault]++;
  if (FAULT_DROP_BEFORE == link->fault)
  {
    link_end (link, true);
    return;
  }
  if (answer_self (proxy, link))
    return;
  if (FAULT_DROP_REQUEST == link->fault)
    link->forward_bytes = message->head_bytes / 2 + (message->bytes - message->head_bytes) / 2;
  if (FAULT_CORRUPT_REQUEST == link->fault && message->bytes > message->head_bytes)
    link->request.data[message->head_bytes
                       + (size_t)random_below (&proxy->random, (long)(message->bytes - message->head_bytes))] ^= 1;
  /* A connection of its own for each request: a server that was killed meanwhile is a fault of the server's only. */
  if (link->server >= 0)
    close (link->server);
  link->server = -1;
  if (! connect_upstream (proxy, link))
  {
    link_end (link, true);
    return;
  }
  link->stage = STAGE_FORWARD;
  link->done = 0;
  buffer_clear (&link->answer);
}

static void
look_at_request (struct proxy *proxy, struct link *link)
{
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  struct message message;
  enum message_state state = message_scan (&message, link->request.data, link->request.len, false, false);

  if (MESSAGE_WHOLE == state)
    begin_request (proxy, link, &message);
  else if (MESSAGE_HEAD == state && message.expects_continue && ! link->continued)
    link->continued = write (link->client, go_on, sizeof (go_on) - 1) > 0;
}

/* Cut, spoil or delay the server's answer, and begin to send it. */
static void
begin_reply (struct proxy *proxy, struct link *link, const struct message *message)
{
  static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
  static const char broken[] =
      "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html>5</html>";
  size_t bytes = link->answer.len;
  uint64_t now = clock_monotonic_us ();

  link->ends = message->closes || message->until_close || FAULT_CLOSE == link->fault;
  if (FAULT_LOSE_ANSWER == link->fault)
    bytes = 0;
  if (FAULT_DROP_ANSWER == link->fault || FAULT_TRUNCATE == link->fault)
  {
    bytes = (size_t)random_below (&proxy->random, (long)bytes);
    link->ends = true;
  }
  link->reset = FAULT_LOSE_ANSWER == link->fault || FAULT_DROP_ANSWER == link->fault;
  if (FAULT_CORRUPT == link->fault)
  {
    /* No JSON text may hold one of these: a change of a digit would be for TCP to find. */
    for (size_t at = message->head_bytes; at < bytes; at += 1 + (bytes - message->head_bytes) / 3)
      link->answer.data[at] = 1;
  }
  if (FAULT_BUSY_DONE == link->fault || FAULT_BROKEN_DONE == link->fault)
  {
    buffer_clear (&link->answer);
    buffer_text (&link->answer, FAULT_BUSY_DONE == link->fault ? busy : broken);
    bytes = link->answer.len;
  }
  if (FAULT_DELAY == link->fault)
    link->due_us = now + (uint64_t)random_below (&proxy->random, (long)proxy->delay_us + 1);
  reply_with (link, bytes);
  if (FAULT_SILENT == link->fault)
    link->stage = STAGE_SILENT;
}

/* The reply is sent: end the connection or wait for its next request. */
static void
end_reply (struct proxy *proxy, struct link *link)
{
  if (FAULT_ENDLESS == link->fault)
  {
    static const char more[4096] = { [0 ... 4095] = 'x' };

    link->done = 0;
    buffer_clear (&link->answer);
    buffer_append (&link->answer, more, sizeof (more));
    link->reply_bytes = sizeof (more);
    return;
  }
  if (link->ends || link->reset)
  {
    link_end (link, link->reset);
    return;
  }
  memmove (link->request.data, link->request.data + link->request_bytes, link->request.len - link->request_bytes);
  link->request.len -= link->request_bytes;
  link->continued = false;
  link->due_us = 0;
  link->stage = STAGE_REQUEST;
  look_at_request (proxy, link);
}

/* Read what there is. False: nothing more comes. */
static bool
read_into (struct buffer *buffer, int fd)
{
  char block[READ_BYTES];
  ssize_t got = read (fd, block, sizeof (block));

  if (got < 0)
    return EAGAIN == errno || EINTR == errno;
  return got > 0 && buffer_append (buffer, block, (size_t)got);
}

static void
on_client_readable (struct proxy *proxy, struct link *link)
{
  if (! read_into (&link->request, link->client))
    link_end (link, false);
  else if (STAGE_REQUEST == link->stage)
    look_at_request (proxy, link);
}

static void
on_server_readable (struct proxy *proxy, struct link *link)
{
  bool open = read_into (&link->answer, link->server);
  bool bodiless = link->request.len > 5 && 0 == memcmp (link->request.data, "HEAD ", 5);
  struct message message;
  enum message_state state = message_scan (&message, link->answer.data, link->answer.len, true, bodiless);

  if (MESSAGE_WHOLE == state || (! open && MESSAGE_HEAD == state && message.until_close))
    begin_reply (proxy, link, &message);
  else if (! open || MESSAGE_BROKEN == state)
    link_end (link, true);
}

static void
on_server_writable (struct link *link)
{
  ssize_t sent = send (link->server, link->request.data + link->done, link->forward_bytes - link->done, MSG_NOSIGNAL);

  if (sent < 0 && (EAGAIN == errno || EINTR == errno))
    return;
  if (sent < 0)
  {
    /* It may have answered already: 413 comes before the end of a request. */
    link->stage = STAGE_ANSWER;
    return;
  }
  link->done += (size_t)sent;
  if (link->done < link->forward_bytes)
    return;
  if (FAULT_DROP_REQUEST == link->fault)
    link_end (link, true);
  else
    link->stage = STAGE_ANSWER;
}

static void
on_client_writable (struct proxy *proxy, struct link *link)
{
  uint64_t now = clock_monotonic_us ();
  size_t left = link->reply_bytes - link->done;
  ssize_t sent;

  if (link->due_us > now)
    return;
  if (FAULT_SLOW == link->fault && left > 1)
  {
    left = link->reply_bytes / DROPS < left ? link->reply_bytes / DROPS + 1 : left;
    link->due_us = now + DROP_INTERVAL_US;
  }
  sent = left > 0 ? send (link->client, link->answer.data + link->done, left, MSG_NOSIGNAL) : 0;
  if (sent < 0 && (EAGAIN == errno || EINTR == errno))
    return;
  if (sent < 0)
  {
    link_end (link, false);
    return;
  }
  link->done += (size_t)sent;
  if (link->done >= link->reply_bytes)
    end_reply (proxy, link);
}

static void
accept_client (struct proxy *proxy)
{
  int fd = accept4 (proxy->listener, NULL, NULL, SOCK_CLOEXEC);

  if (fd < 0)
    return;
  for (int i = 0; i < LINKS_MAX; i++)
    if (! proxy->links[i].used)
    {
      set_nonblocking (fd);
      proxy->links[i] = (struct link){ .used = true, .client = fd, .server = -1 };
      buffer_init (&proxy->links[i].request, MESSAGE_MAX_BYTES);
      buffer_init (&proxy->links[i].answer, MESSAGE_MAX_BYTES);
      return;
    }
  close (fd);
}

/* One line of standard input. */
static void
command (struct proxy *proxy, char *line)
{
  line[strcspn (line, "\n")] = '\0';
  if (0 == strncmp (line, "plan ", 5))
    puts (plan_parse (&proxy->plan, line + 5) ? "ok" : "no such plan");
  else if (0 == strncmp (line, "upstream ", 9))
  {
    proxy->upstream = (uint16_t)atoi (line + 9);
    puts ("ok");
  }
  else if (0 == strcmp (line, "figures"))
  {
    for (int i = 0; i < FAULT_COUNT; i++)
      printf ("%s=%lu%c", fault_name ((enum fault)i), proxy->count[i], i + 1 < FAULT_COUNT ? ' ' : '\n');
    memset (proxy->count, 0, sizeof (proxy->count));
  }
  else
    puts ("no such command");
  fflush (stdout);
}

/* What each link waits for; returns how long at most, in ms. */
static int
prepare (struct pollfd *waits, const struct proxy *proxy)
{
  uint64_t now = clock_monotonic_us ();
  int wait_ms = -1;

  for (int i = 0; i < LINKS_MAX; i++)
  {
    const struct link *link = &proxy->links[i];
    struct pollfd *client = &waits[2 + 2 * i];
    struct pollfd *server = client + 1;

    *client = (struct pollfd){ .fd = link->used ? link->client : -1, .events = POLLIN };
    *server = (struct pollfd){ .fd = -1 };
    if (! link->used)
      continue;
    if (STAGE_FORWARD == link->stage || STAGE_ANSWER == link->stage)
      *server = (struct pollfd){ .fd = link->server, .events = STAGE_FORWARD == link->stage ? POLLOUT : POLLIN };
    if (STAGE_REPLY == link->stage && link->due_us <= now)
      client->events |= POLLOUT;
    else if (STAGE_REPLY == link->stage && (wait_ms < 0 || (uint64_t)wait_ms * 1000 > link->due_us - now))
      wait_ms = (int)((link->due_us - now) / 1000) + 1;
  }
  return wait_ms;
}

static void
serve_link (struct proxy *proxy, struct link *link, short client, short server)
{
  if (0 != (client & (POLLIN | POLLHUP | POLLERR)))
    on_client_readable (proxy, link);
  if (link->used && 0 != (server & POLLOUT) && STAGE_FORWARD == link->stage)
    on_server_writable (link);
  else if (link->used && 0 != server && STAGE_ANSWER == link->stage)
    on_server_readable (proxy, link);
  else if (link->used && STAGE_FORWARD == link->stage && 0 != server)
    link_end (link, true);
  if (link->used && 0 != (client & POLLOUT) && STAGE_REPLY == link->stage)
    on_client_writable (proxy, link);
}

static void
run (struct proxy *proxy)
{
  static struct pollfd waits[2 + 2 * LINKS_MAX];

  for (;;)
  {
    int wait_ms = prepare (waits, proxy);

    waits[0] = (struct pollfd){ .fd = proxy->listener, .events = POLLIN };
    waits[1] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    if (poll (waits, 2 + 2 * LINKS_MAX, wait_ms) < 0 && EINTR != errno)
      return;
    for (int i = 0; i < LINKS_MAX; i++)
      if (proxy->links[i].used)
        serve_link (proxy, &proxy->links[i], waits[2 + 2 * i].revents, waits[3 + 2 * i].revents);
    if (0 != (waits[0].revents & POLLIN))
      accept_client (proxy);
    if (0 != waits[1].revents)
    {
      char line[512];

      if (NULL == fgets (line, sizeof (line), stdin))
        return;
      command (proxy, line);
    }
  }
}

static bool
read_arguments (struct proxy *proxy, int argc, char **argv)
{
  for (int i = 1; i + 1 < argc; i += 2)
  {
    const char *value = argv[i + 1];

    if (0 == strcmp (argv[i], "--upstream"))
      proxy->upstream = (uint16_t)atoi (value);
    else if (0 == strcmp (argv[i], "--seed"))
      proxy->random.state = strtoull (value, NULL, 10);
    else if (0 == strcmp (argv[i], "--delay-ms"))
      proxy->delay_us = strtoull (value, NULL, 10) * 1000;
    else if (0 == strcmp (argv[i], "--redirect"))
      proxy->redirect = value;
    else if (0 != strcmp (argv[i], "--plan") || ! plan_parse (&proxy->plan, value))
      return false;
  }
  return 1 == argc % 2 && 0 != proxy->upstream;
}

int
main (int argc, char **argv)
{
  static struct proxy proxy = { .delay_us = 300000, .redirect = "http://127.0.0.1:9/" };
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t length = sizeof (address);

  if (! read_arguments (&proxy, argc, argv))
  {
    fputs ("usage: fault-proxy --upstream PORT [--seed N] [--plan KIND=PERCENT,...] [--delay-ms N] [--redirect URL]\n",
           stderr);
    for (int i = 0; i < FAULT_COUNT; i++)
      fprintf (stderr, "  %-16s %s\n", fault_name ((enum fault)i), fault_text ((enum fault)i));
    return 2;
  }
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  proxy.listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (proxy.listener < 0 || 0 != bind (proxy.listener, (struct sockaddr *)&address, sizeof (address))
      || 0 != listen (proxy.listener, LINKS_MAX)
      || 0 != getsockname (proxy.listener, (struct sockaddr *)&address, &length))
  {
    perror ("fault-proxy");
    return 1;
  }
  /* poll tells of lines that came; none may hide in a buffer. */
  setvbuf (stdin, NULL, _IONBF, 0);
  printf ("%d\n", ntohs (address.sin_port));
  fflush (stdout);
  run (&proxy);
  for (int i = 0; i < LINKS_MAX; i++)
    if (proxy.links[i].used)
      link_end (&proxy.links[i], true);
  close (proxy.listener);
  return 0;
}
