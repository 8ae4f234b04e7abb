/* Tests of SHA-256: the examples of FIPS 180-4 and NIST's vectors, in pieces of any size, on both ways to compute it.
 */
#include "sha256.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct vector
{
  const char *text;
  size_t repeat;
  const char *digest;
};

/* FIPS 180-4 examples (NIST, "SHA256.pdf") and the first of the CAVP byte-oriented vectors. */
static const struct vector vectors[] = {
  { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
  { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
  { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
  { "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
  { "\xd3", 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1" },
  { "\x11\xaf", 1, "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98" },
};

/* Hash a vector in pieces of `piece` bytes. */
static void
hash (char text[SHA256_TEXT_BYTES], const struct vector *v, size_t piece, sha256_blocks *blocks)
{
  size_t bytes = strlen (v->text) * v->repeat;
  char *data = malloc (bytes + 1);
  unsigned char digest[SHA256_BYTES];
  struct sha256 h;

  ck_assert_ptr_nonnull (data);
  for (size_t i = 0; i < v->repeat; i++)
    memcpy (data + i * strlen (v->text), v->text, strlen (v->text));
  sha256_begin (&h);
  if (NULL != blocks)
    h.blocks = blocks;
  for (size_t at = 0; at < bytes; at += piece)
    sha256_add (&h, data + at, bytes - at < piece ? bytes - at : piece);
  sha256_end (digest, &h);
  sha256_text (text, digest);
  free (data);
}

START_TEST (vectors_whole_and_in_pieces)
{
  static const size_t pieces[] = { 1000000, 1, 3, 55, 56, 63, 64, 65, 127, 128, 4096 };
  const struct vector *v = &vectors[_i];

  for (size_t i = 0; i < sizeof (pieces) / sizeof (pieces[0]); i++)
  {
    char text[SHA256_TEXT_BYTES];

    hash (text, v, pieces[i], NULL);
    ck_assert_str_eq (text, v->digest);
    hash (text, v, pieces[i], sha256_blocks_portable);
    ck_assert_str_eq (text, v->digest);
  }
}
END_TEST

START_TEST (every_length_around_the_blocks)
{
  unsigned char data[260];

  for (size_t i = 0; i < sizeof (data); i++)
    data[i] = (unsigned char)(i * 7);
  for (size_t bytes = 0; bytes <= sizeof (data); bytes++)
  {
    unsigned char fast[SHA256_BYTES];
    unsigned char slow[SHA256_BYTES];
    struct sha256 h;

    sha256_begin (&h);
    sha256_add (&h, data, bytes);
    sha256_end (fast, &h);
    sha256_begin (&h);
    h.blocks = sha256_blocks_portable;
    for (size_t i = 0; i < bytes; i++)
      sha256_add (&h, data + i, 1);
    sha256_end (slow, &h);
    ck_assert_mem_eq (fast, slow, SHA256_BYTES);
  }
}
END_TEST

Suite *sha256_suite (void);

Suite *
sha256_suite (void)
{
  Suite *suite = suite_create ("sha256");
  TCase *tests = tcase_create ("sha256");

  tcase_add_loop_test (tests, vectors_whole_and_in_pieces, 0, sizeof (vectors) / sizeof (vectors[0]));
  tcase_add_test (tests, every_length_around_the_blocks);
  suite_add_tcase (suite, tests);
  return suite;
}
