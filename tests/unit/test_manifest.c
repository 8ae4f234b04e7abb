/* Tests of reading the documents of manifests. */
#include "artifact/manifest.h"

#include <check.h>

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD "{\"created_at\":5,\"files\":"
#define TAIL ",\"format\":\"" MANIFEST_FORMAT "\",\"subject\":{\"experiment_id\":\"0\",\"run_id\":\"r\"}}"
#define FILE_OF(path) "{\"path\":\"" path "\",\"sha256\":\"" DIGEST_A "\",\"size\":7}"

static struct arena *arena;

static void
set_up (void)
{
  arena = arena_new ((size_t)1024 * 1024);
  ck_assert_ptr_nonnull (arena);
}

static void
tear_down (void)
{
  arena_free (arena);
}

START_TEST (reads_documents)
{
  struct manifest manifest;
  struct err err = { 0 };

  ck_assert_int_eq (manifest_read (&manifest, SLICE (HEAD "[" FILE_OF ("a") "," FILE_OF ("a/b") "]" TAIL), arena, &err),
                    ERR_OK);
  ck_assert_int_eq (manifest.kind, STORE_OWNER_RUN);
  ck_assert (slice_is (manifest.id, "r"));
  ck_assert_int_eq (manifest.created_at_ms, 5);
  ck_assert_uint_eq (manifest.count, 2);
  ck_assert (slice_is (manifest.files[1].path, "a/b"));
  ck_assert_int_eq (manifest.files[1].size_bytes, 7);
  ck_assert_int_eq (manifest.files[1].digest.bytes[31], 0xaa);
  ck_assert_int_eq (manifest_read (&manifest,
                                   SLICE ("{\"created_at\":5,\"files\":[],\"format\":\"" MANIFEST_FORMAT
                                          "\",\"subject\":{\"model_id\":\"m-1\"}}"),
                                   arena, &err),
                    ERR_OK);
  ck_assert_int_eq (manifest.kind, STORE_OWNER_MODEL);
  ck_assert_uint_eq (manifest.count, 0);
}
END_TEST

START_TEST (refuses_what_is_none)
{
  static const char *const cases[] = {
    "",
    "[]",
    "{}",
    HEAD "[]" TAIL "x",
    HEAD "{}" TAIL,
    HEAD "[1]" TAIL,
    HEAD "[{}]" TAIL,
    HEAD "[" FILE_OF ("") "]" TAIL,
    HEAD "[" FILE_OF ("b") "," FILE_OF ("a") "]" TAIL,
    HEAD "[" FILE_OF ("a") "," FILE_OF ("a") "]" TAIL,
    HEAD "[{\"path\":\"a\",\"sha256\":\"" DIGEST_A "\",\"size\":-1}]" TAIL,
    HEAD "[{\"path\":\"a\",\"sha256\":\"" DIGEST_A "\",\"size\":\"1\"}]" TAIL,
    HEAD "[{\"path\":\"a\",\"sha256\":\"a\",\"size\":1}]" TAIL,
    HEAD "[],\"format\":\"another\",\"subject\":{\"run_id\":\"r\"}}",
    HEAD "[],\"format\":\"" MANIFEST_FORMAT "\",\"subject\":{}}",
    HEAD "[],\"format\":\"" MANIFEST_FORMAT "\",\"subject\":{\"run_id\":1}}",
    "{\"created_at\":\"5\",\"files\":[]" TAIL,
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct manifest manifest;
    struct err err = { 0 };

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == manifest_read (&manifest, slice_of (cases[i]), arena, &err), "%s",
                   cases[i]);
    ck_assert_msg (0 == strncmp (err.message, "The document of the manifest is not one", 39), "%s", err.message);
  }
}
END_TEST

Suite *manifest_suite (void);

Suite *
manifest_suite (void)
{
  Suite *suite = suite_create ("manifest");
  TCase *documents = tcase_create ("documents");

  tcase_add_checked_fixture (documents, set_up, tear_down);
  tcase_add_test (documents, reads_documents);
  tcase_add_test (documents, refuses_what_is_none);
  suite_add_tcase (suite, documents);
  return suite;
}
