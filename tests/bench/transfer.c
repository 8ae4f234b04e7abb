/* Sends and fetches files over HTTP, as fast as it can: what artifacts cost beside the network.
   Usage: transfer put|get --bytes N [--clients N] [--seconds S] [--first N] [--files N] HOST:PORT PATH

   Client c sends (or fetches) file after file as PATH/<c>-<n>, one connection each, until the seconds are over; at
   least one. Every file that is put differs from every other; with --files N the names repeat after N, and get asks for
   those. Prints one JSON object. */
#include "histogram.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One write or read. */
#define BLOCK_BYTES ((size_t)1024 * 1024)
#define CLIENTS_MAX 64
/* A server that says nothing for so long has failed. */
#define SILENCE_S 300

static struct
{
  bool put;
  long long bytes;
  int clients;
  double seconds;
  long long first;
  long long files;
  const char *host;
  const char *port;
  const char *path;
} options = { .clients = 1, .seconds = 1 };

static char block[BLOCK_BYTES]; /* random, so that nothing on the way can make it smaller */
static uint64_t stop_ns;

struct client
{
  pthread_t thread;
  int number;
  int fd;
  unsigned long long requests;
  unsigned long long errors;
  char first_error[200];
  struct histogram times;
};

static uint64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static bool
dial (struct client *client)
{
  const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
  const struct timeval silence = { .tv_sec = SILENCE_S };
  struct addrinfo *address;
  int one = 1;

  if (client->fd >= 0)
    return true;
  if (0 != getaddrinfo (options.host, options.port, &hints, &address))
    return false;
  client->fd = socket (address->ai_family, SOCK_STREAM, 0);
  (void)setsockopt (client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  (void)setsockopt (client->fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof (silence));
  (void)setsockopt (client->fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof (silence));
  if (0 != connect (client->fd, address->ai_addr, address->ai_addrlen))
  {
    close (client->fd);
    client->fd = -1;
  }
  freeaddrinfo (address);
  return client->fd >= 0;
}

static bool
send_all (const struct client *client, const char *data, size_t size)
{
  while (size > 0)
  {
    ssize_t sent = send (client->fd, data, size, MSG_NOSIGNAL);

    if (sent <= 0)
      return false;
    data += sent;
    size -= (size_t)sent;
  }
  return true;
}

/* The body: a block over and over, each time with another beginning, so that no two files are the same. */
static bool
send_body (const struct client *client, long long number)
{
  char *mine = malloc (BLOCK_BYTES);
  bool fine = NULL != mine;
  long long left = options.bytes;

  if (fine)
    memcpy (mine, block, BLOCK_BYTES);
  for (long long piece = 0; fine && left > 0; piece++)
  {
    const long long mark[3] = { client->number, number, piece };
    size_t size = left > (long long)BLOCK_BYTES ? BLOCK_BYTES : (size_t)left;

    memcpy (mine, mark, sizeof (mark));
    fine = send_all (client, mine, size);
    left -= (long long)size;
  }
  free (mine);
  return fine;
}

/* Read the answer: headers, then the body by its length or its chunks, of which only the sum of sizes counts. */
static bool
read_answer (struct client *client, int *status, long long *body_bytes, bool *close_after)
{
  static __thread char data[BLOCK_BYTES + 1];
  size_t have = 0;
  char *end = NULL;
  long long length = -1;
  bool chunked = false;

  while (NULL == end)
  {
    ssize_t got = have < BLOCK_BYTES ? recv (client->fd, data + have, BLOCK_BYTES - have, 0) : -1;

    if (got <= 0)
      return false;
    have += (size_t)got;
    data[have] = '\0';
    end = strstr (data, "\r\n\r\n");
  }
  *status = atoi (data + sizeof ("HTTP/1.1"));
  *close_after = false;
  for (char *line = strstr (data, "\r\n"); line < end; line = strstr (line + 2, "\r\n"))
  {
    if (0 == strncasecmp (line + 2, "content-length:", 15))
      length = atoll (line + 17);
    if (0 == strncasecmp (line + 2, "connection: close", 17))
      *close_after = true;
    if (0 == strncasecmp (line + 2, "transfer-encoding: chunked", 26))
      chunked = true;
  }
  have -= (size_t)(end + 4 - data);
  memmove (data, end + 4, have);
  *body_bytes = (long long)have;
  /* Without a length, or in chunks, it is read to the end of the connection or to the last chunk. */
  while (length < 0 ? true : *body_bytes < length)
  {
    ssize_t got;

    if (chunked && have >= 5 && 0 == memcmp (data + have - 5, "0\r\n\r\n", 5))
      return true;
    got = recv (client->fd, data, BLOCK_BYTES, 0);
    if (got < 0)
      return false;
    if (0 == got)
    {
      *close_after = true;
      return length < 0 && ! chunked;
    }
    have = (size_t)got;
    *body_bytes += got;
  }
  return true;
}

static void
note_error (struct client *client, const char *what, int status)
{
  if (0 == client->errors++)
    snprintf (client->first_error, sizeof (client->first_error), "%s, status %d, %s", what, status, strerror (errno));
  if (client->fd >= 0)
    close (client->fd);
  client->fd = -1;
}

static void
transfer (struct client *client, long long number)
{
  char head[2048];
  long long name = options.files > 0 ? number % options.files : number;
  uint64_t started = now_ns ();
  bool close_after = false;
  long long body_bytes = 0;
  int status = 0;
  int length;

  if (! dial (client))
  {
    note_error (client, "no connection", 0);
    return;
  }
  length = options.put
               ? snprintf (head, sizeof (head),
                           "PUT %s/%d-%lld HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/octet-stream\r\n"
                           "Content-Length: %lld\r\n\r\n",
                           options.path, client->number, name, options.host, options.port, options.bytes)
               : snprintf (head, sizeof (head), "GET %s/%d-%lld HTTP/1.1\r\nHost: %s:%s\r\n\r\n", options.path,
                           client->number, name, options.host, options.port);
  if (! send_all (client, head, (size_t)length) || (options.put && ! send_body (client, number)))
    note_error (client, "sending failed", 0);
  else if (! read_answer (client, &status, &body_bytes, &close_after))
    note_error (client, "the answer broke off", status);
  else if (200 != status || (! options.put && body_bytes < options.bytes))
    note_error (client, "not what was asked for", status);
  else
  {
    client->requests++;
    histogram_add (&client->times, now_ns () - started);
  }
  if (close_after && client->fd >= 0)
  {
    close (client->fd);
    client->fd = -1;
  }
}

static void *
run (void *context)
{
  struct client *client = context;
  long long number = options.first;

  do
    transfer (client, number++);
  while (now_ns () < stop_ns && client->errors < 100);
  return NULL;
}

static void
print_result (struct client *clients, double elapsed_s)
{
  static struct histogram all;
  unsigned long long requests = 0;
  unsigned long long errors = 0;
  unsigned long long least = 0;
  const char *first_error = "";

  for (int i = 0; i < options.clients; i++)
  {
    requests += clients[i].requests;
    errors += clients[i].errors;
    if (clients[i].errors > 0)
      first_error = clients[i].first_error;
    for (size_t k = 0; k < HISTOGRAM_POWERS * HISTOGRAM_PARTS; k++)
      all.counts[k] += clients[i].times.counts[k];
    if (clients[i].times.total > 0 && (0 == all.total || clients[i].times.min_ns < all.min_ns))
      all.min_ns = clients[i].times.min_ns;
    if (clients[i].times.max_ns > all.max_ns)
      all.max_ns = clients[i].times.max_ns;
    all.total += clients[i].times.total;
    if (0 == i || clients[i].requests < least)
      least = clients[i].requests;
  }
  printf ("{\"requests\": %llu, \"least_of_a_client\": %llu, \"errors\": %llu, \"first_error\": \"%s\", \"elapsed_s\": "
          "%.6f, \"bytes_per_s\": %.1f, "
          "\"requests_per_s\": %.3f, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n",
          requests, least, errors, first_error, elapsed_s, (double)requests * (double)options.bytes / elapsed_s,
          (double)requests / elapsed_s, (double)histogram_percentile_ns (&all, 0.5) / 1e6,
          (double)histogram_percentile_ns (&all, 0.99) / 1e6);
}

static bool
parse (int argc, char **argv)
{
  char *colon;
  int at = 2;

  if (argc < 4)
    return false;
  options.put = 0 == strcmp (argv[1], "put");
  for (; at + 1 < argc && '-' == argv[at][0]; at += 2)
  {
    if (0 == strcmp (argv[at], "--bytes"))
      options.bytes = atoll (argv[at + 1]);
    else if (0 == strcmp (argv[at], "--clients"))
      options.clients = atoi (argv[at + 1]);
    else if (0 == strcmp (argv[at], "--seconds"))
      options.seconds = atof (argv[at + 1]);
    else if (0 == strcmp (argv[at], "--first"))
      options.first = atoll (argv[at + 1]);
    else if (0 == strcmp (argv[at], "--files"))
      options.files = atoll (argv[at + 1]);
    else
      return false;
  }
  if (at + 2 != argc || options.bytes < 1 || options.clients < 1 || options.clients > CLIENTS_MAX)
    return false;
  colon = strrchr (argv[at], ':');
  if (NULL == colon)
    return false;
  *colon = '\0';
  options.host = argv[at];
  options.port = colon + 1;
  options.path = argv[at + 1];
  return true;
}

int
main (int argc, char **argv)
{
  static struct client clients[CLIENTS_MAX];
  uint64_t started;

  if (! parse (argc, argv))
  {
    fputs ("usage: transfer put|get --bytes N [--clients N] [--seconds S] [--first N] [--files N] HOST:PORT PATH\n",
           stderr);
    return 2;
  }
  for (size_t got = 0; got < sizeof (block); got += 256)
    (void)! getrandom (block + got, 256, 0);
  started = now_ns ();
  stop_ns = started + (uint64_t)(options.seconds * 1e9);
  for (int i = 0; i < options.clients; i++)
  {
    clients[i].number = i;
    clients[i].fd = -1;
    if (0 != pthread_create (&clients[i].thread, NULL, run, &clients[i]))
      return 1;
  }
  for (int i = 0; i < options.clients; i++)
    (void)pthread_join (clients[i].thread, NULL);
  print_result (clients, (double)(now_ns () - started) / 1e9);
  return 0;
}
