/* An artifact store in a directory beside the database of a test. */
#ifndef STORE_CONTENTS_H
#define STORE_CONTENTS_H

#include "blob/blob.h"
#include "store/connection.h"

/* Longest path here. */
#define CONTENTS_PATH_BYTES 512

struct contents
{
  char root[CONTENTS_PATH_BYTES];
  struct blob_store *blobs;
};

extern struct contents contents;

/* Fixture, with database_open_migrated. */
void contents_open (void);
void contents_close (void);

/* How many files are in a directory of the store, at any depth. */
size_t contents_files (const char *place);

/* A writer whose content, or part 1 of `upload_id`, is durable and has no name yet. */
struct blob_writer *contents_write (struct digest *digest, int64_t *size_bytes, const struct uuid *upload_id,
                                    const char *text);

/* A content in the store without a row, as a writer leaves it who dies before the commit. */
struct digest contents_put_stray (const char *text);

/* Write a content and give it a name; contents_put on the database's first connection, and it must succeed. */
enum err_code contents_link (struct store_connection *connection, const char *path, const char *text, struct err *err);
void contents_put (const char *path, const char *text);

/* Take away a name that exists, without counting it as a use of the content. */
void contents_delete (const char *path);

/* Whether a content is in the store, unharmed. */
bool contents_intact (const char *text);

/* Set the time of a content's file back. */
void contents_make_old (const struct digest *digest, int64_t age_s);

#endif
