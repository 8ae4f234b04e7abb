/* Streamed answers: read whole, slowly, over HTTP/1.0, with requests behind them, and left in the middle. */
#include "api.h"
#include "commands.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one log-batch takes by default. */
#define BATCH_POINTS 1000
/* Points of one timestamp, so that the order within it counts too. */
#define POINTS_OF_A_MS 7
/* Small enough that a reader who stops soon stops the server: a piece is larger than this and the server's own socket
   buffer (4 MiB at most) together. */
#define RECEIVE_BUFFER_BYTES 65536
/* Longest that a whole history may take, sanitizers and a shared machine included. */
#define READ_MS 120000
/* An answer of something else meanwhile: who waited for a reader would wait until it goes on, which is for ever. */
#define OTHER_MS 30000
/* Figures are right again soon after a client has gone, and not only when idle-timeout-ms has closed it. */
#define SETTLE_MS 30000
#define SLOW_READERS 24
#define GONE_THREADS 4
#define CROWD_MAX 64
/* What each of a crowd reads, and the most while nobody was refused. */
#define CROWD_TIMES 2
#define CROWD_MOST_TIMES 50

/* A history that `stream-fill` made. */
struct history
{
  char host[256];
  char port[16];
  const char *base_url;
  const char *run_id;
  char key[512];
  long points;
};

/* Arguments URL RUN KEY-LENGTH POINTS. */
static bool
take_history (struct history *history, int argc, char **argv)
{
  size_t length = argc > 4 ? strtoul (argv[3], NULL, 10) : 0;

  if (0 == length || length >= sizeof (history->key)
      || ! split_base_url (argv[1], history->host, sizeof (history->host), history->port, sizeof (history->port)))
    return false;
  history->base_url = argv[1];
  history->run_id = argv[2];
  memset (history->key, 'k', length);
  history->key[length] = '\0';
  history->points = strtol (argv[4], NULL, 10);
  return history->points > 0;
}

static bool
log_batch (struct api *api, const char *run_id, const char *key, long first, long count, long timestamp_offset)
{
  json_t *metrics = json_array ();

  for (long i = first; i < first + count; i++)
    json_array_append_new (metrics,
                           json_pack ("{s:s,s:f,s:I,s:I}", "key", key, "value", (double)i / 2, "timestamp",
                                      (json_int_t)(timestamp_offset + i / POINTS_OF_A_MS), "step", (json_int_t)i));
  return 200 == api_post (api, "runs/log-batch", json_pack ("{s:s,s:o}", "run_id", run_id, "metrics", metrics), NULL);
}

int
command_stream_fill (int argc, char **argv)
{
  struct history history;
  struct api api;
  char run_id[64] = "";
  char *arguments[] = { argv[0], argc > 3 ? argv[1] : NULL, run_id, argc > 3 ? argv[2] : NULL,
                        argc > 3 ? argv[3] : NULL };
  bool ok;

  if (argc < 4 || ! take_history (&history, 5, arguments))
    return 2;
  api_open (&api, history.base_url);
  ok = api_make_run (&api, run_id);
  /* The last points first, and the first ones twice, as retried requests are. */
  for (long first = (history.points - 1) / BATCH_POINTS * BATCH_POINTS; ok && first >= 0; first -= BATCH_POINTS)
  {
    long left = history.points - first;

    ok = log_batch (&api, run_id, history.key, first, left < BATCH_POINTS ? left : BATCH_POINTS, 1000);
  }
  ok = ok && log_batch (&api, run_id, history.key, 0, history.points < 500 ? history.points : 500, 1000);
  api_close (&api);
  printf ("run_id=%s\n", run_id);
  return ! ok;
}

/* ---- one reader ----------------------------------------------------------------------------------------------------
 */

/* A connection on which the history was asked for. */
struct reader
{
  int fd;
  struct reply reply;
  struct buffer pending; /* raw bytes that were read ahead */
};

static bool
open_reader (struct reader *reader, const struct history *history)
{
  const struct timeval wait = { .tv_sec = READ_MS / 1000 };
  int bytes = RECEIVE_BUFFER_BYTES;

  reply_init (&reader->reply);
  buffer_init (&reader->pending, 64u << 20);
  reader->fd = reply_connect (history->host, history->port);
  return reader->fd >= 0 && 0 == setsockopt (reader->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof (bytes))
         && 0 == setsockopt (reader->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof (wait));
}

static void
close_reader (struct reader *reader)
{
  if (reader->fd >= 0)
    close (reader->fd);
  buffer_free (&reader->pending);
  reply_clear (&reader->reply);
}

static bool
ask (struct reader *reader, const struct history *history, const char *method, const char *version, const char *more)
{
  char request[4096];
  int length = snprintf (request, sizeof (request),
                         "%s /api/2.0/mlflow/metrics/get-history?run_id=%s&metric_key=%s%s HTTP/%s\r\n"
                         "Host: localhost\r\n\r\n",
                         method, history->run_id, history->key, more, version);

  return reply_write (reader->fd, request, (size_t)length);
}

/* Read so many raw bytes ahead. */
static bool
read_ahead (struct reader *reader, size_t bytes)
{
  char block[16384];

  while (reader->pending.len < bytes)
  {
    size_t left = bytes - reader->pending.len;
    ssize_t got = recv (reader->fd, block, left < sizeof (block) ? left : sizeof (block), 0);

    if (got <= 0 || ! buffer_append (&reader->pending, block, (size_t)got))
      return false;
  }
  return true;
}

static bool
read_rest (struct reader *reader)
{
  long began_ms = reply_now_ms ();
  bool whole = reply_read (&reader->reply, reader->fd, &reader->pending, false, READ_MS);

  if (! whole)
    printf ("an answer ended behind %zu bytes, after %ld ms\n", reader->reply.body.len, reply_now_ms () - began_ms);
  return whole;
}

/* Whether the answer holds each point from step `first` on once and in order; others, of steps beyond, may be between.
 */
static bool
is_whole (const struct reader *reader, const struct history *history, long first)
{
  json_t *body = json_loadb (reader->reply.body.data, reader->reply.body.len, JSON_REJECT_DUPLICATES, NULL);
  const json_t *metrics = json_object_get (body, "metrics");
  const json_t *item;
  long found = 0;
  json_int_t last_timestamp = 0;
  json_int_t last_step = 0;
  bool ok = 200 == reader->reply.status && 1 == json_object_size (body);
  size_t i;

  json_array_foreach (metrics, i, item)
  {
    json_int_t timestamp = json_integer_value (json_object_get (item, "timestamp"));
    json_int_t step = json_integer_value (json_object_get (item, "step"));

    ok = ok && (0 == i || timestamp > last_timestamp || (timestamp == last_timestamp && step > last_step))
         && (double)step / 2 == json_number_value (json_object_get (item, "value"))
         && 0 == strcmp (history->key, json_string_value (json_object_get (item, "key")));
    found += step >= first && step < history->points;
    last_timestamp = timestamp;
    last_step = step;
  }
  ok = ok && history->points - first == found;
  if (! ok)
    printf ("status %ld, %zu bytes, %ld points of %ld\n", reader->reply.status, reader->reply.body.len, found,
            history->points - first);
  json_decref (body);
  return ok;
}

static bool
is_chunked (const struct reader *reader)
{
  return 0 == strcmp (reply_header_text (&reader->reply, "transfer-encoding"), "chunked")
         && '\0' == *reply_header_text (&reader->reply, "content-length");
}

/* ---- figures -------------------------------------------------------------------------------------------------------
 */

static long
figure_of (const char *text, const char *name)
{
  char line[128];
  const char *at;

  snprintf (line, sizeof (line), "\n%s ", name);
  at = NULL == text ? NULL : strstr (text, line);
  return NULL == at ? -1 : strtol (at + strlen (line), NULL, 10);
}

static const char *const figures = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/* Wait until the request for the figures is the only one, on the only connection. */
static bool
settles (const struct history *history)
{
  struct reader reader;
  long began_ms = reply_now_ms ();
  long requests = -1;
  long connections = -1;
  long waiting = -1;

  while (reply_now_ms () - began_ms < SETTLE_MS)
  {
    if (open_reader (&reader, history) && reply_write (reader.fd, figures, strlen (figures)) && read_rest (&reader))
    {
      requests = figure_of (reader.reply.body.data, "tally_requests_in_flight");
      connections = figure_of (reader.reply.body.data, "tally_connections");
      waiting = figure_of (reader.reply.body.data, "tally_work_queue");
    }
    close_reader (&reader);
    if (1 == requests && 1 == connections && 0 == waiting)
      return true;
    usleep (50000);
  }
  printf ("%ld requests are in flight on %ld connections, %ld wait\n", requests, connections, waiting);
  return false;
}

/* ---- the cases -----------------------------------------------------------------------------------------------------
 */

static bool
reads_whole (const struct history *history)
{
  struct reader reader;
  bool ok = open_reader (&reader, history) && ask (&reader, history, "GET", "1.1", "") && read_rest (&reader)
            && is_chunked (&reader) && is_whole (&reader, history, 0);

  close_reader (&reader);
  return ok;
}

/* Whoever does not know chunks gets an answer that ends with the connection. */
static bool
reads_over_http_1_0 (const struct history *history)
{
  struct reader reader;
  bool ok = open_reader (&reader, history) && ask (&reader, history, "GET", "1.0", "") && read_rest (&reader)
            && ! is_chunked (&reader) && is_whole (&reader, history, 0);

  close_reader (&reader);
  return ok && settles (history);
}

/* What MLflow's own server gives as a token: so many points to leave out. */
static bool
begins_at_a_token (const struct history *history)
{
  struct reader reader;
  /* {"offset": 26000} */
  bool ok = open_reader (&reader, history)
            && ask (&reader, history, "GET", "1.1", "&page_token=eyJvZmZzZXQiOiAyNjAwMH0%3D") && read_rest (&reader)
            && is_whole (&reader, history, 26000);

  close_reader (&reader);
  return ok;
}

static bool
takes_others_behind (const struct history *history)
{
  struct reader reader;
  struct reply behind;
  bool ok;

  reply_init (&behind);
  ok = open_reader (&reader, history) && ask (&reader, history, "GET", "1.1", "")
       && ask (&reader, history, "GET", "1.1", "&max_results=1") && ask (&reader, history, "GET", "1.1", "")
       && read_rest (&reader) && is_whole (&reader, history, 0)
       && reply_read (&behind, reader.fd, &reader.pending, false, READ_MS) && 200 == behind.status
       && NULL != strstr (behind.body.data, "next_page_token");
  reply_clear (&reader.reply);
  reply_init (&reader.reply);
  ok = ok && read_rest (&reader) && is_whole (&reader, history, 0) && 0 == reader.pending.len;
  reply_clear (&behind);
  close_reader (&reader);
  return ok;
}

/* Neither a body nor a chunk, nor a length that nobody knows. */
static bool
head_has_no_body (const struct history *history)
{
  struct reader reader;
  char byte;
  bool ok = open_reader (&reader, history) && ask (&reader, history, "HEAD", "1.1", "")
            && reply_read (&reader.reply, reader.fd, &reader.pending, true, READ_MS) && 200 == reader.reply.status
            && '\0' == *reply_header_text (&reader.reply, "content-length") && 0 == reader.pending.len
            && 0 == recv (reader.fd, &byte, 1, 0);

  close_reader (&reader);
  return ok && settles (history);
}

/* Readers that stop in the middle, more than there are workers: others are served at once, points come in, and in the
   end everybody has everything. */
static bool
slow_readers_hold_nobody_up (const struct history *history)
{
  static struct reader readers[SLOW_READERS];
  struct api api;
  long worst_ms = 0;
  bool ok = true;

  for (unsigned i = 0; i < SLOW_READERS; i++)
    ok = open_reader (&readers[i], history) && ask (&readers[i], history, "GET", "1.1", "") && ok;
  for (unsigned i = 0; ok && i < SLOW_READERS; i++)
    ok = read_ahead (&readers[i], 1000);
  api_open (&api, history->base_url);
  for (unsigned i = 0; ok && i < 10; i++)
  {
    long began_ms = reply_now_ms ();

    ok = 200 == api_get (&api, "experiments/get?experiment_id=0", NULL);
    if (reply_now_ms () - began_ms > worst_ms)
      worst_ms = reply_now_ms () - began_ms;
  }
  /* Before all others and behind them. */
  ok = ok && log_batch (&api, history->run_id, history->key, history->points, 100, -(history->points / POINTS_OF_A_MS))
       && log_batch (&api, history->run_id, history->key, history->points + 1000, 100, 2000);
  api_close (&api);
  for (unsigned i = 0; i < SLOW_READERS; i++)
  {
    ok = ok && read_rest (&readers[i]) && is_whole (&readers[i], history, 0);
    close_reader (&readers[i]);
  }
  printf ("others waited %ld ms at most\n", worst_ms);
  return ok && worst_ms <= OTHER_MS;
}

struct leaver
{
  const struct history *history;
  unsigned times;
  unsigned seed;
};

/* Ask, and go away somewhere: at once or while it is read, politely or not. */
static void *
leave (void *user)
{
  struct leaver *leaver = user;

  for (unsigned i = 0; i < leaver->times; i++)
  {
    const struct linger none = { .l_onoff = 1, .l_linger = 0 };
    struct reader reader;
    /* Half of them before much has come. */
    size_t bytes = (size_t)rand_r (&leaver->seed) % (0 == i % 2 ? 3000 : (16u << 20));

    if (open_reader (&reader, leaver->history) && ask (&reader, leaver->history, "GET", 0 == i % 5 ? "1.0" : "1.1", ""))
    {
      usleep ((useconds_t)rand_r (&leaver->seed) % 30000);
      (void)read_ahead (&reader, bytes);
      if (0 == rand_r (&leaver->seed) % 2)
        (void)setsockopt (reader.fd, SOL_SOCKET, SO_LINGER, &none, sizeof (none));
      else if (0 == rand_r (&leaver->seed) % 2)
        (void)shutdown (reader.fd, SHUT_WR);
    }
    close_reader (&reader);
  }
  return NULL;
}

static bool
survives_those_who_leave (const struct history *history, unsigned times)
{
  pthread_t threads[GONE_THREADS];
  struct leaver leavers[GONE_THREADS];

  for (unsigned i = 0; i < GONE_THREADS; i++)
  {
    leavers[i] = (struct leaver){ history, times / GONE_THREADS, i + 1 };
    pthread_create (&threads[i], NULL, leave, &leavers[i]);
  }
  for (unsigned i = 0; i < GONE_THREADS; i++)
    pthread_join (threads[i], NULL);
  return settles (history) && reads_whole (history);
}

int
command_stream (int argc, char **argv)
{
  static const struct
  {
    const char *label;
    bool (*run) (const struct history *history);
  } cases[] = {
    { "the whole history", reads_whole },
    { "over HTTP/1.0", reads_over_http_1_0 },
    { "from a token on", begins_at_a_token },
    { "other requests behind it", takes_others_behind },
    { "HEAD", head_has_no_body },
    { "slow readers", slow_readers_hold_nobody_up },
  };
  struct history history;
  unsigned failed = 0;

  if (argc < 6 || ! take_history (&history, argc, argv))
    return 2;
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    if (! cases[i].run (&history))
    {
      printf ("FAIL %s\n", cases[i].label);
      failed++;
    }
  if (! survives_those_who_leave (&history, (unsigned)strtoul (argv[5], NULL, 10)))
  {
    printf ("FAIL clients that go away\n");
    failed++;
  }
  return failed > 0;
}

int
command_stream_around (int argc, char **argv)
{
  struct history history;
  struct reader reader;
  bool wants_whole;
  bool whole;
  char byte;
  bool ok;

  if (argc < 7 || ! take_history (&history, argc, argv))
    return 2;
  wants_whole = 0 == strcmp (argv[5], "whole");
  ok = open_reader (&reader, &history) && ask (&reader, &history, "GET", "1.1", "") && read_ahead (&reader, 1000);
  if (ok && 0 != system (argv[6]))
    ok = false;
  whole = ok && read_rest (&reader);
  if (whole)
    ok = wants_whole && is_whole (&reader, &history, 0);
  else
  {
    json_t *body = json_loadb (reader.reply.body.data, reader.reply.body.len, 0, NULL);

    /* Not too slow but closed, after a piece, and nobody can take it for an answer. */
    ok = ok && ! wants_whole && 200 == reader.reply.status && reader.reply.body.len > 0 && NULL == body
         && recv (reader.fd, &byte, 1, MSG_DONTWAIT) == 0;
    json_decref (body);
  }
  printf ("answer=%s status=%ld bytes=%zu\n", whole ? "whole" : "broken", reader.reply.status, reader.reply.body.len);
  close_reader (&reader);
  return ! ok;
}

int
command_stream_stall (int argc, char **argv)
{
  struct history history;
  struct reader reader;
  long timeout_ms = argc > 5 ? strtol (argv[5], NULL, 10) : 0;
  long began_ms;
  bool ok;

  if (timeout_ms < 1 || ! take_history (&history, argc, argv))
    return 2;
  ok = open_reader (&reader, &history) && ask (&reader, &history, "GET", "1.1", "") && read_ahead (&reader, 1000);
  began_ms = reply_now_ms ();
  usleep ((useconds_t)timeout_ms * 1000);
  /* The connection is gone on the other side while this one still has not read what came. */
  ok = ok && settles (&history) && ! read_rest (&reader);
  printf ("closed after %ld ms\n", reply_now_ms () - began_ms);
  close_reader (&reader);
  return ! ok;
}

/* Of any of a crowd. */
static _Atomic bool any_refused;

struct member
{
  const struct history *history;
  unsigned refused;
  bool ok;
};

static void *
join_crowd (void *user)
{
  struct member *member = user;

  member->ok = true;
  for (unsigned done = 0;
       member->ok && (done < CROWD_TIMES || (done < CROWD_MOST_TIMES && ! atomic_load (&any_refused)));)
  {
    struct reader reader;

    member->ok = open_reader (&reader, member->history) && ask (&reader, member->history, "GET", "1.1", "")
                 && read_rest (&reader);
    if (member->ok && 503 == reader.reply.status)
    {
      member->refused++;
      atomic_store (&any_refused, true);
      usleep (20000);
    }
    else
    {
      member->ok = member->ok && is_whole (&reader, member->history, 0);
      done++;
    }
    close_reader (&reader);
  }
  return NULL;
}

int
command_stream_crowd (int argc, char **argv)
{
  static struct member members[CROWD_MAX];
  pthread_t threads[CROWD_MAX];
  struct history history;
  unsigned count = argc > 5 ? (unsigned)strtoul (argv[5], NULL, 10) : 0;
  unsigned refused = 0;
  unsigned broken = 0;

  if (0 == count || count > CROWD_MAX || ! take_history (&history, argc, argv))
    return 2;
  for (unsigned i = 0; i < count; i++)
  {
    members[i] = (struct member){ .history = &history };
    pthread_create (&threads[i], NULL, join_crowd, &members[i]);
  }
  for (unsigned i = 0; i < count; i++)
  {
    pthread_join (threads[i], NULL);
    refused += members[i].refused;
    broken += ! members[i].ok;
  }
  printf ("crowd=%u refused=%u broken=%u\n", count, refused, broken);
  return 0 != broken || 0 == refused || ! settles (&history);
}
