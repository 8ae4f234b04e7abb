/* Tests of archives: other programs read them, the same files give the same bytes, and numbers beyond 32 bits. */
#include "artifact/archive_private.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Room for all that a test makes. */
#define ARCHIVE_BYTES ((size_t)64 * 1024 * 1024)
#define BLOCK_BYTES ((size_t)256 * 1024)
/* 2024-02-29 12:34:56.789 UTC */
#define MODIFIED_MS INT64_C (1709210096789)
#define GIB ((int64_t)1024 * 1024 * 1024)

static struct buffer out;
static char path[] = "/tmp/tally_archive_XXXXXX";

static char long_name[1001];

static void
name_samples (void)
{
  memset (long_name, 'd', sizeof (long_name) - 1);
  for (size_t i = 50; i < sizeof (long_name) - 1; i += 51)
    long_name[i] = '/';
}

static void
set_up (void)
{
  int fd;

  name_samples ();
  buffer_init (&out, ARCHIVE_BYTES);
  memcpy (path + sizeof (path) - 7, "XXXXXX", 6);
  fd = mkstemp (path);
  ck_assert_int_ge (fd, 0);
  close (fd);
}

static void
tear_down (void)
{
  unlink (path);
  buffer_free (&out);
}

/* A file of a test: `size` bytes, of text that packs well or of noise that does not. */
struct sample
{
  const char *name;
  size_t size;
  bool is_noise;
};

static const struct sample samples[] = {
  { "MLmodel", 300, false },
  { "data/empty", 0, false },
  { "data/gr\xC3\xBC\xC3\x9F"
    "e \xE2\x82\xAC/\xE6\xA8\xA1\xE5\x9E\x8B.bin",
    1000, true },
  { "data/one block", 512, false },
  { "data/text", 700000, false },
  { "data/weights", 600000, true },
  { "data/weights and text #1 100%", 700001, false },
  { long_name, 10, false },
};
#define SAMPLES (sizeof (samples) / sizeof (samples[0]))

static char *
sample_bytes (const struct sample *sample)
{
  char *bytes = malloc (sample->size + 1);
  uint64_t state = sample->size + 1;

  ck_assert_ptr_nonnull (bytes);
  for (size_t i = 0; i < sample->size; i++)
  {
    state = state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    bytes[i] = sample->is_noise ? (char)(state >> 56) : "0123456789 abc\n"[(i / 7 + i % 3) % 15];
  }
  bytes[sample->size] = '\0';
  return bytes;
}

static void
write_file (struct archive *archive, const struct archive_file *file, const char *bytes)
{
  ck_assert_int_eq (archive_begin (archive, &out, file, NULL), ERR_OK);
  for (size_t at = 0; at < (size_t)file->size_bytes; at += BLOCK_BYTES)
  {
    size_t rest = (size_t)file->size_bytes - at;

    ck_assert_int_eq (
        archive_write (archive, &out, (struct slice){ bytes + at, rest < BLOCK_BYTES ? rest : BLOCK_BYTES }, NULL),
        ERR_OK);
  }
  ck_assert_int_eq (archive_end (archive, &out, NULL), ERR_OK);
}

static void
close_archive (struct archive *archive)
{
  bool ended = false;

  while (! ended)
    ck_assert_int_eq (archive_close (&ended, archive, &out, NULL), ERR_OK);
  archive_free (archive);
}

static void
make_samples (enum archive_format format)
{
  struct archive *archive = archive_new (format);

  ck_assert_ptr_nonnull (archive);
  for (size_t i = 0; i < SAMPLES; i++)
  {
    struct archive_file file = { slice_of (samples[i].name), (int64_t)samples[i].size, MODIFIED_MS };
    char *bytes = sample_bytes (&samples[i]);

    write_file (archive, &file, bytes);
    free (bytes);
  }
  close_archive (archive);
}

static void
save (void)
{
  FILE *file = fopen (path, "wb");

  ck_assert_ptr_nonnull (file);
  ck_assert_uint_eq (fwrite (out.data, 1, out.len, file), out.len);
  ck_assert_int_eq (fclose (file), 0);
}

/* Run a command, with the path of the archive in $1, and compare what it prints. */
static void
expect_output (const char *command, const struct buffer *expected)
{
  struct buffer printed;
  char block[4096];
  char *line = NULL;
  FILE *pipe;
  size_t bytes;

  ck_assert_int_gt (asprintf (&line, "set -- %s; %s", path, command), 0);
  pipe = popen (line, "r");
  ck_assert_ptr_nonnull (pipe);
  buffer_init (&printed, ARCHIVE_BYTES);
  while ((bytes = fread (block, 1, sizeof (block), pipe)) > 0)
    buffer_append (&printed, block, bytes);
  ck_assert_int_eq (pclose (pipe), 0);
  ck_assert_msg (slice_equal (buffer_slice (&printed), buffer_slice (expected)), "%s\n%s\n-- instead of --\n%s", line,
                 printed.data, expected->data);
  buffer_free (&printed);
  free (line);
}

/* For each file name, size, sum of bytes times place, time. */
static void
describe_samples (struct buffer *expected)
{
  buffer_init (expected, ARCHIVE_BYTES);
  for (size_t i = 0; i < SAMPLES; i++)
  {
    char *bytes = sample_bytes (&samples[i]);

    buffer_printf (expected, "%s %zu %08lx %" PRId64 "\n", samples[i].name, samples[i].size,
                   crc32 (0, (const Bytef *)bytes, (uInt)samples[i].size), MODIFIED_MS / 1000);
    free (bytes);
  }
}

/* Python's modules check what a reader can check, sums and sizes and headers, on their own. */
static const char read_tar[] = "PYTHONUTF8=1 python3 -c 'import sys, tarfile, zlib\n"
                               "with tarfile.open(sys.argv[1], sys.argv[2]) as t:\n"
                               "    for m in t:\n"
                               "        assert m.isfile() and m.mode == 0o644 and m.uid == 0 and m.gid == 0, m\n"
                               "        d = t.extractfile(m).read()\n"
                               "        print(m.name, m.size, f\"{zlib.crc32(d):08x}\", int(m.mtime))\n' $1 ";

static const char read_zip[] =
    "PYTHONUTF8=1 python3 -c 'import sys, zipfile, zlib, calendar, struct\n"
    "with zipfile.ZipFile(sys.argv[1]) as z:\n"
    "    for m in z.infolist():\n"
    "        assert m.external_attr >> 16 == 0o100644 and m.flag_bits & 0x800 and not m.is_dir(), m\n"
    "        d = z.read(m)\n"
    "        t = struct.unpack(\"<i\", m.extra[-4:])[0]\n"
    "        assert abs(calendar.timegm(m.date_time) - t) < 2, m\n"
    "        print(m.filename, m.file_size, f\"{zlib.crc32(d):08x}\", t)\n' $1";

START_TEST (other_programs_read_tar)
{
  struct buffer expected;
  char command[1024];

  describe_samples (&expected);
  make_samples (0 == _i ? ARCHIVE_TAR : ARCHIVE_TAR_GZ);
  save ();
  snprintf (command, sizeof (command), "%s%s", read_tar, 0 == _i ? "r:" : "r:gz");
  expect_output (command, &expected);
  /* A stream, as those read who do not wait for the end. */
  snprintf (command, sizeof (command), "%s%s", read_tar, 0 == _i ? "'r|'" : "'r|gz'");
  expect_output (command, &expected);
  buffer_free (&expected);
}
END_TEST

START_TEST (tar_lists_names)
{
  struct buffer expected;

  buffer_init (&expected, ARCHIVE_BYTES);
  make_samples (ARCHIVE_TAR_GZ);
  save ();
  for (size_t i = 0; i < SAMPLES; i++)
    buffer_printf (&expected, "%s\n", samples[i].name);
  expect_output ("tar --quoting-style=literal -tzf $1", &expected);
  buffer_free (&expected);
}
END_TEST

START_TEST (other_programs_read_zip)
{
  struct buffer expected;

  describe_samples (&expected);
  make_samples (ARCHIVE_ZIP);
  save ();
  expect_output (read_zip, &expected);
  buffer_free (&expected);
  buffer_init (&expected, ARCHIVE_BYTES);
  expect_output ("unzip -tq $1 >/dev/null", &expected);
  buffer_free (&expected);
}
END_TEST

START_TEST (same_files_give_same_bytes)
{
  struct buffer first;

  make_samples ((enum archive_format)_i);
  first = out;
  buffer_init (&out, ARCHIVE_BYTES);
  make_samples ((enum archive_format)_i);
  ck_assert (slice_equal (buffer_slice (&first), buffer_slice (&out)));
  buffer_free (&first);
}
END_TEST

START_TEST (empty_archives_are_archives)
{
  struct archive *archive = archive_new ((enum archive_format)_i);
  struct buffer expected;
  static const char *const commands[] = { [ARCHIVE_TAR] = "tar -tf $1",
                                          [ARCHIVE_TAR_GZ] = "tar -tzf $1",
                                          [ARCHIVE_ZIP] =
                                              "python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1])' $1" };

  buffer_init (&expected, ARCHIVE_BYTES);
  close_archive (archive);
  save ();
  expect_output (commands[_i], &expected);
  buffer_free (&expected);
}
END_TEST

START_TEST (noise_is_copied_and_text_is_packed)
{
  const struct sample noise = { "n", 8 * BLOCK_BYTES, true };
  const struct sample text = { "t", 8 * BLOCK_BYTES, false };
  struct archive *archive = archive_new ((enum archive_format)_i);
  const struct sample *order[] = { &noise, &text, &noise };
  size_t grown[3];

  for (size_t i = 0; i < 3; i++)
  {
    struct archive_file file = { slice_of (order[i]->name), (int64_t)order[i]->size, MODIFIED_MS };
    char *bytes = sample_bytes (order[i]);
    size_t before = out.len;

    write_file (archive, &file, bytes);
    grown[i] = out.len - before;
    free (bytes);
  }
  close_archive (archive);
  /* Five bytes for each block, and what was not given out before. */
  ck_assert_uint_le (grown[0], noise.size + noise.size / 1000 + 1024);
  ck_assert_uint_le (grown[1], text.size / 4 + (size_t)128 * 1024);
  ck_assert_uint_ge (grown[0] + grown[1] + grown[2], 2 * noise.size - (size_t)128 * 1024);
}
END_TEST

/* --- tar headers ------------------------------------------------------------------------------------------------- */

START_TEST (tar_sizes_are_told_ahead)
{
  int64_t bytes = ARCHIVE_TAR_END_BYTES;

  make_samples (ARCHIVE_TAR);
  for (size_t i = 0; i < SAMPLES; i++)
  {
    struct archive_file file = { slice_of (samples[i].name), (int64_t)samples[i].size, MODIFIED_MS };

    bytes += archive_tar_bytes (&file);
  }
  ck_assert_int_eq (bytes, (int64_t)out.len);
}
END_TEST

/* Headers alone, as a reader sees them who does not read on. */
static const char read_header[] = "PYTHONUTF8=1 python3 -c 'import sys, tarfile\n"
                                  "m = tarfile.open(sys.argv[1], \"r|\").next()\n"
                                  "print(m.name, m.size, int(m.mtime), len(m.pax_headers))\n' $1";

START_TEST (tar_headers_hold_what_is_large)
{
  static char fits[256];
  static char wide[300];
  static const struct
  {
    const char *name;
    int64_t size;
    int64_t modified_ms;
    int64_t modified_s;
    int pax;
  } cases[] = {
    { "a", 8 * GIB - 1, MODIFIED_MS, MODIFIED_MS / 1000, 0 },
    { "a", 8 * GIB, MODIFIED_MS, MODIFIED_MS / 1000, 1 },
    { "\xE2\x82\xAC", INT64_MAX, MODIFIED_MS, MODIFIED_MS / 1000, 2 },
    { "a", 1, -5000, 0, 0 },
    { "a", 1, INT64_MAX, 077777777777, 0 },
    { fits, 1, 0, 0, 0 },
    { wide, 1, 0, 0, 1 },
  };
  struct buffer expected;

  /* The longest that needs no pax: 155 characters, a slash and 100. */
  memset (fits, 'f', sizeof (fits) - 1);
  fits[154] = '/';
  memset (wide, 'w', sizeof (wide) - 1);
  wide[10] = '/';
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct archive_file file = { slice_of (cases[i].name), cases[i].size, cases[i].modified_ms };

    buffer_clear (&out);
    buffer_init (&expected, ARCHIVE_BYTES);
    tar_header (&out, &file);
    ck_assert_uint_eq (out.len % 512, 0);
    save ();
    buffer_printf (&expected, "%s %" PRId64 " %" PRId64 " %d\n", cases[i].name, cases[i].size, cases[i].modified_s,
                   cases[i].pax);
    expect_output (read_header, &expected);
    buffer_free (&expected);
  }
}
END_TEST

START_TEST (tar_names_of_every_length)
{
  static char name[400];
  struct buffer expected;

  buffer_init (&expected, ARCHIVE_BYTES);
  for (size_t length = 1; length < sizeof (name); length++)
  {
    struct archive_file file = { { name, length }, 0, 0 };

    memset (name, 'n', length);
    if (length > 120)
      name[length - 90] = '/';
    tar_header (&out, &file);
    buffer_printf (&expected, "%.*s 0 %08x 0\n", (int)length, name, 0);
  }
  buffer_append (&out, (char[1024]){ 0 }, 1024);
  save ();
  {
    char command[1024];

    snprintf (command, sizeof (command), "%sr:", read_tar);
    expect_output (command, &expected);
  }
  buffer_free (&expected);
}
END_TEST

/* --- zip headers ------------------------------------------------------------------------------------------------- */

static uint64_t
number_at (size_t at, size_t bytes)
{
  uint64_t number = 0;

  ck_assert_uint_le (at + bytes, out.len);
  for (size_t i = bytes; i-- > 0;)
    number = number << 8 | (unsigned char)out.data[at + i];
  return number;
}

/* A file of 5 GiB that begins behind 6 GiB. */
static const struct zip_file huge = { .name = (char *)"huge",
                                      .name_bytes = 4,
                                      .modified_ms = MODIFIED_MS,
                                      .offset = 6 * (uint64_t)GIB,
                                      .packed_bytes = 5 * (uint64_t)GIB + 1234,
                                      .size_bytes = 5 * (uint64_t)GIB,
                                      .crc = 0x12345678,
                                      .is_large = true };

START_TEST (zip64_of_five_gib)
{
  size_t at;

  zip_local_header (&out, &huge);
  ck_assert_uint_eq (number_at (4, 2), 45);
  ck_assert_uint_eq (number_at (18, 4), 0xffffffff);
  ck_assert_uint_eq (number_at (22, 4), 0xffffffff);
  ck_assert_uint_eq (number_at (28, 2), 29);
  ck_assert_uint_eq (number_at (34, 2), 1);
  ck_assert_uint_eq (number_at (36, 2), 16);
  ck_assert_uint_eq (out.len, 30 + 4 + 29);
  at = out.len;
  zip_descriptor (&out, &huge);
  ck_assert_uint_eq (out.len - at, 24);
  ck_assert_uint_eq (number_at (at + 4, 4), 0x12345678);
  ck_assert_uint_eq (number_at (at + 8, 8), huge.packed_bytes);
  ck_assert_uint_eq (number_at (at + 16, 8), huge.size_bytes);
}
END_TEST

START_TEST (zip_directories_are_read)
{
  static const struct
  {
    uint64_t offset;
    uint64_t size;
    uint64_t packed;
  } cases[] = {
    { 0, 1, 3 },
    { UINT32_MAX - 1, UINT32_MAX - 1, UINT32_MAX - 1 },
    { UINT32_MAX, 1, 3 },
    { 1, UINT32_MAX, 5 },
    { 1, 0xf0000000, 0xffffffff },
    { 6 * (uint64_t)GIB, 5 * (uint64_t)GIB, 5 * (uint64_t)GIB + 1234 },
    { (uint64_t)1 << 52, (uint64_t)1 << 51, (uint64_t)1 << 50 },
  };
  struct buffer expected;

  /* An archive whose data nobody has: Python reads the directory, and finds no room before it for what it says, so the
     start of the file is moved. */
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct zip_file file = huge;
    FILE *sparse = fopen (path, "wb");
    /* What the directory stands behind; files of that size are holes. */
    uint64_t place = (uint64_t)7 * (uint64_t)GIB;

    file.offset = cases[i].offset;
    file.size_bytes = cases[i].size;
    file.packed_bytes = cases[i].packed;
    buffer_clear (&out);
    buffer_init (&expected, 4096);
    zip_directory_entry (&out, &file);
    {
      size_t bytes = out.len;

      zip_directory_end (&out, 1, place, bytes);
    }
    ck_assert_int_eq (fseeko (sparse, (off_t)place, SEEK_SET), 0);
    ck_assert_uint_eq (fwrite (out.data, 1, out.len, sparse), out.len);
    ck_assert_int_eq (fclose (sparse), 0);
    buffer_printf (&expected, "huge %" PRIu64 " %" PRIu64 " %" PRIu64 " %x\n", cases[i].offset, cases[i].size,
                   cases[i].packed, huge.crc);
    expect_output ("python3 -c 'import sys, zipfile\n"
                   "for m in zipfile.ZipFile(sys.argv[1]).infolist():\n"
                   "    print(m.filename, m.header_offset, m.file_size, m.compress_size, f\"{m.CRC:x}\")' $1",
                   &expected);
    buffer_free (&expected);
  }
}
END_TEST

START_TEST (zip_of_more_than_65535_files)
{
  struct archive *archive = archive_new (ARCHIVE_ZIP);
  struct buffer expected;

  for (int i = 0; i < 65600; i++)
  {
    char name[16];
    struct archive_file file = { { NULL, 0 }, 1, MODIFIED_MS };

    snprintf (name, sizeof (name), "d/%05d", i);
    file.name = slice_of (name);

    write_file (archive, &file, "x");
  }
  close_archive (archive);
  save ();
  buffer_init (&expected, 4096);
  buffer_text (&expected, "65600 d/65599 b'x'\n");
  expect_output ("python3 -c 'import sys, zipfile\n"
                 "z = zipfile.ZipFile(sys.argv[1]); n = z.namelist()\n"
                 "print(len(n), n[-1], z.read(n[-1]))' $1",
                 &expected);
  buffer_free (&expected);
}
END_TEST

/* A file in the zip64 form, though it is small, so that other programs read one. */
START_TEST (small_files_in_the_large_form)
{
  struct archive *archive = archive_new (ARCHIVE_ZIP);
  struct buffer expected;
  struct archive_file file = { SLICE ("large"), 5 * GIB, MODIFIED_MS };

  ck_assert_int_eq (archive_begin (archive, &out, &file, NULL), ERR_OK);
  ck_assert_int_eq (archive_write (archive, &out, SLICE ("not that large"), NULL), ERR_OK);
  ck_assert_int_eq (archive_end (archive, &out, NULL), ERR_OK);
  file = (struct archive_file){ SLICE ("next"), 2, MODIFIED_MS };
  write_file (archive, &file, "ok");
  close_archive (archive);
  save ();
  buffer_init (&expected, 4096);
  expect_output ("unzip -tq $1 >/dev/null", &expected);
  buffer_text (&expected, "not that large\nok\n");
  expect_output ("python3 -c 'import sys, zipfile\n"
                 "z = zipfile.ZipFile(sys.argv[1])\n"
                 "for n in z.namelist(): print(z.read(n).decode())' $1",
                 &expected);
  buffer_free (&expected);
}
END_TEST

Suite *archive_suite (void);

Suite *
archive_suite (void)
{
  Suite *suite = suite_create ("archive");
  TCase *archives = tcase_create ("archives");

  tcase_add_checked_fixture (archives, set_up, tear_down);
  tcase_set_timeout (archives, 60);
  tcase_add_loop_test (archives, other_programs_read_tar, 0, 2);
  tcase_add_test (archives, tar_lists_names);
  tcase_add_test (archives, other_programs_read_zip);
  tcase_add_loop_test (archives, same_files_give_same_bytes, 0, ARCHIVE_FORMAT_COUNT);
  tcase_add_loop_test (archives, empty_archives_are_archives, 0, ARCHIVE_FORMAT_COUNT);
  tcase_add_loop_test (archives, noise_is_copied_and_text_is_packed, ARCHIVE_TAR_GZ, ARCHIVE_FORMAT_COUNT);
  tcase_add_test (archives, tar_sizes_are_told_ahead);
  tcase_add_test (archives, tar_headers_hold_what_is_large);
  tcase_add_test (archives, tar_names_of_every_length);
  tcase_add_test (archives, zip64_of_five_gib);
  tcase_add_test (archives, zip_directories_are_read);
  tcase_add_test (archives, zip_of_more_than_65535_files);
  tcase_add_test (archives, small_files_in_the_large_form);
  suite_add_tcase (suite, archives);
  return suite;
}
