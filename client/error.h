/* Filling in errors: for the files of the library. */
#ifndef CLIENT_ERROR_H
#define CLIENT_ERROR_H

#include "tally/error.h"

/* Write an error of this code with a formatted message and return `code`. `err` may be NULL. Codes that may succeed
   later (UNREACHABLE, TIMEOUT, OVERLOADED, SERVER, FULL, BUSY, CONFLICT) are marked retryable. A message that is too
   long is cut at a character boundary. */
enum tally_code error_set (struct tally_error *err, enum tally_code code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* FILE, with the text of `number` (an errno) behind the formatted message; MEMORY for ENOMEM. */
enum tally_code error_file (struct tally_error *err, int number, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* MEMORY. */
enum tally_code error_memory (struct tally_error *err);

#endif
