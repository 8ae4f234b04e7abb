/* The artifact store of one test: a prefix of its own in the bucket of the S3 server that the tests have started. */
#ifndef S3_BUCKET_H
#define S3_BUCKET_H

#include "blob/s3_private.h"

extern struct blob_store *bucket_store;

/* Fixture. The prefix holds characters that must be encoded. */
void bucket_open (void);
void bucket_close (void);

/* Another store below the same prefix, as settings say; NULL: as of the fixture. The caller closes. */
struct blob_store *bucket_open_as (const char *endpoint, const char *style, const char *key_id, const char *secret,
                                   const char *name);

/* The address of the server, and of the same one with the bucket in the host. */
const char *bucket_endpoint (void);
const char *bucket_virtual_endpoint (void);

/* Bytes that differ from each other and from those of other seeds; free them. */
char *bucket_bytes (size_t count, uint64_t seed);

/* Write a content in pieces of `piece` bytes, up to the end; each step must succeed. */
struct blob_writer *bucket_write (struct digest *digest, struct slice bytes, size_t piece);
void bucket_publish (struct blob_writer *writer);
struct digest bucket_put (struct slice bytes);

bool bucket_intact (const struct digest *digest, int64_t size_bytes);
void bucket_check_read (const struct digest *digest, int64_t offset, struct slice expected);

/* What a sweep found. */
struct bucket_findings
{
  size_t count;
  int64_t bytes;
};
struct bucket_findings bucket_sweep (int64_t older_than_s, bool dry_run);

/* GET a URL, or PUT `body` to it when that is given: the status. `headers` receives those of the answer, one a line. */
long bucket_http (struct buffer *answer, struct buffer *headers, const char *url, struct slice body);
/* The value of a header without quotes; "" when there is none. */
void bucket_header (char *value, size_t capacity, const struct buffer *headers, const char *name);

#endif
