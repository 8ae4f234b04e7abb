/* A line on stderr that tells how far a transfer is; only on a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"

struct progress;

struct progress *progress_new (struct cli *cli);
/* For struct tally_transfer: `payload` is the progress. Any thread. False once Ctrl-C was pressed. */
bool progress_transfer (void *payload, const char *name, uint64_t done_bytes, uint64_t total_bytes);
/* Any other line. */
void progress_text (struct progress *progress, const char *text);
/* Take the line away. */
void progress_end (struct progress *progress);
/* Bytes that went through, and since when. */
uint64_t progress_bytes (const struct progress *progress);
double progress_seconds (const struct progress *progress);

#endif
