/* Notes of uploads in parts: a small file that tells which one is under way for a file, so that it goes on after an
   interruption, whoever sends then. */
#ifndef CLIENT_UPLOAD_NOTE_H
#define CLIENT_UPLOAD_NOTE_H

#include "artifact_transfer.h"

/* Write down that upload `id` takes the source, a file, to `place`/`name` in parts of that size. Best effort: without a
   note an interrupted upload begins anew. */
void upload_note_write (const char *path, const char *id, uint64_t part_bytes, const char *place, const char *name,
                        const struct transfer_source *source);

/* The note at a path: its id in `*id` and the size of the parts, as long as the object that is returned, a new
   reference. NULL: there is none. `*fits`: it is of this place and name, and the file is as it was then, by its size
   and the times of its last changes. */
json_t *upload_note_read (const char **id, uint64_t *part_bytes, bool *fits, const char *path, const char *place,
                          const char *name, const struct transfer_source *source);

void upload_note_remove (const char *path);

#endif
