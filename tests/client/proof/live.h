/* What the parts of the live test share: expectations that also note which function was called and how it ended. */
#ifndef PROOF_LIVE_H
#define PROOF_LIVE_H

#include "tally.h"

#include <stdio.h>
#include <string.h>

struct live
{
  const char *url;
  bool is_tally;
  const char *scratch; /* a folder of this test's own */
  char unique[32]; /* in every name, so that the test can run twice on a server */
  struct tally_client *client;
  struct tally_client *offline;
  struct tally_client *dead; /* of a port where nobody listens */
  struct tally_error err; /* of the last call of OK and FAILS */
};

/* Note that `name` was called and gave `code`; false, and told, when that is not what was wanted. */
bool live_expect (struct live *live, const char *file, int line, const char *name, enum tally_code code,
                  enum tally_code wanted);
/* Note that a function was used that gives no code. */
void live_used (const char *name);
/* Any other expectation. */
bool live_check (bool good, const char *file, int line, const char *what);

/* name (arguments..., &live->err) must succeed, or fail with the code. */
#define OK(name, ...) live_expect (live, __FILE__, __LINE__, #name, name (__VA_ARGS__, &live->err), TALLY_OK)
#define FAILS(wanted, name, ...) live_expect (live, __FILE__, __LINE__, #name, name (__VA_ARGS__, &live->err), wanted)
/* Succeeds on a Tally server; MLflow does not have it. */
#define TALLY_ONLY(name, ...)                                                                                          \
  live_expect (live, __FILE__, __LINE__, #name, name (__VA_ARGS__, &live->err),                                        \
               live->is_tally ? TALLY_OK : TALLY_ERROR_UNSUPPORTED)
/* Fails so on a Tally server. */
#define TALLY_FAILS(wanted, name, ...)                                                                                 \
  live_expect (live, __FILE__, __LINE__, #name, name (__VA_ARGS__, &live->err),                                        \
               live->is_tally ? (wanted) : TALLY_ERROR_UNSUPPORTED)
#define USE(name, ...) (live_used (#name), name (__VA_ARGS__))
#define CHECK(good) live_check (good, __FILE__, __LINE__, #good)

/* Time for the server to do what was queued, or answer: far more than it needs. */
#define LIVE_MS 120000

/* A client of `url` (NULL: the test's) whose option `name` (NULL: none) is `value`. NULL on failure, which is told. */
struct tally_client *live_client (struct live *live, const char *url, const char *name, const char *value);
/* "<what>-<unique>", in one of four places that are used in turn. */
const char *live_name (const struct live *live, const char *what);
/* Write a file below the scratch folder; its path, as live_name. */
const char *live_file (const struct live *live, const char *name, const char *text);
/* True when the file holds exactly the text. */
bool live_file_is (const char *path, const char *text);

/* The parts. `run_id` is of a run that has points, params, tags and files when live_runs is through. */
void live_options (struct live *live);
void live_experiments (struct live *live);
void live_runs (struct live *live, char run_id[TALLY_RUN_ID_BYTES]);
void live_searches (struct live *live, const char *run_id);
void live_artifacts (struct live *live, const char *run_id);
void live_logged_models (struct live *live, const char *run_id);
void live_registry (struct live *live, const char *run_id);
void live_spool (struct live *live);

#endif
