/* CRC-32C (Castagnoli): the check sum of what is stored packed, as iSCSI, ext4 and others compute it. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The check sum of `data`, by the processor's own instruction where it has one. Finds every change of a single bit and
   every one of up to 32 neighbouring bits. Thread-safe, cannot fail. */
uint32_t crc32c (const void *data, size_t len);

/* The same by a table, on every processor: what crc32c does where there is no instruction. */
uint32_t crc32c_portable (const void *data, size_t len);

#endif
