/* Spools for tests: filled with numbered points, and read with every point checked. */
#ifndef TESTS_CLIENT_STREAMS_H
#define TESTS_CLIENT_STREAMS_H

#include "spool.h"

struct spool_settings streams_settings (const char *folder);
struct spool *streams_create (const char *folder);
/* The one stream of a folder; free with free(). */
char *streams_find (const char *folder);
/* The same, taken over. */
struct spool *streams_adopt (const char *folder, uint64_t *torn_bytes);

/* Append `count` points as one record; the value and step of each is its entry. */
enum tally_code streams_append (struct spool *spool, size_t count, struct tally_error *err);

/* Read up to the end and check each point; entries go on from `entry`. Returns the last one. */
uint64_t streams_read (struct spool *spool, uint64_t entry);

/* Run `work` in a child that ends without closing anything, as kill -9 would. */
void streams_in_child (void (*work) (const char *folder), const char *folder);

#endif
