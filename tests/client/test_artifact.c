/* Tests of artifacts against a store that breaks off, lies, names files outside, and forgets answers. */
#include "folder.h"
#include "http_server.h"
#include "opened.h"
#include "sha256.h"
#include "tally.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUN "0123456789abcdef0123456789abcdef"
#define STORE "/api/2.0/mlflow-artifacts/artifacts/0/" RUN "/artifacts"

/* The smallest part that there is, and a file of two of them and a bit. */
#define PART_BYTES 5242880
#define BIG_BYTES (2 * PART_BYTES + 1000)

static struct http_server *http;
static struct tally_client *client;
static char *top;
static struct tally_error err;

/* What the store does. */
static bool is_tally;
static const char *artifact_uri;
static const char *listing; /* JSON */
static const char *manifest; /* JSON; NULL: none */
static const char *content; /* of each file */
static size_t content_bytes;
static const char *digest; /* that it tells with a file; NULL: none */
static bool ranges;
static size_t cut; /* the first answers break off behind so many bytes */
static atomic_uint cuts_left;
static bool parts_known;
static atomic_uint parts_lost; /* answers to parts that are lost */
static atomic_uint parts_expired; /* URLs of parts whose time is over */
static bool expire_second;

/* What it saw. */
static atomic_uint gets;
static atomic_uint ranged;
static atomic_uint put_count;
static atomic_uint completed;
static atomic_uint aborted;
static char put_path[2048];
static char put_headers[4096];
static char *stored; /* bytes of the last PUT, or of the parts */
static size_t stored_bytes;
static char completion[4096];

static void
send_content (const struct http_request *request)
{
  const char *range = strstr (request->headers, "Range: bytes=");
  size_t from = ranges && NULL != range ? strtoul (range + strlen ("Range: bytes="), NULL, 10) : 0;
  char head[512];
  size_t bytes = content_bytes - from;

  gets++;
  if (from > 0)
    ranged++;
  snprintf (head, sizeof (head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s%s%s\r\n",
            from > 0 ? "206 Partial" : "200 OK", bytes, NULL == digest ? "" : "ETag: \"", NULL == digest ? "" : digest,
            NULL == digest ? "" : "\"\r\n");
  http_write (request, head, strlen (head));
  if (atomic_load (&cuts_left) > 0)
  {
    cuts_left--;
    http_write (request, content + from, cut < bytes ? cut : bytes);
    shutdown (request->connection, SHUT_RDWR);
  }
  else
    http_write (request, content + from, bytes);
}

static void
take (const struct http_request *request, size_t offset)
{
  stored = realloc (stored, offset + request->body_bytes + 1);
  memcpy (stored + offset, request->body, request->body_bytes);
  if (stored_bytes < offset + request->body_bytes)
    stored_bytes = offset + request->body_bytes;
}

static bool
take_part (const struct http_request *request)
{
  unsigned number = (unsigned)atoi (strstr (request->path, "/part/") + 6);
  char etag[64];

  if (atomic_load (&parts_expired) > 0 || (expire_second && 2 == number && NULL == strstr (request->path, "new")))
  {
    parts_expired = 0;
    http_reply_json (request, 403, "{\"error_code\": \"PERMISSION_DENIED\", \"message\": \"expired\"}");
    return true;
  }
  take (request, (number - 1) * (size_t)PART_BYTES);
  if (atomic_load (&parts_lost) > 0)
  {
    parts_lost--;
    return false;
  }
  ck_assert (! http_has_header (request, "Authorization"));
  ck_assert (http_has_header (request, "X-Part: yes"));
  snprintf (etag, sizeof (etag), "ETag: \"part-%u\"\r\n", number);
  http_reply (request, 200, "application/json", etag, "{}");
  return true;
}

static void
begin_parts (const struct http_request *request)
{
  char text[2048] = "{\"upload_id\": \"u1\", \"credentials\": [";
  unsigned count = (unsigned)atoi (strstr (request->body, "\"num_parts\":") + strlen ("\"num_parts\":"));

  for (unsigned i = 1; i <= count; i++)
    snprintf (text + strlen (text), sizeof (text) - strlen (text),
              "%s{\"url\": \"%s/part/%u?signature=x\", \"part_number\": %u, \"headers\": {\"X-Part\": \"yes\"}}",
              1 == i ? "" : ", ", http_server_url (http), i, i);
  strcat (text, "]}");
  http_reply_json (request, 200, text);
}

/* As tallyd tells which parts are missing. */
static void
send_missing (const struct http_request *request)
{
  char text[1024];

  snprintf (text, sizeof (text),
            "{\"upload_id\": \"u1\", \"credentials\": [{\"url\": \"%s/part/2?signature=new\", \"part_number\": 2, "
            "\"headers\": {\"X-Part\": \"yes\"}}, {\"part_number\": 3}]}",
            http_server_url (http));
  http_reply_json (request, 200, text);
}

static bool
multipart (const struct http_request *request)
{
  if (! parts_known)
    http_reply_json (request, 501,
                     "{\"error_code\": \"NOT_IMPLEMENTED\", \"message\": \"Multipart upload is not "
                     "supported for the current artifact repository\"}");
  else if (NULL != strstr (request->path, "/create"))
    begin_parts (request);
  else if (NULL != strstr (request->path, "/complete"))
  {
    char etag[128] = "";

    completed++;
    snprintf (completion, sizeof (completion), "%s", request->body);
    if (NULL != digest)
      snprintf (etag, sizeof (etag), "ETag: \"%s\"\r\n", digest);
    http_reply (request, 200, "application/json", etag, "{}");
  }
  else
  {
    aborted++;
    http_reply_json (request, 200, "{}");
  }
  return true;
}

static bool
answer (void *payload, const struct http_request *request)
{
  char text[1024];

  (void)payload;
  if (0 == strcmp (request->path, "/api/tally/v1/session") && is_tally)
    http_reply_json (request, 200, "{\"authentication\": false}");
  else if (NULL != strstr (request->path, "/server-info"))
    http_reply_json (request, 200, "{\"tally_version\": \"0.1.0\"}");
  else if (0 == strcmp (request->path, "/version"))
    http_reply (request, 200, "text/plain", "", "3.17.2");
  else if (NULL != strstr (request->path, "/runs/get"))
  {
    snprintf (text, sizeof (text), "{\"run\": {\"info\": {\"run_id\": \"%s\", \"artifact_uri\": \"%s\"}}}", RUN,
              artifact_uri);
    http_reply_json (request, 200, text);
  }
  else if (NULL != strstr (request->path, "/model-versions/get?"))
    http_reply_json (request, 200, "{\"model_version\": {\"name\": \"m\", \"version\": \"1\"}}");
  else if (NULL != strstr (request->path, "/manifest") && NULL != manifest)
    http_reply_json (request, 200, manifest);
  else if (NULL != strstr (request->path, "/artifacts?") || NULL != strstr (request->path, "experiments/search"))
    http_reply_json (request, 200, NULL == strstr (request->path, "folder") ? listing : "{}");
  else if (NULL != strstr (request->path, "/mpu/"))
    return multipart (request);
  else if (0 == strcmp (request->path, "/api/tally/v1/uploads/u1"))
    send_missing (request);
  else if (0 == strncmp (request->path, "/part/", 6))
    return take_part (request);
  else if (0 == strcmp (request->method, "PUT"))
  {
    char etag[128] = "";

    put_count++;
    snprintf (put_path, sizeof (put_path), "%s", request->path);
    snprintf (put_headers, sizeof (put_headers), "%s", request->headers);
    take (request, 0);
    if (NULL != digest)
      snprintf (etag, sizeof (etag), "ETag: \"%s\"\r\n", digest);
    http_reply (request, 200, "application/json", etag, "{}");
  }
  else if (NULL != strstr (request->path, "/artifacts/") || NULL != strstr (request->path, "/get-artifact?"))
    send_content (request);
  else
    http_reply_json (request, 404, "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"nothing\"}");
  return true;
}

static void
setup (void)
{
  top = folder_new ();
  http = http_server_start (answer, NULL);
  client = opened ("server", http_server_url (http), "token", "secret", "part-bytes", "5242880", NULL);
  artifact_uri = "mlflow-artifacts:/0/" RUN "/artifacts";
  listing = "{\"files\": [{\"path\": \"a.txt\", \"is_dir\": false, \"file_size\": 10}]}";
  content = "0123456789";
  content_bytes = 10;
}

static void
teardown (void)
{
  tally_close (client, 0, NULL);
  http_server_stop (http);
  folder_remove_all (top);
  free (stored);
}

static enum tally_code
download (void)
{
  return tally_artifact_download (client, "runs:/" RUN, NULL, top, NULL, &err);
}

static void
has (const char *name, const char *text)
{
  size_t bytes;
  char *data = folder_read (top, name, &bytes);

  ck_assert_uint_eq (bytes, strlen (text));
  ck_assert_mem_eq (data, text, bytes);
  free (data);
}

/* sha256 of "0123456789", and another one. */
#define DIGEST "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
#define OTHER "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

START_TEST (comes_whole)
{
  ck_assert_msg (TALLY_OK == download (), "%s", err.message);
  ck_assert_str_eq (folder_names (top), "a.txt\n");
  has ("a.txt", "0123456789");
  ck_assert_int_eq (download (), TALLY_ERROR_EXISTS);
}
END_TEST

START_TEST (goes_on_where_it_broke_off)
{
  digest = DIGEST;
  ranges = true;
  cut = 4;
  cuts_left = 2;
  ck_assert_msg (TALLY_OK == download (), "%s", err.message);
  has ("a.txt", "0123456789");
  ck_assert_uint_eq (gets, 3);
  ck_assert_uint_eq (ranged, 2);
}
END_TEST

/* The server knows no ranges: the file begins anew. */
START_TEST (begins_anew)
{
  digest = DIGEST;
  cut = 4;
  cuts_left = 1;
  ck_assert_msg (TALLY_OK == download (), "%s", err.message);
  has ("a.txt", "0123456789");
  ck_assert_uint_eq (gets, 2);
}
END_TEST

/* Nobody says whether the rest is one of the same file: it is not asked for. */
START_TEST (without_digest_no_range)
{
  ranges = true;
  cut = 4;
  cuts_left = 1;
  ck_assert_msg (TALLY_OK == download (), "%s", err.message);
  has ("a.txt", "0123456789");
  ck_assert_uint_eq (ranged, 0);
}
END_TEST

START_TEST (wrong_digest)
{
  digest = OTHER;
  ck_assert_int_eq (download (), TALLY_ERROR_DIGEST);
  ck_assert_ptr_nonnull (strstr (err.message, "a.txt"));
  ck_assert_str_eq (folder_names (top), "");
}
END_TEST

START_TEST (longer_and_shorter_than_told)
{
  listing = "{\"files\": [{\"path\": \"a.txt\", \"is_dir\": false, \"file_size\": 9}]}";
  ck_assert_int_eq (download (), TALLY_ERROR_PROTOCOL);
  listing = "{\"files\": [{\"path\": \"a.txt\", \"is_dir\": false, \"file_size\": 11}]}";
  ck_assert_int_eq (download (), TALLY_ERROR_PROTOCOL);
  ck_assert_str_eq (folder_names (top), "");
}
END_TEST

START_TEST (empty_file)
{
  listing = "{\"files\": [{\"path\": \"a.txt\", \"is_dir\": false, \"file_size\": 0}]}";
  content_bytes = 0;
  ck_assert_msg (TALLY_OK == download (), "%s", err.message);
  has ("a.txt", "");
}
END_TEST

static const char *const hostile[] = {
  "{\"files\": [{\"path\": \"../a\"}]}",
  "{\"files\": [{\"path\": \"/tmp/a\"}]}",
  "{\"files\": [{\"path\": \"..\", \"is_dir\": true}]}",
  "{\"files\": [{\"path\": \"a\\u000ab\"}]}",
  "{\"files\": [{\"path\": \"a\\\\b\"}]}",
  "{\"files\": [{\"path\": \"\"}]}",
  "{\"files\": {\"path\": \"a\"}}",
};

START_TEST (names_that_lead_out)
{
  listing = hostile[_i];
  ck_assert_int_eq (download (), TALLY_ERROR_PROTOCOL);
  ck_assert_str_eq (folder_names (top), "");
  ck_assert_uint_eq (gets, 0);
}
END_TEST

/* Each folder holds one of its name: the depth has a bound. */
START_TEST (folders_without_end)
{
  listing = "{\"files\": [{\"path\": \"deep\", \"is_dir\": true}]}";
  ck_assert_int_eq (download (), TALLY_ERROR_PROTOCOL);
}
END_TEST

START_TEST (links_in_the_target)
{
  char path[512];

  snprintf (path, sizeof (path), "%s/link", top);
  ck_assert_int_eq (symlink ("/tmp", path), 0);
  is_tally = true;
  manifest = "{\"document\": \"{\\\"files\\\": [{\\\"path\\\": \\\"link/a\\\", \\\"sha256\\\": \\\"" DIGEST
             "\\\", \\\"size\\\": 10}]}\"}";
  ck_assert_int_eq (tally_model_download (client, "models:/m/1", top, NULL, &err), TALLY_ERROR_PROTOCOL);
  ck_assert_uint_eq (gets, 0);
}
END_TEST

START_TEST (manifest_is_what_counts)
{
  struct tally_transfer overwrite = { .overwrite = true };

  is_tally = true;
  digest = OTHER;
  manifest = "{\"document\": \"{\\\"files\\\": [{\\\"path\\\": \\\"x/a\\\", \\\"sha256\\\": \\\"" DIGEST
             "\\\", \\\"size\\\": 10}]}\"}";
  ck_assert_msg (TALLY_OK == tally_model_download (client, "models:/m/1", top, NULL, &err), "%s", err.message);
  has ("x/a", "0123456789");
  ck_assert_int_eq (tally_model_verify (client, "models:/m/1", top, &err), TALLY_OK);
  folder_write (top, "x/b", "", 0);
  ck_assert_int_eq (tally_model_verify (client, "models:/m/1", top, &err), TALLY_ERROR_DIGEST);
  ck_assert_ptr_nonnull (strstr (err.message, "x/b"));
  content = "012345678X";
  ck_assert_int_eq (tally_model_download (client, "models:/m/1", top, &overwrite, &err), TALLY_ERROR_DIGEST);
  has ("x/a", "0123456789");
}
END_TEST

START_TEST (stored_elsewhere)
{
  artifact_uri = "s3://bucket/0/" RUN;
  ck_assert_int_eq (download (), TALLY_ERROR_UNSUPPORTED);
  ck_assert_ptr_nonnull (strstr (err.message, "s3://bucket/0/" RUN));
}
END_TEST

/* --- up --- */

static const char *
file_of (const char *name, const void *data, size_t bytes)
{
  static char path[512];

  folder_write (top, name, data, bytes);
  snprintf (path, sizeof (path), "%s/%s", top, name);
  return path;
}

START_TEST (goes_up_with_its_digest)
{
  const char *path = file_of ("x y.txt", "0123456789", 10);

  digest = DIGEST;
  ck_assert_msg (TALLY_OK == tally_artifact_upload (client, "runs:/" RUN, path, "d/#%", NULL, &err), "%s", err.message);
  ck_assert_str_eq (put_path, STORE "/d/%23%25");
  ck_assert_ptr_nonnull (
      strstr (put_headers, "Content-Digest: sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:"));
  ck_assert_uint_eq (stored_bytes, 10);
  ck_assert_mem_eq (stored, "0123456789", 10);
  digest = OTHER;
  ck_assert_int_eq (tally_artifact_upload (client, "runs:/" RUN, path, NULL, NULL, &err), TALLY_ERROR_DIGEST);
  ck_assert_str_eq (put_path, STORE "/x%20y.txt");
}
END_TEST

static char *
big (void)
{
  char *data = malloc (BIG_BYTES);

  for (size_t i = 0; i < BIG_BYTES; i++)
    data[i] = (char)(i * 31 + i / 4096);
  return data;
}

static void
digest_of (char text[SHA256_TEXT_BYTES], const char *data, size_t bytes)
{
  unsigned char sum[SHA256_BYTES];
  struct sha256 hash;

  sha256_begin (&hash);
  sha256_add (&hash, data, bytes);
  sha256_end (sum, &hash);
  sha256_text (text, sum);
}

START_TEST (in_parts_although_an_answer_is_lost)
{
  char *data = big ();
  const char *path = file_of ("big", data, BIG_BYTES);
  static char right[SHA256_TEXT_BYTES];

  digest_of (right, data, BIG_BYTES);
  digest = right;
  parts_known = true;
  parts_lost = 1;
  ck_assert_msg (TALLY_OK == tally_artifact_upload (client, "runs:/" RUN, path, "w/big", NULL, &err), "%s",
                 err.message);
  ck_assert_uint_eq (put_count, 0);
  ck_assert_uint_eq (completed, 1);
  ck_assert_uint_eq (aborted, 0);
  ck_assert_uint_eq (stored_bytes, BIG_BYTES);
  ck_assert_int_eq (memcmp (stored, data, BIG_BYTES), 0);
  for (const char *const *expected =
           (const char *const[]){ "\"upload_id\":\"u1\"", "\"path\":\"big\"", "\"etag\":\"\\\"part-3\\\"\"", NULL };
       NULL != *expected; expected++)
    ck_assert_msg (NULL != strstr (completion, *expected), "%s", completion);
  free (data);
}
END_TEST

START_TEST (in_parts_whose_urls_expire)
{
  char *data = big ();
  const char *path = file_of ("big", data, BIG_BYTES);

  parts_known = true;
  /* The first part has no other URL, the second has. */
  parts_expired = 1;
  ck_assert_int_eq (tally_artifact_upload (client, "runs:/" RUN, path, NULL, NULL, &err), TALLY_ERROR_FORBIDDEN);
  ck_assert_uint_eq (aborted, 1);
  expire_second = true;
  ck_assert_msg (TALLY_OK == tally_artifact_upload (client, "runs:/" RUN, path, NULL, NULL, &err), "%s", err.message);
  ck_assert_int_eq (memcmp (stored, data, BIG_BYTES), 0);
  ck_assert_uint_eq (completed, 1);
  free (data);
}
END_TEST

START_TEST (in_parts_but_damaged)
{
  char *data = big ();
  const char *path = file_of ("big", data, BIG_BYTES);

  digest = OTHER;
  parts_known = true;
  ck_assert_int_eq (tally_artifact_upload (client, "runs:/" RUN, path, NULL, NULL, &err), TALLY_ERROR_DIGEST);
  free (data);
}
END_TEST

START_TEST (whole_where_there_are_no_parts)
{
  static char zeros[PART_BYTES];
  const char *path = file_of ("big", zeros, sizeof (zeros));

  ck_assert_msg (TALLY_OK == tally_artifact_upload (client, "runs:/" RUN, path, NULL, NULL, &err), "%s", err.message);
  ck_assert_uint_eq (put_count, 1);
  ck_assert_uint_eq (stored_bytes, sizeof (zeros));
}
END_TEST

static unsigned told;

static bool
stop_at_once (void *payload, const char *name, uint64_t done_bytes, uint64_t total_bytes)
{
  (void)payload;
  (void)name;
  (void)done_bytes;
  ck_assert_uint_eq (total_bytes, BIG_BYTES);
  told++;
  return false;
}

START_TEST (callback_stops_and_aborts)
{
  struct tally_transfer transfer = { .progress = stop_at_once };
  char *data = big ();
  const char *path = file_of ("big", data, BIG_BYTES);

  parts_known = true;
  ck_assert_int_eq (tally_artifact_upload (client, "runs:/" RUN, path, NULL, &transfer, &err), TALLY_ERROR_CANCELLED);
  ck_assert_uint_eq (told, 1);
  ck_assert_uint_eq (completed, 0);
  ck_assert_uint_eq (aborted, 1);
  free (data);
}
END_TEST

Suite *artifact_suite (void);

Suite *
artifact_suite (void)
{
  Suite *suite = suite_create ("artifact");
  TCase *tests = tcase_create ("artifact");

  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, comes_whole);
  tcase_add_test (tests, goes_on_where_it_broke_off);
  tcase_add_test (tests, begins_anew);
  tcase_add_test (tests, without_digest_no_range);
  tcase_add_test (tests, wrong_digest);
  tcase_add_test (tests, longer_and_shorter_than_told);
  tcase_add_test (tests, empty_file);
  tcase_add_loop_test (tests, names_that_lead_out, 0, sizeof (hostile) / sizeof (hostile[0]));
  tcase_add_test (tests, folders_without_end);
  tcase_add_test (tests, links_in_the_target);
  tcase_add_test (tests, manifest_is_what_counts);
  tcase_add_test (tests, stored_elsewhere);
  tcase_add_test (tests, goes_up_with_its_digest);
  tcase_add_test (tests, in_parts_although_an_answer_is_lost);
  tcase_add_test (tests, in_parts_whose_urls_expire);
  tcase_add_test (tests, in_parts_but_damaged);
  tcase_add_test (tests, whole_where_there_are_no_parts);
  tcase_add_test (tests, callback_stops_and_aborts);
  suite_add_tcase (suite, tests);
  return suite;
}
