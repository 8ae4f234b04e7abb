/* The artifact store of one test, in a bucket of an S3 server. */
#include "bucket.h"

#include <check.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* Far more than a test downloads by URL. */
#define ANSWER_MAX_BYTES ((size_t)64 * 1024 * 1024)

struct blob_store *bucket_store;

static char prefix[200];

static const char *
variable (const char *name)
{
  const char *value = getenv (name);

  ck_assert_msg (NULL != value, "%s is not set: tests/s3/run sets it", name);
  return value;
}

const char *
bucket_endpoint (void)
{
  return variable ("TALLY_TEST_S3_URL");
}

const char *
bucket_virtual_endpoint (void)
{
  return variable ("TALLY_TEST_S3_VIRTUAL_URL");
}

struct blob_store *
bucket_open_as (const char *endpoint, const char *style, const char *key_id, const char *secret, const char *name)
{
  char location[400];
  char *arguments[] = { "--artifact-store",
                        location,
                        "--s3-endpoint-url",
                        (char *)(NULL == endpoint ? bucket_endpoint () : endpoint),
                        "--s3-region",
                        (char *)variable ("TALLY_TEST_S3_REGION"),
                        "--s3-address-style",
                        (char *)(NULL == style ? "path" : style),
                        "--s3-access-key-id",
                        (char *)(NULL == key_id ? variable ("TALLY_TEST_S3_KEY_ID") : key_id),
                        "--s3-secret-access-key",
                        (char *)(NULL == secret ? variable ("TALLY_TEST_S3_SECRET") : secret) };
  struct config config;
  struct blob_store *store = NULL;
  struct err err = { 0 };

  snprintf (location, sizeof (location), "s3://%s/%s", NULL == name ? variable ("TALLY_TEST_S3_BUCKET") : name, prefix);
  ck_assert_msg (ERR_OK == config_load (&config, (int)(sizeof (arguments) / sizeof (arguments[0])), arguments, &err),
                 "%s", err.message);
  /* Sweeps here are as impatient as they say. */
  config.upload_ttl_s = 0;
  ck_assert_msg (ERR_OK == blob_store_open (&store, &config, &err), "%s", err.message);
  config_free (&config);
  return store;
}

void
bucket_open (void)
{
  struct uuid id;
  char text[UUID_TEXT_BYTES];

  ck_assert (uuid_random (&id));
  uuid_format (text, &id);
  snprintf (prefix, sizeof (prefix), "a b+c&d=é%%41'(~)*/%s", text);
  bucket_store = bucket_open_as (NULL, NULL, NULL, NULL, NULL);
}

void
bucket_close (void)
{
  blob_store_close (bucket_store);
  bucket_store = NULL;
}

char *
bucket_bytes (size_t count, uint64_t seed)
{
  char *bytes = malloc (count + sizeof (seed));

  ck_assert_ptr_nonnull (bytes);
  /* xorshift64, by Marsaglia. */
  seed = seed * 0x9E3779B97F4A7C15u + 1;
  for (size_t i = 0; i < count; i += sizeof (seed))
  {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    memcpy (bytes + i, &seed, sizeof (seed));
  }
  return bytes;
}

struct blob_writer *
bucket_write (struct digest *digest, struct slice bytes, size_t piece)
{
  struct blob_writer *writer = NULL;
  struct digest expected;
  int64_t size_bytes;
  struct err err = { 0 };

  ck_assert (digest_of (&expected, bytes));
  ck_assert_msg (ERR_OK == blob_write_start (&writer, bucket_store, &err), "%s", err.message);
  for (size_t at = 0; at < bytes.len; at += piece)
  {
    size_t len = bytes.len - at < piece ? bytes.len - at : piece;

    ck_assert_msg (ERR_OK == blob_write (writer, (struct slice){ bytes.data + at, len }, &err), "%s (%s)", err.message,
                   err.cause);
  }
  ck_assert_msg (ERR_OK == blob_write_end (digest, &size_bytes, writer, &err), "%s (%s)", err.message, err.cause);
  ck_assert_int_eq (size_bytes, (int64_t)bytes.len);
  ck_assert (digest_equal (digest, &expected));
  return writer;
}

void
bucket_publish (struct blob_writer *writer)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == blob_publish (writer, &err), "%s (%s)", err.message, err.cause);
}

struct digest
bucket_put (struct slice bytes)
{
  struct digest digest;
  struct blob_writer *writer = bucket_write (&digest, bytes, 100000);

  bucket_publish (writer);
  blob_writer_free (writer);
  return digest;
}

bool
bucket_intact (const struct digest *digest, int64_t size_bytes)
{
  struct err err = { 0 };
  bool intact;

  ck_assert_msg (ERR_OK == blob_verify (&intact, bucket_store, digest, size_bytes, &err), "%s (%s)", err.message,
                 err.cause);
  return intact;
}

void
bucket_check_read (const struct digest *digest, int64_t offset, struct slice expected)
{
  struct buffer out;
  struct err err = { 0 };

  buffer_init (&out, ANSWER_MAX_BYTES);
  buffer_text (&out, "before");
  ck_assert_msg (ERR_OK == blob_read (&out, bucket_store, digest, offset, expected.len, &err), "%s (%s)", err.message,
                 err.cause);
  ck_assert_uint_eq (out.len, strlen ("before") + expected.len);
  ck_assert (slice_equal ((struct slice){ out.data + strlen ("before"), expected.len }, expected));
  buffer_free (&out);
}

static bool
note_finding (void *context, int64_t size_bytes)
{
  struct bucket_findings *findings = context;

  findings->count++;
  findings->bytes += size_bytes;
  return true;
}

struct bucket_findings
bucket_sweep (int64_t older_than_s, bool dry_run)
{
  struct bucket_findings findings = { 0 };
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == blob_sweep (bucket_store, older_than_s, dry_run, note_finding, &findings, &err), "%s (%s)",
                 err.message, err.cause);
  return findings;
}

static size_t
append (char *data, size_t size, size_t count, void *context)
{
  return buffer_append (context, data, size * count) ? size * count : 0;
}

long
bucket_http (struct buffer *answer, struct buffer *headers, const char *url, struct slice body)
{
  CURL *handle = curl_easy_init ();
  long status = 0;

  buffer_init (answer, ANSWER_MAX_BYTES);
  buffer_init (headers, ANSWER_MAX_BYTES);
  curl_easy_setopt (handle, CURLOPT_URL, url);
  curl_easy_setopt (handle, CURLOPT_TIMEOUT, 30L);
  curl_easy_setopt (handle, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt (handle, CURLOPT_WRITEDATA, answer);
  curl_easy_setopt (handle, CURLOPT_HEADERFUNCTION, append);
  curl_easy_setopt (handle, CURLOPT_HEADERDATA, headers);
  if (NULL != body.data)
  {
    curl_easy_setopt (handle, CURLOPT_POSTFIELDS, body.data);
    curl_easy_setopt (handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt (handle, CURLOPT_CUSTOMREQUEST, "PUT");
  }
  ck_assert_int_eq (curl_easy_perform (handle), CURLE_OK);
  curl_easy_getinfo (handle, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_cleanup (handle);
  return status;
}

void
bucket_header (char *value, size_t capacity, const struct buffer *headers, const char *name)
{
  size_t name_len = strlen (name);

  value[0] = '\0';
  for (const char *line = headers->data; NULL != line; line = strchr (line, '\n'))
  {
    line += '\n' == *line;
    if (0 == strncasecmp (line, name, name_len) && ':' == line[name_len])
    {
      const char *begin = line + name_len + 1;
      size_t len;

      begin += strspn (begin, " \"");
      len = strcspn (begin, "\r\n");
      while (len > 0 && '"' == begin[len - 1])
        len--;
      ck_assert_uint_lt (len, capacity);
      memcpy (value, begin, len);
      value[len] = '\0';
      return;
    }
  }
}
