/* Identifiers: run ids are 16 random bytes shown as 32 hexadecimal digits; request ids are short and unique per
 * process. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/slice.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

/* A new random identifier (version 4 layout, so that tools recognise it). Thread-safe. False when the system gives no
 * randomness. */
bool uuid_random (struct uuid *id);

/* Fill `size` bytes with unpredictable data. Thread-safe. False when the system gives none. */
bool random_bytes (void *bytes, size_t size);

/* A readable run name such as "calm-otter-417", for runs that were given none. `text` holds at least 64 bytes. */
void id_run_name (char *text, size_t capacity);

#endif
