/* The writer: the thread that moves entries from the ring into the spool. It never waits for the network. */
#ifndef CLIENT_WRITER_H
#define CLIENT_WRITER_H

#include "handle.h"

struct writer;

/* Start the thread. The stream is created by the first entry. Errors: MEMORY (also when no thread can be made). */
enum tally_code writer_start (struct writer **writer, struct tally_client *client, struct tally_error *err);

/* Wait until the entry is in the spool as the option fsync says. Errors: TIMEOUT; FILE when the disk refuses. */
enum tally_code writer_wait (struct writer *writer, uint64_t entry, int64_t deadline_ms, struct tally_error *err);

/* Move what is in the ring, then end the thread and free. NULL is allowed. `forked`: only free memory. */
void writer_stop (struct writer *writer, bool forked);

#endif
