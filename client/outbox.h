/* The outbox: files of a stream that wait to be sent, and the ends of runs that wait for their files.

   DESIGN: each entry is outbox-<n>.json (kind, run, name, size) and, for files, outbox-<n>.data in the stream's folder;
   the .json is renamed into place last, so an entry is whole or not there. While a large file is under way,
   outbox-<n>.upload notes the server's id of its upload in parts, which goes on after an interruption. Sent in order of
   n by a thread of its own, so that a large file never delays metrics; removed when acknowledged; kept as
   rejected-<n>.* with the reason when the server refuses it. The sender passes the end of a run to the outbox while
   files of that run wait there, so that a run is finished after its last file. */
#ifndef CLIENT_OUTBOX_H
#define CLIENT_OUTBOX_H

#include "handle.h"

struct outbox;
struct delivery;

/* No thread is started before the first entry, and none when the client is offline. */
enum tally_code outbox_new (struct outbox **outbox, struct tally_client *client, struct tally_error *err);

/* Copy a file into the outbox (cloned where the file system can: FICLONE, else copy_file_range, else read and write).
   `name` is its path below the run's artifacts, checked already. Errors: FILE, FULL, MEMORY. Any thread. */
enum tally_code outbox_add_file (struct outbox *outbox, const struct run_key *run, const char *path, const char *name,
                                 struct tally_error *err);
enum tally_code outbox_add_bytes (struct outbox *outbox, const struct run_key *run, const void *data, size_t bytes,
                                  const char *name, struct tally_error *err);

/* True when files of the run wait: then the end of the run was taken as an entry. */
bool outbox_take_end (struct outbox *outbox, const struct run_key *run, enum tally_status status, int64_t end_ms);

/* Wait until everything added before the call is sent or refused. Errors: TIMEOUT, with the last error as reason. */
enum tally_code outbox_wait (struct outbox *outbox, int64_t deadline_ms, struct tally_error *err);
size_t outbox_count (struct outbox *outbox);

/* End the thread; what is under way must have been aborted (transport_cancel), entries stay. Nothing may be added
   afterwards. */
void outbox_stop_thread (struct outbox *outbox);

/* The same, and free. NULL is allowed. `forked`: only free memory. */
void outbox_stop (struct outbox *outbox, bool forked);

#endif
