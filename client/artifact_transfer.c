/* Transfers: tries, pauses, and files sent whole. */
#include "artifact_transfer.h"

#include "answer.h"
#include "decode.h"
#include "error.h"

#include "base/clock.h"
#include "base/url.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A pause is slept in pieces, so that a callback can stop it: as often as progress is told. */
#define PAUSE_PIECE_MS 100

/* Read at a time for hashing: enough that system calls cost nothing. */
#define HASH_CHUNK_BYTES 262144

void
transfer_init (struct transfer *transfer, struct transport *transport, const struct tally_options *options)
{
  *transfer = (struct transfer){
    .transport = transport,
    .part_bytes = (uint64_t)options_number (options, OPTION_PART_BYTES),
    .patience_ms = options_number (options, OPTION_REQUEST_TIMEOUT_MS),
    .pause_max_ms = options_number (options, OPTION_RETRY_MAX_MS),
  };
}

enum tally_code
transfer_call (json_t **answer, const struct transfer *transfer, const char *method, const char *path,
               const json_t *body, struct tally_error *err)
{
  char *text = NULL == body ? NULL : json_dumps (body, JSON_COMPACT);
  struct transport_request request = { .method = method, .path = path, .body = slice_of (text) };
  struct transport_answer got;
  bool out_of_memory;
  enum tally_code code;

  *answer = NULL;
  if (NULL != body && NULL == text)
    return error_memory (err);
  request.timeout_ms = transfer->patience_ms;
  code = transfer->once ? transport_send (&got, transfer->transport, &request, err)
                        : transport_call (&got, transfer->transport, &request, transfer->patience_ms, err);
  if (TALLY_OK == code)
  {
    *answer = answer_parse (&out_of_memory, &got);
    if (NULL == *answer)
      code = out_of_memory
                 ? error_memory (err)
                 : error_set (err, TALLY_ERROR_PROTOCOL, "The answer to %s %.200s is no JSON object.", method, path);
  }
  transport_answer_free (&got);
  free (text);
  return code;
}

bool
transfer_pause (const struct transfer *transfer, unsigned attempt, int64_t retry_after_ms, uint64_t bytes)
{
  int64_t left_ms = transport_pause_ms (attempt, transfer->pause_max_ms, retry_after_ms);

  for (; left_ms > 0; left_ms -= PAUSE_PIECE_MS)
  {
    if (NULL != transfer->moved && ! transfer->moved (transfer->payload, bytes))
      return false;
    if (! transport_sleep (transfer->transport, left_ms < PAUSE_PIECE_MS ? left_ms : PAUSE_PIECE_MS))
      return false;
  }
  return true;
}

/* How one request moves on over all its tries. */
struct tries
{
  const struct transfer *transfer;
  uint64_t before;
  uint64_t furthest; /* bytes, in any try: only what is new counts as moving on */
  int64_t moved_ms; /* when it last did */
};

static bool
on_progress (void *payload, uint64_t sent_bytes, uint64_t received_bytes)
{
  struct tries *tries = payload;

  (void)received_bytes;
  if (sent_bytes > tries->furthest)
  {
    tries->furthest = sent_bytes;
    tries->moved_ms = clock_monotonic_ms ();
  }
  return NULL == tries->transfer->moved
         || tries->transfer->moved (tries->transfer->payload, tries->before + sent_bytes);
}

enum tally_code
transfer_repeat (struct transport_answer *answer, const struct transfer *transfer, struct transport_request *request,
                 uint64_t before, struct tally_error *err)
{
  struct tries tries = { transfer, before, 0, clock_monotonic_ms () };
  struct tally_error own;
  enum tally_code code;

  if (NULL == err)
    err = &own;
  request->progress = on_progress;
  request->payload = &tries;
  for (unsigned attempt = 1;; attempt++)
  {
    int64_t retry_after_ms;

    code = transport_send (answer, transfer->transport, request, err);
    if (TALLY_OK == code || ! err->retryable || transfer->once
        || clock_monotonic_ms () - tries.moved_ms > transfer->patience_ms)
      return code;
    retry_after_ms = answer->retry_after_ms;
    if (! transfer_pause (transfer, attempt, retry_after_ms, before))
      return error_set (err, TALLY_ERROR_CANCELLED, "The transfer was stopped.");
    transport_answer_free (answer);
  }
}

enum tally_code
transfer_hash (char digest[SHA256_TEXT_BYTES], const struct transfer_source *source, struct tally_error *err)
{
  unsigned char bytes[SHA256_BYTES];
  unsigned char *chunk = NULL == source->data ? malloc (HASH_CHUNK_BYTES) : NULL;
  struct sha256 hash;
  uint64_t done = 0;
  enum tally_code code = TALLY_OK;

  sha256_begin (&hash);
  if (NULL != source->data)
    sha256_add (&hash, source->data, (size_t)source->bytes);
  else if (NULL == chunk)
    code = error_memory (err);
  while (TALLY_OK == code && NULL == source->data && done < source->bytes)
  {
    ssize_t got = pread (source->file, chunk, HASH_CHUNK_BYTES, (off_t)done);

    if (got < 0 && EINTR == errno)
      continue;
    if (got <= 0)
      code = got < 0 ? error_file (err, errno, "The file cannot be read")
                     : error_set (err, TALLY_ERROR_FILE, "The file became shorter while it was sent.");
    if (got > (ssize_t)(source->bytes - done))
      got = (ssize_t)(source->bytes - done);
    if (got > 0)
    {
      sha256_add (&hash, chunk, (size_t)got);
      done += (uint64_t)got;
    }
  }
  sha256_end (bytes, &hash);
  sha256_text (digest, bytes);
  free (chunk);
  return code;
}

const char *
transfer_path (struct arena *arena, const char *before, const char *place, const char *name)
{
  struct buffer path;
  const char *copy;

  buffer_init (&path, 16384); /* three times the longest name, and a place as long */
  buffer_printf (&path, "%s/%s", before, place);
  for (const char *part = name; NULL != part && '\0' != *part; part += strcspn (part, "/"))
  {
    part += '/' == *part;
    buffer_byte (&path, '/');
    url_encode (&path, (struct slice){ part, strcspn (part, "/") });
  }
  copy = path.failed ? NULL : arena_copy (arena, path.data, path.len);
  if (path.failed)
    arena_fail (arena);
  buffer_free (&path);
  return copy;
}

/* Base 64 with padding, as RFC 9530 has digests. */
static void
base64 (char text[48], const char digest[SHA256_TEXT_BYTES])
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned value = 0;
  unsigned bits = 0;
  char *out = text;

  for (; '\0' != *digest; digest++)
  {
    value = value << 4 | (unsigned)(*digest <= '9' ? *digest - '0' : *digest - 'a' + 10);
    bits += 4;
    if (bits >= 6)
    {
      bits -= 6;
      *out++ = digits[value >> bits & 63];
    }
  }
  *out++ = digits[value << (6 - bits) & 63];
  *out++ = '=';
  *out = '\0';
}

/* The server tells which bytes it has now: they must be ours. */
static enum tally_code
compare (const char *ours, const struct transport_answer *answer, const char *name, struct tally_error *err)
{
  if ('\0' == answer->digest[0] || 0 == strcmp (ours, answer->digest))
    return TALLY_OK;
  return error_set (err, TALLY_ERROR_DIGEST, "%s: the server has other bytes (%s) than were sent (%s).", name,
                    answer->digest, ours);
}

static enum tally_code
send_whole (const struct transfer *transfer, const char *place, const char *name, const struct transfer_source *source,
            struct tally_error *err)
{
  char digest[SHA256_TEXT_BYTES];
  char text[48];
  char header[96];
  const char *headers[] = { header, NULL };
  struct arena *arena = arena_new (ANSWER_ARENA_BYTES);
  struct transport_request request = { .method = "PUT",
                                       .headers = headers,
                                       .content_type = "application/octet-stream" };
  struct transport_answer answer;
  enum tally_code code = NULL == arena ? error_memory (err) : transfer_hash (digest, source, err);

  if (TALLY_OK != code)
    goto out;
  request.path = transfer_path (arena, STORE_PATH, place, name);
  code = decode_end (arena, err);
  if (TALLY_OK != code)
    goto out;
  base64 (text, digest);
  snprintf (header, sizeof (header), "Content-Digest: sha-256=:%s:", text);
  if (NULL != source->data)
    request.body = (struct slice){ source->data, (size_t)source->bytes };
  else
  {
    request.is_file = true;
    request.file = source->file;
    request.file_bytes = source->bytes;
  }
  code = transfer_repeat (&answer, transfer, &request, 0, err);
  if (TALLY_OK == code)
    code = compare (digest, &answer, name, err);
  transport_answer_free (&answer);
out:
  arena_free (arena);
  return code;
}

enum tally_code
transfer_send (const struct transfer *transfer, const char *place, const char *name,
               const struct transfer_source *source, struct tally_error *err)
{
  struct tally_error own;
  enum tally_code code = TALLY_ERROR_UNSUPPORTED;

  if (source->bytes >= transfer->part_bytes && source->bytes > 0)
    code = transfer_send_parts (transfer, place, name, source, NULL == err ? &own : err);
  /* MLflow has parts only where its store has (S3). */
  return TALLY_ERROR_UNSUPPORTED == code ? send_whole (transfer, place, name, source, err) : code;
}
