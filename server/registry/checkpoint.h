/* Checkpoints: what one entry of the ledger was, as a document to be signed and kept elsewhere. */
#ifndef REGISTRY_CHECKPOINT_H
#define REGISTRY_CHECKPOINT_H

#include "base/buffer.h"
#include "store/ledger.h"

/* Names the form of the document inside it. */
#define CHECKPOINT_FORMAT "tally-checkpoint-1"

/* Append the document: JSON in one form only, with members in the order of their names and no white space. */
void registry_checkpoint_write (struct buffer *document, const struct store_ledger_head *head, int64_t now_ms);

/* Read a document. Errors: INVALID_PARAMETER_VALUE saying what is wrong with it. */
enum err_code registry_checkpoint_read (struct store_ledger_head *head, struct slice document, struct err *err);

#endif
