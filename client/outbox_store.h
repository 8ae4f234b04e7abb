/* The outbox on disk: entries as files of a stream's folder. */
#ifndef CLIENT_OUTBOX_STORE_H
#define CLIENT_OUTBOX_STORE_H

#include "error.h"
#include "record.h"

#include <stdint.h>

/* One entry: a file to send, or the end of a run. */
struct outbox_entry
{
  struct outbox_entry *next; /* for whoever keeps a list */
  uint64_t number;
  struct run_key run;
  bool is_end;
  bool stored; /* false: in memory only, because the disk did not take it */
  enum tally_status status; /* of an end */
  int64_t end_ms;
  uint64_t bytes; /* of a file */
  char name[]; /* of a file: its path below the run's artifacts */
};

/* An entry of this name, otherwise zero; NULL: no memory. Free with free(). */
struct outbox_entry *outbox_entry_new (const char *name);

/* Path of the data of an entry, and of the note of its upload in parts. Free with free(); NULL: no memory. */
char *outbox_data_path (const char *folder, uint64_t number);
char *outbox_upload_path (const char *folder, uint64_t number);

/* Bring the data of an entry into the folder: from a file (a clone, if the file system can) or from memory. What is
   there already is replaced. `force`: to the disk too. Errors: FILE, MEMORY. */
enum tally_code outbox_store_file (uint64_t *bytes, const char *folder, uint64_t number, const char *path, bool force,
                                   struct tally_error *err);
enum tally_code outbox_store_bytes (const char *folder, uint64_t number, const void *data, size_t bytes, bool force,
                                    struct tally_error *err);

/* Make the entry one, behind its data. Errors: FILE, MEMORY. */
enum tally_code outbox_store_entry (const char *folder, const struct outbox_entry *entry, bool force,
                                    struct tally_error *err);

/* All entries of a folder in their order, as a list to be freed one by one. Files that are no whole entry are passed
   over, and data without an entry (of a process that was killed) is removed. `*next_number`: for the next one.
   Errors: FILE, MEMORY. */
enum tally_code outbox_store_list (struct outbox_entry **entries, uint64_t *next_number, const char *folder,
                                   struct tally_error *err);

/* The entry is done. */
void outbox_store_remove (const char *folder, const struct outbox_entry *entry);

/* The server refused the entry: its files stay as rejected-<n>.*, with the reason. */
void outbox_store_reject (const char *folder, const struct outbox_entry *entry, const struct tally_error *why);

/* Make what was refused entries again, to be sent once more. */
void outbox_store_retry (const char *folder);

#endif
