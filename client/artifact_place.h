/* Places: where the files of a run, logged model or version are, and what is listed there. */
#ifndef CLIENT_ARTIFACT_PLACE_H
#define CLIENT_ARTIFACT_PLACE_H

#include "answer.h"
#include "artifact_transfer.h"
#include "root.h"

struct place
{
  bool is_tally; /* lists with digests and has manifests */
  enum root_kind kind; /* RUN, LOGGED_MODEL, or VERSION (on a Tally server; MLflow's are in the store) */
  const char *id; /* of the run or logged model; NULL */
  const char *name; /* of the registered model; NULL */
  int64_t version;
  const char *store; /* where in the store (artifact_transfer.h); NULL for VERSION */
};

/* Find the place of a root; texts go into the arena. `writable`: roots of versions are ARGUMENT. Errors: of any
   request; UNSUPPORTED when the files are not in this server's store. */
enum tally_code place_find (struct place *place, struct arena *arena, struct tally_client *client, const char *uri,
                            bool writable, struct tally_error *err);

/* The path of a request that answers with a file of the place. NULL when the arena is full. */
const char *place_file_path (struct arena *arena, const struct place *place, const char *name);

/* One thing that is listed. */
struct place_entry
{
  const char *name; /* from the root on */
  bool is_folder;
  bool has_bytes;
  uint64_t bytes;
  const char *digest; /* 64 digits, or "" */
};

/* One page of what is directly below `folder` ("": the top), not for places of kind VERSION. `token` NULL: the first.
   `*page` is a new reference: its "files" are read by place_entry, "next_page_token" tells whether there is more. */
enum tally_code place_list (json_t **page, struct tally_client *client, const struct place *place, const char *folder,
                            const char *token, struct tally_error *err);

/* Read one of a page's files. Errors: PROTOCOL for a name that is none, or not directly below the folder. */
enum tally_code place_entry (struct place_entry *entry, struct arena *arena, const struct place *place,
                             const char *folder, const json_t *file, struct tally_error *err);

/* The token of the page behind `page`, which `token` led to: free with free (); NULL behind the last. Errors: PROTOCOL
   for the same one again. */
enum tally_code place_next_token (char **next, const json_t *page, const char *token, struct tally_error *err);

/* All that is directly below `folder`, page by page: `each` gets one of the "files", and may set `*stop`. Errors:
   PROTOCOL for pages that repeat or do not end; what `each` returns. */
typedef enum tally_code place_each_file (void *payload, const char *folder, const json_t *file, bool *stop,
                                         struct tally_error *err);
enum tally_code place_each (struct tally_client *client, const struct place *place, const char *folder,
                            place_each_file *each, void *payload, struct tally_error *err);

/* The manifest of a place on a Tally server, for inventory_take_manifest: a new reference. */
enum tally_code place_manifest (json_t **manifest, struct tally_client *client, const struct place *place,
                                struct tally_error *err);

/* True for 64 hexadecimal digits. */
bool place_digest_valid (const char *digest);

#endif
