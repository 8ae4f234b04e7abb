/* What tests of requests share: a transport, a server that answers as they say, and what it was asked. */
#ifndef TESTS_CLIENT_ASKED_H
#define TESTS_CLIENT_ASKED_H

#include "error.h"
#include "http_server.h"
#include "transport.h"

#include <check.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

extern struct tally_options *options;
extern struct http_server *server;
extern struct transport *transport; /* NULL until the first request, or connect_to */
extern struct transport_answer answer;
extern struct tally_error failure;

/* What the server shall do; it answers with `status` and the JSON `text` at first. Atomic, since its thread may still
   have read them when the request has ended already: that of an answer without a byte. */
extern http_handler *_Atomic behaviour;
extern const char *_Atomic text;
extern atomic_int status;

/* What it saw last, and how many requests. */
extern struct http_request seen;
extern char seen_body[4096];
extern atomic_uint requests;

void set_up (void);
void tear_down (void);
void connect_to (const char *url);
enum tally_code get (const char *path);
/* By transport_call. */
enum tally_code call (const char *method, bool once, int64_t deadline_ms);
int64_t now_ms (void);

#define COUNT(array) ((int)(sizeof (array) / sizeof ((array)[0])))

#endif
