/* Small files of the system and of repositories, read whole and within bounds. */
#ifndef CLIENT_SMALL_FILE_H
#define CLIENT_SMALL_FILE_H

#include "base/buffer.h"

/* Read a regular file (those of /proc are such) into an empty buffer, whose maximum is the bound. Never waits for a
   pipe or a device. False when it is not there, may not be read or is larger; the buffer is then empty. */
bool small_file_read (struct buffer *text, const char *path);

/* The same for a path that is put together; too long a path is no file. */
bool small_file_read_format (struct buffer *text, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* Take the first line off, without its end; false when none is left. */
bool small_file_line (struct slice *line, struct slice *rest);

/* Without spaces, tabs and line ends at both ends. */
struct slice small_file_trim (struct slice text);

#endif
