/* A folder for a test, and its removal with all that is in it. */
#ifndef TESTS_CLIENT_FOLDER_H
#define TESTS_CLIENT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* A new one below TMPDIR, /dev/shm or /tmp. Free with folder_remove_all. */
char *folder_new (void);
void folder_remove_all (char *path);
/* Names in it but "." and "..", sorted, each followed by a newline; in static memory. */
const char *folder_names (const char *path);
/* Content of a file; free with free(). */
char *folder_read (const char *folder, const char *name, size_t *bytes);
void folder_write (const char *folder, const char *name, const void *data, size_t bytes);
bool folder_has (const char *folder, const char *name);

#endif
