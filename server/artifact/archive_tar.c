/* Headers of tar archives. Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format". */
#include "artifact/archive_private.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES 100
#define PREFIX_BYTES 155
/* Eleven octal digits: 8 GiB - 1. */
#define NUMBER_MAX ((int64_t)077777777777)
#define TYPE_FILE '0'
#define TYPE_PAX 'x'

struct tar_block
{
  char name[NAME_BYTES];
  char mode[8];
  char user_id[8];
  char group_id[8];
  char size[12];
  char modified[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char device_major[8];
  char device_minor[8];
  char prefix[PREFIX_BYTES];
  char padding[12];
};

_Static_assert(512 == sizeof (struct tar_block), "a header is one block");

static void
octal (char *field, size_t bytes, int64_t number)
{
  char text[24];

  snprintf (text, sizeof (text), "%0*" PRIo64, (int)bytes - 1, (uint64_t)number);
  memcpy (field, text, bytes);
}

/* A block but for the name. */
static void
fill (struct tar_block *block, char type, int64_t size_bytes, int64_t modified_s)
{
  memset (block, 0, sizeof (*block));
  octal (block->mode, sizeof (block->mode), 0644);
  octal (block->user_id, sizeof (block->user_id), 0);
  octal (block->group_id, sizeof (block->group_id), 0);
  octal (block->size, sizeof (block->size), size_bytes <= NUMBER_MAX ? size_bytes : 0);
  octal (block->modified, sizeof (block->modified), modified_s);
  block->type = type;
  memcpy (block->magic, "ustar", 6);
  memcpy (block->version, "00", 2);
  octal (block->device_major, sizeof (block->device_major), 0);
  octal (block->device_minor, sizeof (block->device_minor), 0);
}

static void
append (struct buffer *out, struct tar_block *block)
{
  const unsigned char *bytes = (const unsigned char *)block;
  unsigned sum = 0;

  /* The sum is made with its own field blank. */
  memset (block->checksum, ' ', sizeof (block->checksum));
  for (size_t i = 0; i < sizeof (*block); i++)
    sum += bytes[i];
  octal (block->checksum, sizeof (block->checksum) - 1, (int64_t)sum);
  block->checksum[sizeof (block->checksum) - 1] = ' ';
  buffer_append (out, block, sizeof (*block));
}

/* Put the name into both of its fields; false when it does not fit or is not ASCII. */
static bool
place_name (struct tar_block *block, struct slice name)
{
  for (size_t i = 0; i < name.len; i++)
    if ((unsigned char)name.data[i] >= 0x80)
      return false;
  if (name.len <= NAME_BYTES)
  {
    memcpy (block->name, name.data, name.len);
    return true;
  }
  /* The first slash that leaves a name which fits, so that the prefix is as short as can be. */
  for (size_t i = name.len - NAME_BYTES - 1; i <= PREFIX_BYTES && i + 1 < name.len; i++)
    if ('/' == name.data[i] && i > 0)
    {
      memcpy (block->prefix, name.data, i);
      memcpy (block->name, name.data + i + 1, name.len - i - 1);
      return true;
    }
  return false;
}

/* What a reader without pax gets: the end of the name. */
static void
place_stand_in (struct tar_block *block, struct slice name)
{
  size_t length = name.len < NAME_BYTES ? name.len : NAME_BYTES;

  for (size_t i = 0; i < length; i++)
  {
    char byte = name.data[name.len - length + i];

    /* No slash at the front, where it would mean the root. */
    block->name[i] = (unsigned char)byte >= 0x80 || ('/' == byte && 0 == i) ? '_' : byte;
  }
}

/* "<length> <key>=<value>\n", where the length counts itself. */
static void
pax_record (struct buffer *out, const char *key, struct slice value)
{
  size_t rest = 1 + strlen (key) + 1 + value.len + 1;
  size_t length = rest;

  while (length != rest + (size_t)snprintf (NULL, 0, "%zu", length))
    length = rest + (size_t)snprintf (NULL, 0, "%zu", length);
  buffer_printf (out, "%zu %s=", length, key);
  buffer_append (out, value.data, value.len);
  buffer_byte (out, '\n');
}

void
tar_header (struct buffer *out, const struct archive_file *file)
{
  int64_t modified_s = file->modified_ms < 0 ? 0 : file->modified_ms / 1000;
  struct tar_block block;
  struct buffer records;

  buffer_init (&records, out->max_bytes);
  if (modified_s > NUMBER_MAX)
    modified_s = NUMBER_MAX;
  fill (&block, TYPE_FILE, file->size_bytes, modified_s);
  if (! place_name (&block, file->name))
  {
    place_stand_in (&block, file->name);
    pax_record (&records, "path", file->name);
  }
  if (file->size_bytes > NUMBER_MAX)
  {
    char size[24];

    snprintf (size, sizeof (size), "%" PRId64, file->size_bytes);
    pax_record (&records, "size", slice_of (size));
  }
  if (records.len > 0)
  {
    struct tar_block pax;
    static const char zeroes[sizeof (struct tar_block)];

    fill (&pax, TYPE_PAX, (int64_t)records.len, modified_s);
    memcpy (pax.name, "PaxHeaders/file", sizeof ("PaxHeaders/file"));
    append (out, &pax);
    buffer_append (out, records.data, records.len);
    buffer_append (out, zeroes, (sizeof (zeroes) - records.len % sizeof (zeroes)) % sizeof (zeroes));
  }
  append (out, &block);
  if (records.failed)
    out->failed = true;
  buffer_free (&records);
}
