/* Bodies that become contents of the store while they arrive. */
#include "api/artifact_receive.h"

#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define ALGORITHM "sha-256"

static void
drop (struct api_call *call)
{
  struct artifact_receiving *receiving = call->stream;

  blob_writer_free (receiving->writer);
  receiving->writer = NULL;
}

/* The next member of a dictionary (RFC 8941, 3.2), without blanks around it. */
static bool
next_member (struct slice *rest, struct slice *member)
{
  size_t length = 0;

  while (rest->len > 0 && NULL != memchr (" \t,", rest->data[0], 3))
    *rest = (struct slice){ rest->data + 1, rest->len - 1 };
  while (length < rest->len && ',' != rest->data[length])
    length++;
  *member = (struct slice){ rest->data, length };
  *rest = (struct slice){ rest->data + length, rest->len - length };
  while (member->len > 0 && NULL != memchr (" \t", member->data[member->len - 1], 2))
    member->len--;
  return member->len > 0;
}

bool
artifact_digest_field (bool *found, struct digest *digest, struct slice field)
{
  struct slice rest = field;
  struct slice member;

  *found = false;
  while (next_member (&rest, &member))
  {
    size_t name = sizeof (ALGORITHM) - 1;

    /* sha-256=:…: */
    if (member.len <= name || 0 != strncasecmp (member.data, ALGORITHM, name) || '=' != member.data[name])
      continue;
    if (member.len < name + 3 || ':' != member.data[name + 1] || ':' != member.data[member.len - 1]
        || ! digest_parse_base64 (digest, (struct slice){ member.data + name + 2, member.len - name - 3 }))
      return false;
    *found = true;
  }
  return true;
}

static enum err_code
read_digest (struct artifact_receiving *receiving, struct slice field, const char *name, struct err *err)
{
  bool found = false;
  struct digest digest;

  if (! artifact_digest_field (&found, &digest, field))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The header %s must hold a SHA-256 as 'sha-256=:<44 characters of base 64>:'.", name);
  if (found && receiving->has_expected && ! digest_equal (&digest, &receiving->expected))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The headers Content-Digest and Repr-Digest differ.");
  if (found)
    receiving->expected = digest;
  receiving->has_expected = receiving->has_expected || found;
  return ERR_OK;
}

static enum err_code
too_large (const struct artifact_receiving *receiving, int64_t bytes, struct err *err)
{
  return err_set (err, ERR_REQUEST_TOO_LARGE,
                  "The request body has %s%" PRId64 " bytes; the limit is %" PRId64 " bytes.",
                  bytes == receiving->received_bytes ? "at least " : "", bytes, receiving->limit_bytes);
}

static enum err_code
begin_receiving (struct artifact_receiving **receiving, struct api_call *call, artifact_receive_begin begin,
                 struct err *err)
{
  struct artifact_receiving *made = arena_alloc (call->arena, sizeof (*made));
  int64_t declared = 0;
  enum err_code code;

  if (NULL == made)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  made->limit_bytes = call->service->config->max_artifact_bytes;
  call->stream = made;
  call->drop = drop;
  code = read_digest (made, call->headers[CALL_CONTENT_DIGEST], "Content-Digest", err);
  if (ERR_OK == code)
    code = read_digest (made, call->headers[CALL_REPR_DIGEST], "Repr-Digest", err);
  if (ERR_OK == code)
    code = begin (made, call, err);
  if (ERR_OK == code && number_parse_int64 (call->headers[CALL_CONTENT_LENGTH], &declared)
      && declared > made->limit_bytes)
    code = too_large (made, declared, err);
  *receiving = made;
  return code;
}

enum err_code
artifact_receive (struct artifact_receiving **receiving, struct api_call *call, artifact_receive_begin begin,
                  struct err *err)
{
  enum err_code code = ERR_OK;

  *receiving = call->stream;
  if (NULL == *receiving)
    code = begin_receiving (receiving, call, begin, err);
  if (ERR_OK != code)
    return code;
  (*receiving)->received_bytes += (int64_t)call->body.len;
  if ((*receiving)->received_bytes > (*receiving)->limit_bytes)
    return too_large (*receiving, (*receiving)->received_bytes, err);
  return 0 == call->body.len ? ERR_OK : blob_write ((*receiving)->writer, call->body, err);
}

enum err_code
artifact_receive_end (struct digest *digest, int64_t *size_bytes, struct artifact_receiving *receiving, struct err *err)
{
  char text[DIGEST_TEXT_BYTES];
  char expected[DIGEST_TEXT_BYTES];
  enum err_code code = blob_write_end (digest, size_bytes, receiving->writer, err);

  if (ERR_OK != code || ! receiving->has_expected || digest_equal (digest, &receiving->expected))
    return code;
  digest_format (text, digest);
  digest_format (expected, &receiving->expected);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The content was damaged on its way: its SHA-256 is %s, the header says %s.", text, expected);
}

void
artifact_etag_header (struct api_call *call, const struct digest *digest)
{
  char text[DIGEST_TEXT_BYTES];
  char etag[DIGEST_TEXT_BYTES + 2];

  digest_format (text, digest);
  snprintf (etag, sizeof (etag), "\"%s\"", text);
  api_header (call, "ETag", slice_of (etag));
}
