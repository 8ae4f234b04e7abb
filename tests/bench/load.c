/* A load generator for one kind of request: many keep-alive connections from one thread, and a line of JSON at the end.
   It shares the processors with the server that it measures, so it does as little as it can per request. */
#include "answer.h"
#include "histogram.h"
#include "template.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char help_text[] =
    "Usage: load [OPTION]... ADDRESS:PORT PATH\n"
    "Send one kind of request over many connections and print a line of JSON.\n"
    "  --connections N   keep-alive connections (1)\n"
    "  --seconds S       stop sending after S seconds (5); what is under way is waited for\n"
    "  --requests N      stop sending after N requests (no limit)\n"
    "  --rate R          open loop: R requests a second, their latency counted from when each was due;\n"
    "                    without it, each connection sends its next request when it has its answer\n"
    "  --body TEMPLATE   send POST with this body; without it GET. Holes: @run@ @key@ @step@ @time@ @value@\n"
    "                    @count@ and once @elements@\n"
    "  --element TEMPLATE --repeat N   what @elements@ stands for: N copies, separated by commas\n"
    "  --keys N          @key@ runs through 0 to N-1 (1)\n"
    "  --first N         the first @step@ (0)\n"
    "  --runs FILE       one run id a line, for @run@ in body and path; connection i uses line i\n"
    "  --least-bytes N   an answer with a shorter body is an error (0)\n"
    "  --drain S         how long answers are waited for after the last request (120)\n";

/* What a run id may have at most, by the rule of MLflow. */
#define RUN_ID_BYTES 256
/* One read of this size takes most answers whole. */
#define READ_BYTES 65536
/* More events than this at once are taken by the next turn. */
#define EVENTS_MAX 256

struct connection
{
  int socket;
  bool busy;
  bool wants_write;
  uint64_t due_ns;
  struct bytes out;
  size_t sent_bytes;
  struct filling filling;
  struct answer answer;
};

struct load
{
  struct sockaddr_in address;
  const char *host;
  const char *body;
  struct template *request_path;
  struct template *request_body;
  unsigned connections;
  double seconds;
  uint64_t requests_max;
  double rate;
  uint64_t least_bytes;
  double drain_s;

  int poll;
  struct connection *list;
  struct connection **idle; /* open loop: those that wait for a request */
  unsigned idle_count;
  char **runs;
  size_t run_count;

  uint64_t start_ns;
  uint64_t stop_ns;
  uint64_t last_ns; /* when the last good answer came */
  uint64_t sent;
  uint64_t answered;
  uint64_t errors;
  uint64_t broken; /* connections that ended in the middle */
  uint64_t bytes_in;
  uint64_t bytes_out;
  unsigned first_error_status;
  char first_error[ANSWER_START_BYTES + 1];
  struct histogram latency;
};

static _Noreturn void
die (const char *what)
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
    die ("load: epoll_ctl");
  connection->wants_write = write;
}

static void
open_connection (struct load *load, struct connection *connection)
{
  int on = 1;

  connection->socket = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (0 > connection->socket)
    die ("load: socket");
  if (0 != connect (connection->socket, (struct sockaddr *)&load->address, sizeof load->address))
    die ("load: connect");
  if (0 != setsockopt (connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)
      || 0 != fcntl (connection->socket, F_SETFL, O_NONBLOCK))
    die ("load: socket option");
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

static void
start_request (struct load *load, struct connection *connection, uint64_t due_ns)
{
  struct bytes *out = &connection->out;
  static struct bytes body;
  static const char tail[] = " HTTP/1.1\r\nHost: ";
  static const char type[] = "\r\nContent-Type: application/json\r\nContent-Length: ";

  out->length = 0;
  body.length = 0;
  connection->filling.count = load->sent;
  if (NULL != load->body)
    template_fill (&body, load->request_body, &connection->filling);
  bytes_add (out, NULL == load->body ? "GET " : "POST ", NULL == load->body ? 4 : 5);
  template_fill (out, load->request_path, &connection->filling);
  bytes_add (out, tail, sizeof tail - 1);
  bytes_add (out, load->host, strlen (load->host));
  if (NULL != load->body)
  {
    bytes_add (out, type, sizeof type - 1);
    bytes_add_number (out, body.length);
  }
  bytes_add (out, "\r\n\r\n", 4);
  bytes_add (out, body.data, body.length);
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
  if (0 == load->errors++)
  {
    load->first_error_status = status;
    memcpy (load->first_error, text, length);
    load->first_error[length] = '\0';
  }
}

static void
finish_request (struct load *load, struct connection *connection)
{
  const struct answer *answer = &connection->answer;
  uint64_t now = now_ns ();

  load->answered++;
  connection->busy = false;
  if (200 == answer->status && load->least_bytes <= answer->body_bytes)
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
  static const char text[] = "the connection ended before the answer did";

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

  if (0 > length && (EAGAIN == errno || EINTR == errno))
    return;
  if (0 >= length)
  {
    lose_connection (load, connection);
    return;
  }
  load->bytes_in += (uint64_t)length;
  if (connection->busy)
    answer_feed (&connection->answer, buffer, (size_t)length);
  if (! connection->busy || ANSWER_BROKEN == connection->answer.state)
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
    uint64_t due_ns = load->start_ns + (uint64_t)((double)load->sent / load->rate * 1e9);

    if (due_ns > now)
      return (int)((due_ns - now) / 1000000U);
    if (0 == load->idle_count)
      break;
    start_request (load, load->idle[--load->idle_count], due_ns);
  }
  return 10;
}

static void
run (struct load *load)
{
  struct epoll_event events[EVENTS_MAX];
  uint64_t end_ns;

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

    if (! may_send (load, now_ns ()) && load->answered == load->sent)
      break;
    count = epoll_wait (load->poll, events, EVENTS_MAX, wait_ms);
    if (0 > count && EINTR != errno)
      die ("load: epoll_wait");
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

static void
print_text (const char *text)
{
  putchar ('"');
  for (; '\0' != *text; text++)
    if ('"' == *text || '\\' == *text)
      printf ("\\%c", *text);
    else
      putchar (' ' > *text ? ' ' : *text);
  putchar ('"');
}

static void
print_result (const struct load *load)
{
  const struct histogram *latency = &load->latency;
  double seconds = (double)(load->last_ns - load->start_ns) / 1e9;
  struct rusage usage;
  double cpu_s;

  getrusage (RUSAGE_SELF, &usage);
  cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
          + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  printf ("{\"requests\":%ju,\"errors\":%ju,\"unanswered\":%ju,\"broken_connections\":%ju,\"seconds\":%.4f,"
          "\"requests_per_second\":%.2f,",
          (uintmax_t)latency->total, (uintmax_t)load->errors, (uintmax_t)(load->sent - load->answered),
          (uintmax_t)load->broken, seconds, 0 < latency->total ? (double)latency->total / seconds : 0.0);
  printf (
      "\"latency_us\":{\"min\":%.1f,\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
      (double)latency->min_ns / 1e3, 0 < latency->total ? (double)latency->sum_ns / (double)latency->total / 1e3 : 0.0,
      (double)histogram_percentile_ns (latency, 0.5) / 1e3, (double)histogram_percentile_ns (latency, 0.9) / 1e3,
      (double)histogram_percentile_ns (latency, 0.99) / 1e3, (double)histogram_percentile_ns (latency, 0.999) / 1e3,
      (double)latency->max_ns / 1e3);
  printf ("\"bytes_in\":%ju,\"bytes_out\":%ju,\"cpu_seconds\":%.3f,\"first_error_status\":%u,\"first_error\":",
          (uintmax_t)load->bytes_in, (uintmax_t)load->bytes_out, cpu_s, load->first_error_status);
  print_text (load->first_error);
  puts ("}");
}

static void
read_runs (struct load *load, const char *name)
{
  char line[RUN_ID_BYTES + 2];
  FILE *file = fopen (name, "re");

  if (NULL == file)
    die (name);
  while (NULL != fgets (line, sizeof line, file))
  {
    line[strcspn (line, "\r\n")] = '\0';
    load->runs = realloc (load->runs, (load->run_count + 1) * sizeof *load->runs);
    if (NULL == load->runs || NULL == (load->runs[load->run_count++] = strdup (line)))
      die ("load: memory");
  }
  fclose (file);
}

static void
prepare (struct load *load, uint64_t keys, uint64_t first)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  load->poll = epoll_create1 (EPOLL_CLOEXEC);
  load->list = calloc (load->connections, sizeof *load->list);
  load->idle = calloc (load->connections, sizeof (struct connection *));
  if (0 > load->poll || NULL == load->list || NULL == load->idle)
    die ("load: memory");
  for (unsigned one = 0; one < load->connections; one++)
  {
    struct filling *filling = &load->list[one].filling;

    filling->run = 0 < load->run_count ? load->runs[one % load->run_count] : "";
    filling->keys = keys;
    filling->point = first * keys;
    filling->time_ms = (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U - filling->point;
    filling->random = 0x9e3779b97f4a7c15U * (one + 1U) ^ (uint64_t)now.tv_nsec;
    open_connection (load, &load->list[one]);
  }
}

static void
parse_address (struct load *load, char *text)
{
  char *colon = strrchr (text, ':');
  char *end = text;
  unsigned long port = 0;

  load->host = strdup (text);
  if (NULL != colon)
  {
    *colon = '\0';
    port = strtoul (colon + 1, &end, 10);
  }
  load->address.sin_family = AF_INET;
  load->address.sin_port = htons ((uint16_t)port);
  if (NULL == load->host || 0 == port || 65535 < port || '\0' != *end
      || 1 != inet_pton (AF_INET, text, &load->address.sin_addr))
  {
    fputs ("load: the address must be like 127.0.0.1:5000\n", stderr);
    exit (2);
  }
}

int
main (int argc, char **argv)
{
  static struct load load = { .connections = 1, .seconds = 5, .requests_max = UINT64_MAX, .drain_s = 120 };
  static const struct option options[] = {
    { "connections", required_argument, NULL, 'c' },
    { "seconds", required_argument, NULL, 's' },
    { "requests", required_argument, NULL, 'n' },
    { "rate", required_argument, NULL, 'r' },
    { "body", required_argument, NULL, 'b' },
    { "element", required_argument, NULL, 'e' },
    { "repeat", required_argument, NULL, 'R' },
    { "keys", required_argument, NULL, 'k' },
    { "first", required_argument, NULL, 'f' },
    { "runs", required_argument, NULL, 'i' },
    { "least-bytes", required_argument, NULL, 'l' },
    { "drain", required_argument, NULL, 'd' },
    { NULL, 0, NULL, 0 },
  };
  const char *element = "";
  unsigned repeat = 0;
  uint64_t keys = 1;
  uint64_t first = 0;
  int option;

  while (-1 != (option = getopt_long (argc, argv, "", options, NULL)))
    switch (option)
    {
    case 'c':
      load.connections = (unsigned)strtoul (optarg, NULL, 10);
      break;
    case 's':
      load.seconds = strtod (optarg, NULL);
      break;
    case 'n':
      load.requests_max = strtoull (optarg, NULL, 10);
      break;
    case 'r':
      load.rate = strtod (optarg, NULL);
      break;
    case 'b':
      load.body = optarg;
      break;
    case 'e':
      element = optarg;
      break;
    case 'R':
      repeat = (unsigned)strtoul (optarg, NULL, 10);
      break;
    case 'k':
      keys = strtoull (optarg, NULL, 10);
      break;
    case 'f':
      first = strtoull (optarg, NULL, 10);
      break;
    case 'i':
      read_runs (&load, optarg);
      break;
    case 'l':
      load.least_bytes = strtoull (optarg, NULL, 10);
      break;
    case 'd':
      load.drain_s = strtod (optarg, NULL);
      break;
    default:
      fputs (help_text, stderr);
      return 2;
    }
  if (2 != argc - optind || 0 == load.connections || 0 == keys)
  {
    fputs (help_text, stderr);
    return 2;
  }
  parse_address (&load, argv[optind]);
  load.request_path = template_new (argv[optind + 1], "", 0);
  load.request_body = template_new (NULL == load.body ? "" : load.body, element, repeat);
  prepare (&load, keys, first);
  run (&load);
  print_result (&load);
  template_free (load.request_path);
  template_free (load.request_body);
  return 0 == load.errors && load.answered == load.sent && 0 < load.latency.total ? 0 : 1;
}
