/* The driver of the load generator. It shares the processors with the server that it measures, so it does as little as
   it can per request: one call to send, one to receive, and one wait for many. */
#include "drive.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One read of this size takes most answers whole. */
#define READ_BYTES 65536
/* More events than this at once are taken by the next turn. */
#define EVENTS_MAX 256
/* The time of the first point with a seed: any, but the same each time. */
#define SEEDED_MS 1700000000000U

_Noreturn void
drive_die (const char *what)
{
  perror (what);
  exit (2);
}

static uint64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void
watch (struct load *load, struct connection *connection, int operation, bool write)
{
  struct epoll_event event = { .events = EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0U), .data = { .ptr = connection } };

  if (0 != epoll_ctl (load->poll, operation, connection->socket, &event))
    drive_die ("load: epoll_ctl");
  connection->wants_write = write;
}

static void
open_connection (struct load *load, struct connection *connection)
{
  int on = 1;

  connection->socket = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (0 > connection->socket)
    drive_die ("load: socket");
  if (0 != connect (connection->socket, (struct sockaddr *)&load->address, sizeof load->address))
    drive_die ("load: connect");
  if (0 != setsockopt (connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)
      || 0 != fcntl (connection->socket, F_SETFL, O_NONBLOCK))
    drive_die ("load: socket option");
  answer_reset (&connection->answer);
  watch (load, connection, EPOLL_CTL_ADD, false);
}

static void
send_rest (struct load *load, struct connection *connection)
{
  while (connection->sent_bytes < connection->out.length)
  {
    ssize_t written = send (connection->socket, connection->out.data + connection->sent_bytes,
                            connection->out.length - connection->sent_bytes, MSG_NOSIGNAL);

    if (0 > written)
    {
      if (EINTR == errno)
        continue;
      break; /* full, or broken, which the reading side will find */
    }
    connection->sent_bytes += (size_t)written;
    load->bytes_out += (uint64_t)written;
  }
  if (connection->wants_write != (connection->sent_bytes < connection->out.length && EAGAIN == errno))
    watch (load, connection, EPOLL_CTL_MOD, ! connection->wants_write);
}

/* The next run of a connection for which something may be sent, or NULL. */
static struct filling *
next_filling (const struct load *load, struct connection *connection)
{
  unsigned own = (unsigned)(connection - load->list);

  for (unsigned tried = 0; tried < load->filling_count; tried += load->connections)
  {
    struct filling *filling = &load->fillings[connection->next_filling];

    connection->next_filling += load->connections;
    if (load->filling_count <= connection->next_filling)
      connection->next_filling = own;
    if (0 < filling->left)
      return filling;
  }
  return NULL;
}

static void
write_request (struct load *load, struct connection *connection, struct filling *filling)
{
  struct bytes *out = &connection->out;
  static struct bytes body;
  static const char tail[] = " HTTP/1.1\r\nHost: ";
  static const char type[] = "\r\nContent-Type: application/json\r\nContent-Length: ";

  out->length = 0;
  body.length = 0;
  filling->count = load->sent;
  filling->left--;
  if (NULL != load->body)
    template_fill (&body, load->request_body, filling);
  bytes_add (out, NULL == load->body ? "GET " : "POST ", NULL == load->body ? 4 : 5);
  template_fill (out, load->request_path, filling);
  bytes_add (out, tail, sizeof tail - 1);
  bytes_add (out, load->host, strlen (load->host));
  bytes_add (out, load->headers.data, load->headers.length);
  if (NULL != filling->headers)
    bytes_add (out, filling->headers->data, filling->headers->length);
  if (NULL != load->body)
  {
    bytes_add (out, type, sizeof type - 1);
    bytes_add_number (out, body.length);
  }
  bytes_add (out, "\r\n\r\n", 4);
  bytes_add (out, body.data, body.length);
}

/* Whether the next request is to be the one before once more, spread evenly over all requests. */
static bool
repeat_is_due (const struct load *load, const struct connection *connection)
{
  return connection->sent_before && (double)load->repeated < (double)(load->sent + 1) * load->repeat_percent / 100;
}

/* Send the next request of a connection; nothing when its runs have had all of theirs. */
static void
start_request (struct load *load, struct connection *connection, uint64_t due_ns)
{
  if (repeat_is_due (load, connection))
    load->repeated++;
  else
  {
    struct filling *filling = next_filling (load, connection);

    if (NULL == filling)
      return;
    write_request (load, connection, filling);
    connection->sent_before = true;
  }
  connection->sent_bytes = 0;
  connection->busy = true;
  connection->due_ns = due_ns;
  load->sent++;
  send_rest (load, connection);
}

static bool
may_send (const struct load *load, uint64_t now)
{
  return now < load->stop_ns && load->sent < load->requests_max;
}

static void
note_error (struct load *load, unsigned status, const char *text, size_t length)
{
  if (503 == status)
    load->refused++;
  if (0 == load->errors++)
  {
    load->first_error_status = status;
    memcpy (load->first_error, text, length);
    load->first_error[length] = '\0';
  }
}

static bool
is_good (const struct load *load, const struct answer *answer)
{
  return 200 == answer->status && load->least_bytes <= answer->body_bytes
         && (NULL == load->expected
             || (strlen (load->expected) == answer->body_bytes
                 && 0 == memcmp (load->expected, answer->start, answer->start_length)));
}

static void
finish_request (struct load *load, struct connection *connection)
{
  const struct answer *answer = &connection->answer;
  uint64_t now = now_ns ();

  load->answered++;
  connection->busy = false;
  if (STATUS_COUNT > answer->status)
    load->statuses[answer->status]++;
  if (is_good (load, answer))
  {
    histogram_add (&load->latency, now - connection->due_ns);
    load->last_ns = now;
  }
  else
    note_error (load, answer->status, answer->start, answer->start_length);
  if (answer->close)
  {
    close (connection->socket);
    open_connection (load, connection);
  }
  answer_reset (&connection->answer);
  if (0 < load->rate)
    load->idle[load->idle_count++] = connection;
  else if (may_send (load, now))
    start_request (load, connection, now);
}

static void
lose_connection (struct load *load, struct connection *connection)
{
  static const char text[] = "the connection ended within an answer, or said more than it";

  load->broken++;
  close (connection->socket);
  open_connection (load, connection);
  if (connection->busy)
  {
    load->answered++;
    connection->busy = false;
    note_error (load, 0, text, sizeof text - 1);
    if (0 < load->rate)
      load->idle[load->idle_count++] = connection;
    else if (may_send (load, now_ns ()))
      start_request (load, connection, now_ns ());
  }
}

static void
read_answer (struct load *load, struct connection *connection)
{
  static char buffer[READ_BYTES];
  ssize_t length = recv (connection->socket, buffer, sizeof buffer, 0);
  size_t used = 0;

  if (0 > length && (EAGAIN == errno || EINTR == errno))
    return;
  if (0 >= length)
  {
    lose_connection (load, connection);
    return;
  }
  load->bytes_in += (uint64_t)length;
  if (connection->busy)
    used = answer_feed (&connection->answer, buffer, (size_t)length);
  /* Bytes behind an answer are those of no request: its length was not what the head said. */
  if (ANSWER_BROKEN == connection->answer.state || used < (size_t)length)
    lose_connection (load, connection);
  else if (ANSWER_DONE == connection->answer.state)
    finish_request (load, connection);
}

/* Open loop: send what is due on connections that are idle; gives the milliseconds until the next is due. */
static int
send_due (struct load *load)
{
  uint64_t now = now_ns ();

  while (may_send (load, now))
  {
    uint64_t due_ns = load->start_ns + (uint64_t)((double)(load->sent + load->dropped) / load->rate * 1e9);

    if (due_ns > now)
      return (int)((due_ns - now) / 1000000U);
    if (0 == load->idle_count && ! load->shed)
      break;
    if (0 == load->idle_count)
      load->dropped++;
    else
      start_request (load, load->idle[--load->idle_count], due_ns);
  }
  return 10;
}

static unsigned
greatest (size_t one, size_t other)
{
  return (unsigned)(one > other ? one : other);
}

/* A filling for each run of each connection: with more runs than connections each run is written by one connection
   only, with fewer several connections write one run, each with a counter of its own. */
static void
prepare_fillings (struct load *load)
{
  struct timespec now;
  uint64_t base_ms = SEEDED_MS;
  uint64_t seed = load->seed;

  clock_gettime (CLOCK_REALTIME, &now);
  if (0 == seed)
  {
    base_ms = (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
    seed = base_ms << 20 ^ (uint64_t)now.tv_nsec;
  }
  load->filling_count = greatest (greatest (load->run_count, load->own_header_count), load->connections);
  load->fillings = calloc (load->filling_count, sizeof *load->fillings);
  if (NULL == load->fillings)
    drive_die ("load: memory");
  for (unsigned one = 0; one < load->filling_count; one++)
  {
    struct filling *filling = &load->fillings[one];

    filling->run = 0 < load->run_count ? load->runs[one % load->run_count] : "";
    filling->headers = 0 < load->own_header_count ? &load->own_headers[one % load->own_header_count] : NULL;
    filling->keys = load->keys;
    filling->values = load->values;
    filling->step_ms = load->step_ms;
    filling->point = load->first_step * load->keys;
    filling->time_ms = base_ms - (0 < load->step_ms ? load->first_step * load->step_ms : filling->point);
    filling->random = value_mix (seed ^ value_mix (one)) | 1U;
    filling->left = 0 < load->requests_each ? load->requests_each : UINT64_MAX;
  }
}

static void
prepare (struct load *load)
{
  struct rlimit files;

  /* Each connection is a file, and the usual limit of 1024 is for programs that use select(2). */
  if (0 == getrlimit (RLIMIT_NOFILE, &files))
  {
    files.rlim_cur = files.rlim_max;
    setrlimit (RLIMIT_NOFILE, &files);
  }
  prepare_fillings (load);
  load->poll = epoll_create1 (EPOLL_CLOEXEC);
  load->list = calloc (load->connections, sizeof *load->list);
  load->idle = calloc (load->connections, sizeof (struct connection *));
  if (0 > load->poll || NULL == load->list || NULL == load->idle)
    drive_die ("load: memory");
  for (unsigned one = 0; one < load->connections; one++)
  {
    load->list[one].next_filling = one;
    open_connection (load, &load->list[one]);
  }
}

void
drive (struct load *load)
{
  struct epoll_event events[EVENTS_MAX];
  uint64_t end_ns;

  prepare (load);
  load->start_ns = now_ns ();
  load->last_ns = load->start_ns;
  load->stop_ns = load->start_ns + (uint64_t)(load->seconds * 1e9);
  end_ns = load->stop_ns + (uint64_t)(load->drain_s * 1e9);
  for (unsigned one = 0; one < load->connections; one++)
    if (0 < load->rate)
      load->idle[load->idle_count++] = &load->list[one];
    else if (may_send (load, load->start_ns))
      start_request (load, &load->list[one], now_ns ());
  while (now_ns () < end_ns)
  {
    int wait_ms = 0 < load->rate ? send_due (load) : 100;
    int count;

    /* In a closed loop a connection that got its answer has sent again, unless all is sent. */
    if (load->answered == load->sent && (0 >= load->rate || ! may_send (load, now_ns ())))
      break;
    count = epoll_wait (load->poll, events, EVENTS_MAX, wait_ms);
    if (0 > count && EINTR != errno)
      drive_die ("load: epoll_wait");
    for (int one = 0; one < count; one++)
    {
      struct connection *connection = events[one].data.ptr;

      if (0 != (events[one].events & EPOLLOUT))
        send_rest (load, connection);
      if (0 != (events[one].events & ~(uint32_t)EPOLLOUT))
        read_answer (load, connection);
    }
  }
}
