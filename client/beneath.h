/* Beneath: files that appear whole below a folder, never through a link that lies in it. */
#ifndef CLIENT_BENEATH_H
#define CLIENT_BENEATH_H

#include "tally/error.h"

/* A file that is being written. */
struct beneath_file
{
  int folder; /* that holds it */
  int file;
  const char *base; /* its last name; borrowed from `name` */
  char part[256]; /* what it is called meanwhile: NAME_MAX and NUL */
};

/* Open a folder, which is made with its parents when it is not there; links in `path` itself are the caller's own and
   followed. Errors: FILE. */
enum tally_code beneath_open (int *folder, const char *path, struct tally_error *err);

/* Begin a file `name` (valid as of artifact_name_valid) below `top`, in folders that are made as needed, as
   `<base>.tally-part-<random>`. Errors: EXISTS when there is one already and not `overwrite`; PROTOCOL when a link or
   file is in the way; FILE. */
enum tally_code beneath_begin (struct beneath_file *file, int top, const char *name, bool overwrite,
                               struct tally_error *err);

/* Give it its name. Errors: EXISTS, FILE; the part is removed then. */
enum tally_code beneath_finish (struct beneath_file *file, bool overwrite, struct tally_error *err);

/* Remove the part. */
void beneath_drop (struct beneath_file *file);

#endif
