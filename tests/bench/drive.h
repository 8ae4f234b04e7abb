/* Many keep-alive connections from one thread that send one kind of request and check every answer. */
#ifndef BENCH_DRIVE_H
#define BENCH_DRIVE_H

#include "answer.h"
#include "histogram.h"
#include "template.h"

#include <netinet/in.h>

/* One more than the greatest status of HTTP. */
#define STATUS_COUNT 600

struct connection
{
  int socket;
  bool busy;
  bool wants_write;
  bool sent_before; /* `out` holds a whole request that may be sent again */
  uint64_t due_ns;
  struct bytes out;
  size_t sent_bytes;
  unsigned next_filling; /* which of its runs is next */
  struct answer answer;
};

struct load
{
  /* What to send; set before the start. */
  struct sockaddr_in address;
  const char *host;
  const char *body;
  struct template *request_path;
  struct template *request_body;
  unsigned connections;
  double seconds;
  uint64_t requests_max;
  uint64_t requests_each; /* for each run; 0: no limit */
  double rate; /* open loop; 0: closed loop */
  bool shed; /* open loop: drop what is due while every connection waits */
  double repeat_percent;
  uint64_t keys;
  uint64_t first_step;
  uint64_t step_ms;
  uint64_t seed; /* 0: other values and times each time; else the same bodies in each run of this program */
  enum value_kind values;
  char **runs;
  size_t run_count;
  struct bytes headers; /* of every request; each with the end of the line before it */
  struct bytes *own_headers; /* those of one run after the other */
  size_t own_header_count;

  /* What a good answer is, besides status 200. */
  uint64_t least_bytes;
  const char *expected; /* the whole body, of at most ANSWER_START_BYTES; NULL: any */
  double drain_s;

  /* The state of the driver. */
  int poll;
  struct connection *list;
  struct connection **idle; /* open loop: those that wait for a request */
  unsigned idle_count;
  struct filling *fillings; /* connection i has number i, i + connections, i + 2 connections ... */
  unsigned filling_count;

  /* What came of it. */
  uint64_t start_ns;
  uint64_t stop_ns;
  uint64_t last_ns; /* when the last good answer came */
  uint64_t sent;
  uint64_t repeated; /* of sent: the request before on that connection once more */
  uint64_t dropped; /* due, but not sent, because every connection waited (shed) */
  uint64_t answered;
  uint64_t errors;
  uint64_t refused; /* of errors: status 503 */
  uint64_t statuses[STATUS_COUNT]; /* answers that had it */
  uint64_t broken; /* connections that ended in the middle, or said what nobody asked */
  uint64_t bytes_in;
  uint64_t bytes_out;
  unsigned first_error_status;
  char first_error[ANSWER_START_BYTES + 1];
  struct histogram latency; /* of good answers, from when each request was due */
};

/* Print what the system says of the call that failed and end the program. */
_Noreturn void drive_die (const char *what);

/* Open the connections, send until the time or the requests are over, and wait for what is under way. Ends the program
   when the system refuses. */
void drive (struct load *load);

#endif
