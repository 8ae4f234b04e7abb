/* Parts of the transport: one request on one curl handle. */
#ifndef CLIENT_TRANSPORT_EXCHANGE_H
#define CLIENT_TRANSPORT_EXCHANGE_H

#include "transport.h"
#include "transport_settings.h"

#include <curl/curl.h>
#include <stdatomic.h>

/* Why a transfer was stopped by a callback. */
enum stop
{
  STOP_NONE,
  STOP_CANCELLED,
  STOP_SINK,
  STOP_TOO_LARGE,
  STOP_MEMORY,
  STOP_FILE
};

/* One request while it is under way. */
struct exchange
{
  const struct transport_settings *settings;
  const atomic_bool *cancelled; /* looked at whenever the wait is woken */
  const struct transport_request *request;
  struct transport_answer *answer;
  CURLM *multi;
  CURL *easy;

  /* Zero at first. */
  struct curl_slist *headers;
  uint64_t file_done_bytes;
  size_t header_bytes;
  bool time_used; /* meanwhile was called */
  enum stop stop;
  char why[CURL_ERROR_SIZE];
};

/* Send the request and take the answer, which transport_answer_init has prepared. */
enum tally_code exchange_run (struct exchange *exchange, struct tally_error *err);

#endif
