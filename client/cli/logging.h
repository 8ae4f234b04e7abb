/* What all commands that log have in common: a run to log to, and an end that tells what became of it. */
#ifndef CLI_LOGGING_H
#define CLI_LOGGING_H

#include "cli/cli.h"

#include <pthread.h>

struct logging
{
  struct cli *cli;
  struct tally_run *run; /* freed by logging_finish */
  pthread_mutex_t lock; /* guards what follows: written by a thread of the client */
  struct tally_error trouble; /* why the server is not reachable; code OK: it is */
  struct tally_error rejected; /* why the first thing was refused; code OK: none was */
  bool told; /* speak of trouble at once */
};

/* Open the client and listen to its events. `tell`: trouble is told on stderr as it comes. */
void logging_init (struct logging *logging, struct cli *cli, bool tell);
/* Start a run as the options experiment, name, tag, param and parent say. */
void logging_start (struct logging *logging, const char *name);
/* Go on with a run. */
void logging_resume (struct logging *logging, const char *text);
/* Options --tag and --param. */
void logging_pairs (struct logging *logging);

struct logging_result
{
  bool sent; /* all of it */
  uint64_t rejected;
  uint64_t waiting; /* records that are not sent yet */
  int status; /* exit code */
};
/* Wait (`deadline_ms`), close, tell what went wrong. `must_arrive`: not being sent is a failure. */
struct logging_result logging_finish (struct logging *logging, int64_t deadline_ms, bool must_arrive);
/* The same with the deadline of --wait and --offline. */
struct logging_result logging_finish_as_told (struct logging *logging);

#endif
