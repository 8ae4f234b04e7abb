/* Plans: which faults a proxy puts into which share of the requests. */
#ifndef PROOF_PLAN_H
#define PROOF_PLAN_H

#include <stdbool.h>

/* FAULT (id, name, what the client sees). */
#define PLAN_FAULTS(FAULT)                                                                                             \
  FAULT (NONE, "none", "the server's answer")                                                                          \
  FAULT (DROP_BEFORE, "drop-before", "the connection is reset; the server never saw the request")                      \
  FAULT (DROP_REQUEST, "drop-request", "the connection is reset; the server got half of the request")                  \
  FAULT (DROP_ANSWER, "drop-answer", "the connection is reset in the middle of the answer")                            \
  FAULT (LOSE_ANSWER, "lose-answer", "the server did it and answered; the connection is reset before a byte of that")  \
  FAULT (TRUNCATE, "truncate", "the connection ends in an orderly way in the middle of the answer")                    \
  FAULT (CORRUPT, "corrupt", "bytes of the answer's body are control characters")                                      \
  FAULT (CORRUPT_REQUEST, "corrupt-request", "a byte of the request's body is another: only when asked for")           \
  FAULT (DELAY, "delay", "the answer comes late")                                                                      \
  FAULT (SLOW, "slow", "the answer comes in drops")                                                                    \
  FAULT (CLOSE, "close", "the answer is whole, and then the connection is closed without a word")                      \
  FAULT (BUSY, "503", "503 without Retry-After; the server never saw it")                                              \
  FAULT (BUSY_LATER, "503-later", "503 with Retry-After: 1")                                                           \
  FAULT (BUSY_DONE, "503-done", "503, although the server did it")                                                     \
  FAULT (MANY, "429", "429 with Retry-After: 1")                                                                       \
  FAULT (BROKEN, "500", "500; the server never saw it")                                                                \
  FAULT (BROKEN_DONE, "500-done", "500 with HTML, although the server did it")                                         \
  FAULT (HTML, "html", "200 with HTML, as a captive portal answers")                                                   \
  FAULT (ENDLESS, "endless", "200 and a body without an end")                                                          \
  FAULT (REDIRECT, "redirect", "307 to another address")                                                               \
  FAULT (SILENT, "silent", "the server did it; no answer ever comes")

enum fault
{
#define FAULT(id, name, text) FAULT_##id,
  PLAN_FAULTS (FAULT)
#undef FAULT
      FAULT_COUNT
};

const char *fault_name (enum fault fault);
const char *fault_text (enum fault fault);

struct plan
{
  unsigned percent[FAULT_COUNT]; /* of the requests; what is left of 100 gets NONE */
};

/* "lose-answer=10,503=5". False when it is none; `plan` is then as before. */
bool plan_parse (struct plan *plan, const char *text);

#endif
