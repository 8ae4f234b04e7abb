/* Manifests: which files, with which contents, a run or logged model had at one moment. */
#ifndef ARTIFACT_MANIFEST_H
#define ARTIFACT_MANIFEST_H

#include "base/arena.h"
#include "base/buffer.h"
#include "store/artifact.h"
#include "store/artifact_owner.h"

/* Most files of one: about 15 MB, which are signed at once. */
#define MANIFEST_FILES_MAX 100000

/* Names the form of the document inside it. */
#define MANIFEST_FORMAT "tally-manifest-1"

/* A file; its path is relative to the root of whose it is. */
struct manifest_file
{
  struct slice path;
  struct digest digest;
  int64_t size_bytes;
};

/* What a document says. */
struct manifest
{
  enum store_owner_kind kind;
  struct slice id;
  int64_t created_at_ms;
  struct manifest_file *files; /* by path */
  size_t count;
};

/* Append the document of all files below a directory as they are at one moment: JSON in one form only, with members in
   the order of their names, files in the order of their paths, no white space. Errors: those of store_artifact_tree,
   INVALID_PARAMETER_VALUE when there are more than MANIFEST_FILES_MAX files. */
enum err_code manifest_write (struct buffer *document, struct store_connection *connection,
                              const struct store_owner *owner, struct slice root, int64_t now_ms, struct err *err);

/* Read a document; texts are in the arena. Errors: INVALID_PARAMETER_VALUE saying what is wrong with it. */
enum err_code manifest_read (struct manifest *manifest, struct slice document, struct arena *arena, struct err *err);

#endif
