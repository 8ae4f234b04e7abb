/* Answers that are a stored file: headers, conditions, ranges, bytes.

   DESIGN
   A content never changes and its name is its digest, so the digest is the entity tag, and one compare answers every
   condition. From a directory the kernel sends the file; other stores are read piece by piece while the client
   takes them, so that memory is one piece. */
#include "api/artifact_send.h"

#include "api/artifact_path.h"
#include "api/range.h"
#include "base/url.h"
#include "blob/blob.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* A piece of an answer from a store without files: few enough requests to it, little enough memory. */
#define PIECE_BYTES ((int64_t)4 * 1024 * 1024)

/* '"', 64 digits, '"'. */
#define ETAG_BYTES (DIGEST_TEXT_BYTES + 2)
/* "Sun, 06 Nov 1994 08:49:37 GMT", and years beyond 9999. */
#define DATE_BYTES 64

static void
format_date (char out[DATE_BYTES], int64_t at_ms)
{
  time_t seconds = (time_t)(at_ms / 1000);
  struct tm parts;

  out[0] = '\0';
  if (NULL != gmtime_r (&seconds, &parts))
    (void)strftime (out, DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

static void
format_etag (char out[ETAG_BYTES], const struct digest *digest)
{
  out[0] = '"';
  digest_format (out + 1, digest);
  memcpy (out + DIGEST_TEXT_BYTES, "\"", 2);
}

/* The name is plain for old programs, and given as UTF-8 too when that is not all of it.
 */
enum err_code
artifact_disposition (struct slice *disposition, struct slice path, struct arena *arena, struct err *err)
{
  const char *slash = 0 == path.len ? NULL : memrchr (path.data, '/', path.len);
  struct slice name = NULL == slash ? path : (struct slice){ slash + 1, path.len - (size_t)(slash + 1 - path.data) };
  char *plain = arena_copy (arena, name.data, name.len);
  struct buffer text;
  bool all_plain = true;

  if (NULL == plain)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < name.len; i++)
    if ((unsigned char)plain[i] < 0x20 || (unsigned char)plain[i] > 0x7E || NULL != strchr ("\"\\%", plain[i]))
    {
      plain[i] = '_';
      all_plain = false;
    }
  /* Each byte becomes at most three, beside the plain form. */
  buffer_init (&text, 4 * name.len + 128);
  buffer_printf (&text, "attachment; filename=\"%s\"", plain);
  if (! all_plain)
  {
    buffer_text (&text, "; filename*=UTF-8''");
    url_encode (&text, name);
  }
  *disposition = (struct slice){ text.failed ? NULL : arena_copy (arena, text.data, text.len), text.len };
  buffer_free (&text);
  return NULL == disposition->data ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

/* What is left to send of a content that comes in pieces; in the arena. */
struct sending
{
  struct digest digest;
  int64_t offset;
  int64_t left;
};

static enum err_code
send_piece (struct api_call *call, struct err *err)
{
  struct sending *sending = call->more_context;
  int64_t bytes = sending->left < PIECE_BYTES ? sending->left : PIECE_BYTES;
  enum err_code code =
      blob_read (&call->reply, call->service->blobs, &sending->digest, sending->offset, (size_t)bytes, err);

  sending->offset += bytes;
  sending->left -= bytes;
  if (0 == sending->left)
    call->more = NULL;
  return code;
}

/* The bytes, by the kernel or in pieces. */
static enum err_code
send_bytes (struct api_call *call, const struct store_artifact *artifact, int64_t offset, int64_t bytes,
            struct err *err)
{
  struct sending *sending;
  int fd = -1;
  enum err_code code;

  if (0 == bytes)
    return ERR_OK;
  code = blob_open_file (&fd, call->service->blobs, &artifact->digest, artifact->size_bytes, err);
  if (ERR_OK != code)
    return code;
  if (fd >= 0)
  {
    call->has_file = true;
    call->file_fd = fd;
    call->file_offset = offset;
    call->file_bytes = bytes;
    return ERR_OK;
  }
  sending = arena_alloc (call->arena, sizeof (*sending));
  if (NULL == sending)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  *sending = (struct sending){ artifact->digest, offset, bytes };
  call->more_context = sending;
  call->more = send_piece;
  /* HEAD tells the length and takes no bytes. */
  call->stream_bytes = bytes;
  return call->is_head ? ERR_OK : send_piece (call, err);
}

static void
add_digests (struct api_call *call, const struct digest *digest, bool whole)
{
  char base64[DIGEST_BASE64_BYTES];
  char text[DIGEST_BASE64_BYTES + 16];

  digest_base64 (base64, digest);
  snprintf (text, sizeof (text), "sha-256=:%s:", base64);
  api_header (call, "Repr-Digest", slice_of (text));
  if (whole)
    api_header (call, "Content-Digest", slice_of (text));
}

enum err_code
artifact_send (struct api_call *call, const struct store_artifact *artifact, enum artifact_type type, struct err *err)
{
  char etag[ETAG_BYTES];
  char date[DATE_BYTES];
  char text[80];
  struct slice disposition;
  enum range_kind kind = RANGE_ALL;
  int64_t offset = 0;
  int64_t bytes = artifact->size_bytes;
  enum err_code code = artifact_disposition (&disposition, artifact->path, call->arena, err);

  if (ERR_OK != code)
    return code;
  format_etag (etag, &artifact->digest);
  format_date (date, artifact->created_at_ms);
  if (range_etag_listed (call->headers[CALL_IF_NONE_MATCH], slice_of (etag)))
    call->status = 304;
  else if (range_still_valid (call->headers[CALL_IF_RANGE], slice_of (etag), slice_of (date)))
    kind = range_parse (&offset, &bytes, call->headers[CALL_RANGE], artifact->size_bytes);
  if (RANGE_OUTSIDE == kind)
  {
    snprintf (text, sizeof (text), "bytes */%" PRId64, artifact->size_bytes);
    api_header (call, "Content-Range", slice_of (text));
    return err_set (err, ERR_RANGE_NOT_SATISFIABLE, "The range '%.*s' is not within the %" PRId64 " bytes of the file.",
                    (int)(call->headers[CALL_RANGE].len < 100 ? call->headers[CALL_RANGE].len : 100),
                    call->headers[CALL_RANGE].data, artifact->size_bytes);
  }
  api_header (call, "ETag", slice_of (etag));
  /* Another content may get the name: ask again, and have it for nothing while it is the same. */
  api_header (call, "Cache-Control", SLICE ("no-cache"));
  if (304 == call->status)
  {
    call->stream_bytes = artifact->size_bytes;
    return ERR_OK;
  }
  api_header (call, "Accept-Ranges", SLICE ("bytes"));
  if (RANGE_PART == kind)
  {
    snprintf (text, sizeof (text), "bytes %" PRId64 "-%" PRId64 "/%" PRId64, offset, offset + bytes - 1,
              artifact->size_bytes);
    api_header (call, "Content-Range", slice_of (text));
    call->status = 206;
  }
  api_header (call, "Last-Modified", slice_of (date));
  api_header (call, "Content-Disposition", disposition);
  /* Whoever shows it in spite of that runs nothing of it. */
  api_header (call, "Content-Security-Policy", SLICE ("sandbox"));
  add_digests (call, &artifact->digest, RANGE_ALL == kind);
  call->type = ARTIFACT_TYPE_BINARY == type ? "application/octet-stream" : artifact_media_type (artifact->path);
  return send_bytes (call, artifact, offset, bytes, err);
}
