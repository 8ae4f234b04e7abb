/* Receiving a file: hashed on its way, and continued where it broke off. */
#include "artifact_transfer.h"

#include "error.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Most that is taken when nobody has told the size: 1 TiB. */
#define UNKNOWN_MAX_BYTES ((uint64_t)1 << 40)

struct receiving
{
  const struct transfer *transfer;
  const struct transfer_wanted *wanted;
  int file;
  struct sha256 hash;
  uint64_t bytes; /* written */
  char digest[SHA256_TEXT_BYTES]; /* that the server told with the first piece; "" */
  const struct transport_answer *answer; /* of the try that is under way */
  bool begun; /* a piece of this try has come */
  uint64_t furthest;
  int64_t moved_ms;
  struct tally_error why; /* code OK: the sink is not why it stopped */
};

static enum tally_code
start_over (struct receiving *receiving)
{
  receiving->bytes = 0;
  sha256_begin (&receiving->hash);
  memcpy (receiving->digest, receiving->answer->digest, SHA256_TEXT_BYTES);
  if (0 != ftruncate (receiving->file, 0))
    return error_file (&receiving->why, errno, "%s", receiving->wanted->name);
  return TALLY_OK;
}

/* The first piece of a try: it goes on behind what is there (206), or is the beginning (200). */
static enum tally_code
begin (struct receiving *receiving)
{
  receiving->begun = true;
  if (receiving->bytes > 0 && 206 == receiving->answer->status)
    return TALLY_OK;
  return start_over (receiving);
}

static enum tally_code
write_all (struct receiving *receiving, const char *data, size_t bytes)
{
  while (bytes > 0)
  {
    ssize_t written = pwrite (receiving->file, data, bytes, (off_t)receiving->bytes);

    if (written < 0 && EINTR == errno)
      continue;
    if (written <= 0)
      return error_file (&receiving->why, errno, "%s", receiving->wanted->name);
    data += written;
    bytes -= (size_t)written;
    receiving->bytes += (uint64_t)written;
  }
  return TALLY_OK;
}

static bool
on_data (void *payload, const void *data, size_t bytes)
{
  struct receiving *receiving = payload;
  const struct transfer_wanted *wanted = receiving->wanted;
  uint64_t limit = wanted->has_bytes ? wanted->bytes : UNKNOWN_MAX_BYTES;
  const struct transfer *transfer = receiving->transfer;

  if (! receiving->begun && TALLY_OK != begin (receiving))
    return false;
  if (bytes > limit - receiving->bytes)
  {
    error_set (&receiving->why, TALLY_ERROR_PROTOCOL, "%s: the server sends more than the %llu bytes that it told.",
               wanted->name, (unsigned long long)limit);
    receiving->why.retryable = false;
    return false;
  }
  if (TALLY_OK != write_all (receiving, data, bytes))
    return false;
  sha256_add (&receiving->hash, data, bytes);
  if (receiving->bytes > receiving->furthest)
  {
    receiving->furthest = receiving->bytes;
    receiving->moved_ms = clock_monotonic_ms ();
  }
  return NULL == transfer->moved || transfer->moved (transfer->payload, receiving->bytes);
}

/* Asked also when nothing comes. */
static bool
on_progress (void *payload, uint64_t sent_bytes, uint64_t received_bytes)
{
  struct receiving *receiving = payload;
  const struct transfer *transfer = receiving->transfer;

  (void)sent_bytes;
  (void)received_bytes;
  return NULL == transfer->moved || transfer->moved (transfer->payload, receiving->bytes);
}

static enum tally_code
try_once (struct receiving *receiving, int64_t *retry_after_ms, struct tally_error *err)
{
  char range[64];
  char same[SHA256_TEXT_BYTES + 32];
  const char *headers[] = { range, same, NULL };
  struct transport_answer answer = { .status = 0 };
  struct transport_request request = {
    .method = "GET", .path = receiving->wanted->path, .sink = on_data, .progress = on_progress, .payload = receiving
  };
  enum tally_code code;

  snprintf (range, sizeof (range), "Range: bytes=%llu-", (unsigned long long)receiving->bytes);
  snprintf (same, sizeof (same), "If-Range: \"%s\"", receiving->digest);
  /* Without a digest nobody knows whether the rest is one of the same file. */
  if (receiving->bytes > 0 && '\0' != receiving->digest[0])
    request.headers = headers;
  receiving->answer = &answer;
  receiving->begun = false;
  code = transport_send (&answer, receiving->transfer->transport, &request, err);
  if (TALLY_OK == code && ! receiving->begun)
    code = begin (receiving); /* an empty file */
  if (TALLY_OK != receiving->why.code)
  {
    *err = receiving->why;
    code = err->code;
  }
  *retry_after_ms = answer.retry_after_ms;
  transport_answer_free (&answer);
  return code;
}

/* What is there must be what was promised. */
static enum tally_code
check (struct receiving *receiving, struct tally_error *err)
{
  const struct transfer_wanted *wanted = receiving->wanted;
  const char *promised = '\0' != wanted->digest[0] ? wanted->digest : receiving->digest;
  unsigned char bytes[SHA256_BYTES];
  char digest[SHA256_TEXT_BYTES];

  sha256_end (bytes, &receiving->hash);
  sha256_text (digest, bytes);
  if ('\0' != promised[0] && 0 != strcmp (digest, promised))
    return error_set (err, TALLY_ERROR_DIGEST, "%s: the bytes that came (SHA-256 %s) are not those promised (%s).",
                      wanted->name, digest, promised);
  if (wanted->has_bytes && receiving->bytes != wanted->bytes)
    return error_set (err, TALLY_ERROR_PROTOCOL, "%s: %llu bytes came where %llu were promised.", wanted->name,
                      (unsigned long long)receiving->bytes, (unsigned long long)wanted->bytes);
  return TALLY_OK;
}

enum tally_code
transfer_receive (const struct transfer *transfer, const struct transfer_wanted *wanted, int file,
                  struct tally_error *err)
{
  struct receiving receiving = {
    .transfer = transfer, .wanted = wanted, .file = file, .moved_ms = clock_monotonic_ms ()
  };
  struct tally_error own;
  enum tally_code code;

  if (NULL == err)
    err = &own;
  sha256_begin (&receiving.hash);
  for (unsigned attempt = 1;; attempt++)
  {
    int64_t retry_after_ms;

    code = try_once (&receiving, &retry_after_ms, err);
    /* All of it came, only its end was not told. */
    if (TALLY_OK != code && err->retryable && wanted->has_bytes && receiving.bytes == wanted->bytes)
      code = TALLY_OK;
    if (TALLY_OK == code || ! err->retryable || clock_monotonic_ms () - receiving.moved_ms > transfer->patience_ms)
      break;
    if (! transfer_pause (transfer, attempt, retry_after_ms, receiving.bytes))
      return error_set (err, TALLY_ERROR_CANCELLED, "The transfer was stopped.");
  }
  return TALLY_OK == code ? check (&receiving, err) : code;
}
