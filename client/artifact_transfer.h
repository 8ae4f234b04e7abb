/* Transfers: one file or some bytes to its name below a place in the server's store, or from there.

   A place is where the files of a run or model are: the path below the store's root, percent-encoded, without a slash
   at its end, such as "0/<run id>/artifacts". */
#ifndef CLIENT_ARTIFACT_TRANSFER_H
#define CLIENT_ARTIFACT_TRANSFER_H

#include "options.h"
#include "sha256.h"
#include "transport.h"

#include "base/arena.h"

#include <jansson.h>

/* Path of the store on the server, to which "/<place>/<name>" is added. */
#define STORE_PATH "/api/2.0/mlflow-artifacts/artifacts"

/* How to transfer; initialised by transfer_init, then changed as needed. */
struct transfer
{
  struct transport *transport; /* borrowed */
  uint64_t part_bytes; /* files from this size on go in parts of it */
  int64_t patience_ms; /* give up when nothing has moved on for so long */
  int64_t pause_max_ms; /* longest pause between two tries */
  bool once; /* one try of each request: the caller tries again itself */
  const char *note; /* path of a file in which an upload in parts is noted, so that the next call, in whatever process,
                       goes on with the parts that are missing; NULL: none, and what fails is aborted */
  /* How many bytes of the file are there; called often, also when nothing moved; false: stop with CANCELLED. NULL:
     none. */
  bool (*moved) (void *payload, uint64_t bytes);
  void *payload;
};

void transfer_init (struct transfer *transfer, struct transport *transport, const struct tally_options *options);

/* Send JSON (NULL: none) and get an object, within the patience; `*answer` is a new reference, NULL on errors. */
enum tally_code transfer_call (json_t **answer, const struct transfer *transfer, const char *method, const char *path,
                               const json_t *body, struct tally_error *err);

/* The place that an artifact URI of the server means, in the arena. Errors: UNSUPPORTED naming the URI when it is not
   in the store of this server; nothing else is ever asked. */
enum tally_code transfer_place_of_uri (const char **place, struct arena *arena, const struct transfer *transfer,
                                       const char *uri, struct tally_error *err);

/* The place of a run's files, by the id that the server uses. */
enum tally_code transfer_place_of_run (const char **place, struct arena *arena, const struct transfer *transfer,
                                       const char *run_id, struct tally_error *err);

/* What is sent: bytes when `data` is not NULL, else the file from its beginning. */
struct transfer_source
{
  const void *data;
  int file;
  uint64_t bytes;
};

/* Send to `place`/`name`; in parts when it is large and the server can. What broke off goes on with what is missing.
   Errors: of any request; FILE when the file got shorter; DIGEST when the server has other bytes. Sending again is
   harmless. Any thread. */
enum tally_code transfer_send (const struct transfer *transfer, const char *place, const char *name,
                               const struct transfer_source *source, struct tally_error *err);

/* The same in parts only; `err` is not NULL. Errors: also UNSUPPORTED when the server has no uploads in parts: nothing
   was sent. */
enum tally_code transfer_send_parts (const struct transfer *transfer, const char *place, const char *name,
                                     const struct transfer_source *source, struct tally_error *err);

/* What the note tells of will never go on: abort it, best effort, and remove the note. */
void transfer_give_up (const struct transfer *transfer, const char *place, const char *name,
                       const struct transfer_source *source);

/* What is wanted. */
struct transfer_wanted
{
  const char *path; /* of the request, encoded */
  const char *name; /* for messages */
  bool has_bytes; /* the size is known */
  uint64_t bytes;
  const char *digest; /* 64 digits, or "": what the server says with the file counts, if it does */
};

/* Receive into a file, which is empty. Goes on where it broke off when the server can. Errors: of any request; DIGEST;
   PROTOCOL for another size; FILE. Any thread. */
enum tally_code transfer_receive (const struct transfer *transfer, const struct transfer_wanted *wanted, int file,
                                  struct tally_error *err);

/* --- pieces that these share --- */

/* One request until it succeeds, fails for good, or the patience is over. `before` bytes were there already. */
enum tally_code transfer_repeat (struct transport_answer *answer, const struct transfer *transfer,
                                 struct transport_request *request, uint64_t before, struct tally_error *err);

/* Wait before try `attempt`, asking `moved` meanwhile. False when that says stop. */
bool transfer_pause (const struct transfer *transfer, unsigned attempt, int64_t retry_after_ms, uint64_t bytes);

/* The SHA-256 of a source. Errors: FILE. */
enum tally_code transfer_hash (char digest[SHA256_TEXT_BYTES], const struct transfer_source *source,
                               struct tally_error *err);

/* `place` and the parts of `name`, encoded, behind `before`. */
const char *transfer_path (struct arena *arena, const char *before, const char *place, const char *name);

#endif
