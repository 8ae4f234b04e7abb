/* Tests of uploads in parts that are interrupted and go on: entries of an outbox, sent to a store that counts. */
#include "folder.h"
#include "http_server.h"
#include "outbox_send.h"
#include "outbox_store.h"
#include "sha256.h"

#include "base/buffer.h"

#include <check.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN "0123456789abcdef0123456789abcdef"

/* The smallest part that there is, and a file of three of them and a bit. */
#define PART_BYTES 5242880
#define PARTS 4
#define FILE_BYTES (3 * PART_BYTES + 1000)

static struct http_server *http;
static struct tally_options *options;
static struct transport *transport;
static struct outbox_entry *entry;
static char *folder;
static char *data;
static struct tally_error err;

/* What the store does. */
static atomic_bool gone; /* it answers nobody */
static atomic_uint gone_at; /* it is gone from this part on, before that is stored; 0: never */
static atomic_bool cancels; /* and the client is ended then */
static atomic_bool forgets_answer; /* it is gone once it has completed */
static enum {
  ASKED_TALLY,
  ASKED_BUSY,
  ASKED_MLFLOW,
  ASKED_EXPIRED,
  ASKED_FORBIDDEN,
  ASKED_PAGE,
  ASKED_OTHER_COUNT,
  ASKED_OTHER_SIZE,
  ASKED_NO_PLACE
} asked; /* how it answers who asks for an upload */
static bool refuses; /* to complete */
static atomic_bool is_page; /* once a part is answered with one, and not stored */

/* What it has and saw. */
static unsigned created;
static unsigned completed;
static unsigned aborted;
static unsigned part_count;
static bool is_complete;
static uint64_t taken_bytes; /* of parts that were stored */
static char stored[PARTS][PART_BYTES];
static size_t stored_bytes[PARTS]; /* 0: not there */

static void
digest_of_stored (char text[SHA256_TEXT_BYTES])
{
  unsigned char sum[SHA256_BYTES];
  struct sha256 hash;

  sha256_begin (&hash);
  for (unsigned i = 0; i < part_count; i++)
    sha256_add (&hash, stored[i], stored_bytes[i]);
  sha256_end (sum, &hash);
  sha256_text (text, sum);
}

static void
write_place (struct buffer *text, unsigned number)
{
  buffer_printf (text, "%s{\"part_number\": %u, \"url\": \"%s/part/%u/%u\", \"headers\": {}}",
                 '[' == text->data[text->len - 1] ? "" : ", ", number, http_server_url (http), created, number);
}

static void
reply_text (const struct http_request *request, struct buffer *text)
{
  ck_assert (buffer_append (text, "", 1));
  http_reply_json (request, 200, text->data);
  buffer_free (text);
}

static void
create (const struct http_request *request)
{
  json_t *body = json_loads (request->body, 0, NULL);
  struct buffer text;

  created++;
  is_complete = false;
  memset (stored_bytes, 0, sizeof (stored_bytes));
  part_count = (unsigned)json_integer_value (json_object_get (body, "num_parts"));
  ck_assert_uint_eq (PARTS, part_count);
  buffer_init (&text, 65536);
  buffer_printf (&text, "{\"upload_id\": \"u%u\", \"credentials\": [", created);
  for (unsigned number = 1; number <= part_count; number++)
    write_place (&text, number);
  buffer_text (&text, "]}");
  reply_text (request, &text);
  json_decref (body);
}

/* As tallyd tells how far an upload is. */
static void
tell_state (const struct http_request *request)
{
  char digest[SHA256_TEXT_BYTES];
  struct buffer text;

  digest_of_stored (digest);
  buffer_init (&text, 65536);
  buffer_printf (&text, "{\"num_parts\": %u, ", part_count + (ASKED_OTHER_COUNT == asked));
  if (is_complete)
    buffer_printf (&text, "\"completed\": true, \"sha256\": \"%s\"}", digest);
  else
  {
    buffer_text (&text, "\"completed\": false, \"parts\": [");
    for (unsigned i = 0; i < part_count; i++)
      if (stored_bytes[i] > 0)
        buffer_printf (&text, "%s{\"part_number\": %u, \"size_bytes\": %zu, \"etag\": \"e%u\"}", 0 == i ? "" : ", ",
                       i + 1, stored_bytes[i] - (ASKED_OTHER_SIZE == asked), i + 1);
    buffer_text (&text, "], \"credentials\": [");
    for (unsigned i = 0; i < part_count && ASKED_NO_PLACE != asked; i++)
      if (0 == stored_bytes[i])
        write_place (&text, i + 1);
    buffer_text (&text, "]}");
  }
  reply_text (request, &text);
}

static void
answer_state (const struct http_request *request)
{
  char path[64];

  snprintf (path, sizeof (path), "/api/tally/v1/uploads/u%u", created);
  if (ASKED_MLFLOW == asked)
    http_reply (request, 404, "text/html", "", "<html>Not Found</html>");
  else if (ASKED_BUSY == asked)
    http_reply (request, 503, "text/plain", "Retry-After: 0\r\n", "busy");
  else if (ASKED_FORBIDDEN == asked)
    http_reply_json (request, 403, "{\"error_code\": \"PERMISSION_DENIED\", \"message\": \"no\"}");
  else if (ASKED_PAGE == asked)
    http_reply (request, 200, "text/html", "", "<html>Log in</html>");
  else if (ASKED_EXPIRED == asked || 0 != strcmp (path, request->path))
    http_reply_json (request, 404, "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"expired\"}");
  else
    tell_state (request);
}

static bool
take_part (const struct http_request *request)
{
  unsigned upload = 0;
  unsigned number = 0;
  char etag[64];

  ck_assert_int_eq (2, sscanf (request->path, "/part/%u/%u", &upload, &number));
  ck_assert (upload == created && number >= 1 && number <= part_count && request->body_bytes <= PART_BYTES);
  if (number == gone_at)
  {
    gone = true;
    if (cancels)
      transport_cancel (transport);
    return false;
  }
  if (atomic_exchange (&is_page, false))
  {
    http_reply (request, 200, "text/html", "", "<html>Log in</html>");
    return true;
  }
  memcpy (stored[number - 1], request->body, request->body_bytes);
  stored_bytes[number - 1] = request->body_bytes;
  taken_bytes += request->body_bytes;
  snprintf (etag, sizeof (etag), "ETag: \"e%u\"\r\n", number);
  http_reply (request, 200, "application/json", etag, "{}");
  return true;
}

/* Each part is named once, with what was told when it was stored. */
static void
check_named (const struct http_request *request)
{
  json_t *body = json_loads (request->body, 0, NULL);
  const json_t *parts = json_object_get (body, "parts");
  const json_t *part;
  size_t i;

  ck_assert_uint_eq (part_count, json_array_size (parts));
  json_array_foreach (parts, i, part)
  {
    const char *etag = json_string_value (json_object_get (part, "etag"));

    ck_assert_int_eq ((json_int_t)i + 1, json_integer_value (json_object_get (part, "part_number")));
    ck_assert_ptr_nonnull (etag);
    ck_assert_uint_eq (i + 1, strtoul (etag + strcspn (etag, "e") + 1, NULL, 10));
    ck_assert_uint_gt (stored_bytes[i], 0);
  }
  json_decref (body);
}

static bool
complete (const struct http_request *request)
{
  char digest[SHA256_TEXT_BYTES];
  char etag[128];

  check_named (request);
  completed++;
  if (refuses)
  {
    http_reply_json (request, 400, "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"no\"}");
    return true;
  }
  is_complete = true;
  digest_of_stored (digest);
  snprintf (etag, sizeof (etag), "ETag: \"%s\"\r\n", digest);
  if (forgets_answer)
    gone = true;
  else
    http_reply (request, 200, "application/json", etag, "{}");
  return ! forgets_answer;
}

static bool
answer (void *payload, const struct http_request *request)
{
  (void)payload;
  if (gone)
    return false;
  if (NULL != strstr (request->path, "/runs/get"))
    http_reply_json (request, 200,
                     "{\"run\": {\"info\": {\"run_id\": \"" RUN "\", \"artifact_uri\": \"mlflow-artifacts:/0/" RUN
                     "/artifacts\"}}}");
  else if (NULL != strstr (request->path, "/mpu/create"))
    create (request);
  else if (NULL != strstr (request->path, "/mpu/complete"))
    return complete (request);
  else if (NULL != strstr (request->path, "/mpu/abort"))
  {
    aborted++;
    http_reply_json (request, 200, "{}");
  }
  else if (0 == strncmp (request->path, "/api/tally/v1/uploads/", strlen ("/api/tally/v1/uploads/")))
    answer_state (request);
  else
    return take_part (request);
  return true;
}

static void
set (const char *option, const char *value)
{
  ck_assert_msg (TALLY_OK == tally_options_set (options, option, value, &err), "%s", err.message);
}

static void
connect_anew (void)
{
  transport_free (transport, false);
  ck_assert_msg (TALLY_OK == transport_new (&transport, options, NULL, NULL, &err), "%s", err.message);
}

static void
setup (void)
{
  folder = folder_new ();
  http = http_server_start (answer, NULL);
  ck_assert_int_eq (TALLY_OK, tally_options_new (&options, &err));
  set ("server", http_server_url (http));
  set ("part-bytes", "5242880");
  set ("retry-max-ms", "20");
  set ("request-timeout-ms", "1000");
  connect_anew ();
  data = malloc (FILE_BYTES);
  for (size_t i = 0; i < FILE_BYTES; i++)
    data[i] = (char)(i * 31 + i / 4096);
  entry = outbox_entry_new ("weights/big");
  entry->number = 1;
  entry->bytes = FILE_BYTES;
  ck_assert_int_eq (TALLY_OK, outbox_store_bytes (folder, 1, data, FILE_BYTES, false, &err));
  ck_assert_int_eq (TALLY_OK, outbox_store_entry (folder, entry, false, &err));
}

static void
teardown (void)
{
  transport_free (transport, false);
  http_server_stop (http);
  tally_options_free (options);
  folder_remove_all (folder);
  free (entry);
  free (data);
}

static enum tally_code
send_entry (void)
{
  return outbox_send_entry (transport, options, folder, entry, RUN, &err);
}

/* A try that ends at a part; the store is there again then, and whoever sends next is somebody else. */
static void
interrupted_at (unsigned number)
{
  gone_at = number;
  ck_assert_int_ne (TALLY_OK, send_entry ());
  gone_at = 0;
  gone = false;
  connect_anew ();
}

static bool
has_note (void)
{
  return NULL != strstr (folder_names (folder), "outbox-1.upload\n");
}

static void
arrives (void)
{
  enum tally_code code = send_entry ();

  ck_assert_msg (TALLY_OK == code, "%s", err.message);
  ck_assert (is_complete && ! has_note ());
  for (size_t i = 0; i < PARTS; i++)
    ck_assert_int_eq (0, memcmp (stored[i], data + i * PART_BYTES, stored_bytes[i]));
}

START_TEST (goes_on_with_missing_parts)
{
  interrupted_at (3);
  ck_assert_uint_eq (2 * PART_BYTES, taken_bytes);
  ck_assert (has_note ());
  /* Again, as if the client was ended. */
  cancels = true;
  interrupted_at (4);
  ck_assert_int_eq (TALLY_ERROR_CANCELLED, err.code);
  ck_assert_uint_eq (3 * PART_BYTES, taken_bytes);
  arrives ();
  ck_assert_uint_eq (FILE_BYTES, taken_bytes);
  ck_assert_uint_eq (1, created);
  ck_assert_uint_eq (1, completed);
  ck_assert_uint_eq (0, aborted);
}
END_TEST

/* The size of the parts is another option now: the upload keeps its own. */
START_TEST (goes_on_with_its_own_parts)
{
  interrupted_at (3);
  set ("part-bytes", "6000000");
  arrives ();
  ck_assert_uint_eq (FILE_BYTES, taken_bytes);
  ck_assert_uint_eq (1, created);
}
END_TEST

static const struct
{
  int asked;
  unsigned aborted;
} answers[] = {
  { ASKED_MLFLOW, 1 },      { ASKED_EXPIRED, 0 },    { ASKED_FORBIDDEN, 1 },
  { ASKED_OTHER_COUNT, 1 }, { ASKED_OTHER_SIZE, 1 }, { ASKED_NO_PLACE, 1 },
};

START_TEST (begins_anew_by_the_answer)
{
  interrupted_at (3);
  asked = (typeof (asked))answers[_i].asked;
  arrives ();
  ck_assert_uint_eq (2 * PART_BYTES + FILE_BYTES, taken_bytes);
  ck_assert_uint_eq (2, created);
  ck_assert_uint_eq (answers[_i].aborted, aborted);
}
END_TEST

static const struct
{
  int asked;
  enum tally_code code;
} no_answers[] = { { ASKED_BUSY, TALLY_ERROR_OVERLOADED }, { ASKED_PAGE, TALLY_ERROR_PROTOCOL } };

/* That nobody answers says nothing of the upload. */
START_TEST (asks_again)
{
  interrupted_at (3);
  asked = (typeof (asked))no_answers[_i].asked;
  ck_assert_int_eq (no_answers[_i].code, send_entry ());
  asked = ASKED_TALLY;
  arrives ();
  ck_assert_uint_eq (FILE_BYTES, taken_bytes);
  ck_assert_uint_eq (1, created);
}
END_TEST

START_TEST (begins_anew_with_another_file)
{
  interrupted_at (3);
  data[PART_BYTES] ^= 1;
  ck_assert_int_eq (TALLY_OK, outbox_store_bytes (folder, 1, data, FILE_BYTES, false, &err));
  arrives ();
  ck_assert_uint_eq (2, created);
  ck_assert_uint_eq (1, aborted);
}
END_TEST

START_TEST (begins_anew_with_half_a_note)
{
  interrupted_at (3);
  folder_write (folder, "outbox-1.upload", "{\"upload_id\": \"u1", 17);
  arrives ();
  ck_assert_uint_eq (2, created);
}
END_TEST

/* What is there is not what was sent: the digest at the end tells. */
START_TEST (begins_anew_by_the_digest)
{
  interrupted_at (3);
  stored[0][7] ^= 1;
  arrives ();
  ck_assert_uint_eq (2, created);
  ck_assert_uint_eq (2, completed);
}
END_TEST

START_TEST (is_complete_although_nobody_heard)
{
  forgets_answer = true;
  ck_assert_int_ne (TALLY_OK, send_entry ());
  ck_assert (has_note ());
  forgets_answer = false;
  gone = false;
  connect_anew ();
  arrives ();
  ck_assert_uint_eq (FILE_BYTES, taken_bytes);
  ck_assert_uint_eq (1, created);
  ck_assert_uint_eq (1, completed);
}
END_TEST

/* Somebody in between took a part, and the store did not. */
START_TEST (a_page_is_no_acknowledgement)
{
  is_page = true;
  arrives ();
  ck_assert (! is_page);
  ck_assert_uint_eq (FILE_BYTES, taken_bytes);
  ck_assert_uint_eq (1, completed);
}
END_TEST

START_TEST (refused_is_given_up)
{
  refuses = true;
  ck_assert_int_eq (TALLY_ERROR_REFUSED, send_entry ());
  ck_assert_uint_eq (1, created);
  ck_assert_uint_eq (1, aborted);
  ck_assert (! has_note ());
}
END_TEST

START_TEST (done_leaves_nothing)
{
  interrupted_at (2);
  outbox_store_remove (folder, entry);
  ck_assert_str_eq ("", folder_names (folder));
}
END_TEST

Suite *upload_suite (void);

Suite *
upload_suite (void)
{
  Suite *suite = suite_create ("upload");
  TCase *tests = tcase_create ("upload");

  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, goes_on_with_missing_parts);
  tcase_add_test (tests, goes_on_with_its_own_parts);
  tcase_add_loop_test (tests, begins_anew_by_the_answer, 0, sizeof (answers) / sizeof (answers[0]));
  tcase_add_loop_test (tests, asks_again, 0, sizeof (no_answers) / sizeof (no_answers[0]));
  tcase_add_test (tests, begins_anew_with_another_file);
  tcase_add_test (tests, begins_anew_with_half_a_note);
  tcase_add_test (tests, begins_anew_by_the_digest);
  tcase_add_test (tests, is_complete_although_nobody_heard);
  tcase_add_test (tests, a_page_is_no_acknowledgement);
  tcase_add_test (tests, refused_is_given_up);
  tcase_add_test (tests, done_leaves_nothing);
  suite_add_tcase (suite, tests);
  return suite;
}
