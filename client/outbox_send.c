/* Entries of the outbox on their way: a file into the artifacts of its run, or the end of a run. */
#include "outbox_send.h"

#include "artifact_transfer.h"
#include "delivery.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Longest body of the end of a run. */
#define TEXT_MAX_BYTES 65536

/* Room for what the server says of a run's place: a path of at most a few KiB. */
#define ARENA_BYTES (1u << 20)

bool
outbox_refused (const struct tally_error *why)
{
  return delivery_refused (why) || TALLY_ERROR_UNSUPPORTED == why->code || TALLY_ERROR_FILE == why->code;
}

static enum tally_code
put_file (struct transfer *transfer, const char *folder, const struct outbox_entry *entry, const char *place,
          struct tally_error *err)
{
  struct transfer_source source = { .bytes = entry->bytes };
  char *data = outbox_data_path (folder, entry->number);
  char *note = outbox_upload_path (folder, entry->number);
  enum tally_code code;

  if (NULL == data || NULL == note)
  {
    free (data);
    free (note);
    return error_memory (err);
  }
  transfer->note = note;
  source.file = open (data, O_RDONLY | O_CLOEXEC);
  if (source.file < 0)
    code = error_file (err, errno, "%s", data);
  else
  {
    code = transfer_send (transfer, place, entry->name, &source, err);
    if (TALLY_OK != code && outbox_refused (err) && ! err->retryable)
      transfer_give_up (transfer, place, entry->name, &source);
    close (source.file);
  }
  free (data);
  free (note);
  return code;
}

static enum tally_code
send_file (struct transport *transport, const struct tally_options *options, const char *folder,
           const struct outbox_entry *entry, const char *id, struct tally_error *err)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  struct transfer transfer;
  const char *place;
  enum tally_code code;

  if (NULL == arena)
    return error_memory (err);
  transfer_init (&transfer, transport, options);
  /* What goes in parts goes on with the missing ones here: a server that cannot be asked for them (MLflow's) would have
     nothing of it left for the next try. */
  transfer.once = entry->bytes < transfer.part_bytes;
  code = transfer_place_of_run (&place, arena, &transfer, id, err);
  if (TALLY_OK == code)
    code = put_file (&transfer, folder, entry, place, err);
  arena_free (arena);
  return code;
}

static enum tally_code
send_end (struct transport *transport, const struct tally_options *options, const struct outbox_entry *entry,
          const char *id, struct tally_error *err)
{
  struct transport_request request = { .method = "POST",
                                       .path = DELIVERY_UPDATE_PATH,
                                       .timeout_ms = options_number (options, OPTION_REQUEST_TIMEOUT_MS) };
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
  return entry->is_end ? send_end (transport, options, entry, id, err)
                       : send_file (transport, options, folder, entry, id, err);
}
