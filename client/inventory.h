/* Inventories: lists of files with their sizes and digests, of a place on the server or a local folder. */
#ifndef CLIENT_INVENTORY_H
#define CLIENT_INVENTORY_H

#include "artifact_place.h"

/* Most files: a listing that has more is a mistake, or hostile. */
#define INVENTORY_MAX_FILES 1000000

struct inventory_file
{
  const char *name; /* relative, valid as of artifact_name_valid */
  uint64_t bytes; /* 0 when not known */
  bool has_bytes;
  const char *digest; /* 64 digits, or "" */
};

struct inventory
{
  struct arena *arena; /* owned */
  struct inventory_file *files; /* owned */
  size_t count;
  size_t capacity;
  uint64_t bytes; /* of all files whose size is known */
  bool complete; /* all sizes are known */
};

/* An empty one; to be freed in any case. Errors: MEMORY. */
enum tally_code inventory_init (struct inventory *inventory, struct tally_error *err);
void inventory_free (struct inventory *inventory);

/* Add a file; the name and digest are copied. Errors: PROTOCOL beyond INVENTORY_MAX_FILES, MEMORY. */
enum tally_code inventory_add (struct inventory *inventory, const struct inventory_file *file, struct tally_error *err);

/* In the order of the bytes of their names. */
void inventory_sort (struct inventory *inventory);

/* Add what is below `folder` ("": the top) of a place; PROTOCOL for names that lead out and folders without end. The
   place is no version on a Tally server. */
enum tally_code inventory_list (struct inventory *inventory, struct tally_client *client, const struct place *place,
                                const char *folder, struct tally_error *err);

/* Add the files of a manifest, as the server answers it. Errors: PROTOCOL for one that is none. */
enum tally_code inventory_take_manifest (struct inventory *inventory, const json_t *manifest, struct tally_error *err);

/* Ask for the manifest of a place on a Tally server, and add its files. */
enum tally_code inventory_manifest (struct inventory *inventory, struct tally_client *client, const struct place *place,
                                    struct tally_error *err);

/* Add what is below a local folder: regular files, and links to regular files inside of it. Errors: FILE, also for a
   name that no server takes. */
enum tally_code inventory_scan (struct inventory *inventory, const char *folder, struct tally_error *err);

#endif
