/* Entries of the outbox on their way: a file into the artifacts of its run, or the end of a run. */
#include "outbox_send.h"

#include "artifact_transfer.h"
#include "delivery.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longest body of a request that ends a run. */
#define TEXT_MAX_BYTES 65536

bool
outbox_refused (const struct tally_error *why)
{
  return delivery_refused (why) || TALLY_ERROR_UNSUPPORTED == why->code || TALLY_ERROR_FILE == why->code;
}

/* Room for the place of a run and the answer that tells it. */
#define PLACE_MAX_BYTES 1048576

static enum tally_code
send_open (const struct transfer *transfer, const struct outbox_entry *entry, const char *id, int file,
           struct tally_error *err)
{
  struct transfer_source source = { .file = file, .bytes = entry->bytes };
  struct arena *arena = arena_new (PLACE_MAX_BYTES);
  const char *place;
  enum tally_code code = NULL == arena ? error_memory (err) : transfer_place_of_run (&place, arena, transfer, id, err);

  if (TALLY_OK == code)
    code = transfer_send (transfer, place, entry->name, &source, err);
  arena_free (arena);
  return code;
}

static enum tally_code
send_file (struct transport *transport, const struct tally_options *options, const char *folder,
           const struct outbox_entry *entry, const char *id, struct tally_error *err)
{
  struct transfer transfer;
  char *data = outbox_data_path (folder, entry->number);
  int file;
  enum tally_code code;

  if (NULL == data)
    return error_memory (err);
  transfer_init (&transfer, transport, options);
  /* What goes in parts goes on with the missing ones here: for the next try nothing of it would be left. */
  transfer.once = entry->bytes < transfer.part_bytes;
  file = open (data, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    code = error_file (err, errno, "%s", data);
  else
  {
    code = send_open (&transfer, entry, id, file, err);
    close (file);
  }
  free (data);
  return code;
}

static enum tally_code
send_end (struct transport *transport, const struct outbox_entry *entry, const char *id, int64_t timeout_ms,
          struct tally_error *err)
{
  struct transport_request request = { .method = "POST", .path = DELIVERY_UPDATE_PATH, .timeout_ms = timeout_ms };
  struct transport_answer answer;
  struct buffer body;
  enum tally_code code;

  buffer_init (&body, TEXT_MAX_BYTES);
  code = delivery_write_end (&body, id, entry->status, entry->end_ms, err);
  request.body = buffer_slice (&body);
  if (TALLY_OK == code)
  {
    code = transport_send (&answer, transport, &request, err);
    transport_answer_free (&answer);
  }
  buffer_free (&body);
  return code;
}

enum tally_code
outbox_send_entry (struct transport *transport, const struct tally_options *options, const char *folder,
                   const struct outbox_entry *entry, const char *id, struct tally_error *err)
{
  return entry->is_end ? send_end (transport, entry, id, options_number (options, OPTION_REQUEST_TIMEOUT_MS), err)
                       : send_file (transport, options, folder, entry, id, err);
}
