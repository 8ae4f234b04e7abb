/* Tests of places: which artifact URIs are the server's own, what listings may name, and paths of requests. */
#include "artifact_place.h"

#include <check.h>
#include <string.h>

#define SERVER "http://tally.example:5000/prefix"

struct uri
{
  const char *uri;
  const char *place; /* NULL: refused */
  enum tally_code code;
};

static const struct uri uris[] = {
  { "mlflow-artifacts:/0/r/artifacts", "0/r/artifacts", TALLY_OK },
  { "mlflow-artifacts:///0/r/artifacts", "0/r/artifacts", TALLY_OK },
  { "mlflow-artifacts://tally.example:5000/0/r", "0/r", TALLY_OK },
  { SERVER "/api/2.0/mlflow-artifacts/artifacts/0/r", "0/r", TALLY_OK },
  { "mlflow-artifacts:/0/a b#%", "0/a%20b%23%25", TALLY_OK },
  { "mlflow-artifacts://other.example:5000/0/r", NULL, TALLY_ERROR_UNSUPPORTED },
  { "mlflow-artifacts://tally.example:5001/0/r", NULL, TALLY_ERROR_UNSUPPORTED },
  { "mlflow-artifacts://tally.example:50000/0/r", NULL, TALLY_ERROR_UNSUPPORTED },
  { "http://other.example/api/2.0/mlflow-artifacts/artifacts/0/r", NULL, TALLY_ERROR_UNSUPPORTED },
  { SERVER "/0/r", NULL, TALLY_ERROR_UNSUPPORTED },
  { "s3://bucket/0/r", NULL, TALLY_ERROR_UNSUPPORTED },
  { "file:///etc", NULL, TALLY_ERROR_UNSUPPORTED },
  { "/etc", NULL, TALLY_ERROR_UNSUPPORTED },
  { "", NULL, TALLY_ERROR_UNSUPPORTED },
  { "mlflow-artifacts:/", NULL, TALLY_ERROR_PROTOCOL },
  { "mlflow-artifacts:/../x", NULL, TALLY_ERROR_PROTOCOL },
  { "mlflow-artifacts:/0/../../x", NULL, TALLY_ERROR_PROTOCOL },
  { "mlflow-artifacts:/0\r\nHost: x", NULL, TALLY_ERROR_PROTOCOL },
};

START_TEST (uris_of_the_server)
{
  const struct uri *uri = &uris[_i];
  struct tally_options *options;
  struct transport *transport;
  struct transfer transfer;
  struct arena *arena = arena_new (1 << 20);
  struct tally_error err = { 0 };
  const char *place;

  ck_assert_int_eq (tally_options_new (&options, &err), TALLY_OK);
  ck_assert_int_eq (transport_new (&transport, options, SERVER, NULL, &err), TALLY_OK);
  transfer_init (&transfer, transport, options);
  ck_assert_int_eq (transfer_place_of_uri (&place, arena, &transfer, uri->uri, &err), uri->code);
  ck_assert_int_eq (NULL == place, NULL == uri->place);
  if (NULL != place)
    ck_assert_str_eq (place, uri->place);
  if (TALLY_ERROR_UNSUPPORTED == uri->code)
    ck_assert_ptr_nonnull (strstr (err.message, uri->uri));
  transport_free (transport, false);
  tally_options_free (options);
  arena_free (arena);
}
END_TEST

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct listed
{
  bool is_tally;
  const char *folder;
  const char *json;
  const char *name; /* NULL: PROTOCOL */
};

static const struct listed listings[] = {
  { false, "", "{\"path\": \"a\", \"is_dir\": false, \"file_size\": 3}", "a" },
  { false, "x/y", "{\"path\": \"a\", \"is_dir\": true}", "x/y/a" },
  { true, "x/y", "{\"path\": \"x/y/a\", \"is_dir\": false, \"file_size\": 3, \"sha256\": \"" DIGEST "\"}", "x/y/a" },
  { true, "", "{\"path\": \"a\", \"file_size\": \"5\"}", "a" },
  { false, "", "{\"path\": \"..\"}", NULL },
  { false, "", "{\"path\": \"../a\"}", NULL },
  { false, "", "{\"path\": \"/etc/passwd\"}", NULL },
  { false, "", "{\"path\": \"a/b\"}", NULL },
  { false, "", "{\"path\": \"\"}", NULL },
  { false, "", "{\"path\": \".\"}", NULL },
  { false, "", "{\"path\": \"a\\\\b\"}", NULL },
  { false, "", "{\"path\": \"a\\nb\"}", NULL },
  { false, "", "{\"path\": 5}", NULL },
  { false, "", "{}", NULL },
  { false, "", "[]", NULL },
  { true, "x", "{\"path\": \"y/a\"}", NULL },
  { true, "x", "{\"path\": \"a\"}", NULL },
  { true, "x", "{\"path\": \"xa\"}", NULL },
  { true, "x", "{\"path\": \"x/\"}", NULL },
  { true, "x", "{\"path\": \"x/../../a\"}", NULL },
  { true, "x", "{\"path\": \"x/y/a\"}", NULL },
  { true, "", "{\"path\": \"a\", \"sha256\": \"zz\"}", NULL },
};

START_TEST (entries_of_listings)
{
  const struct listed *listed = &listings[_i];
  struct place place = { .is_tally = listed->is_tally, .kind = ROOT_RUN, .id = "r", .store = "0/r" };
  struct arena *arena = arena_new (1 << 20);
  json_t *json = json_loads (listed->json, 0, NULL);
  struct tally_error err;
  struct place_entry entry;

  ck_assert_ptr_nonnull (json);
  ck_assert_int_eq (place_entry (&entry, arena, &place, listed->folder, json, &err),
                    NULL == listed->name ? TALLY_ERROR_PROTOCOL : TALLY_OK);
  if (NULL != listed->name)
    ck_assert_str_eq (entry.name, listed->name);
  json_decref (json);
  arena_free (arena);
}
END_TEST

START_TEST (entry_tells_size_and_digest)
{
  struct place place = { .is_tally = true, .kind = ROOT_RUN };
  struct arena *arena = arena_new (1 << 20);
  json_t *json = json_loads ("{\"path\": \"a\", \"file_size\": \"5000000000\", \"sha256\": \"" DIGEST "\"}", 0, NULL);
  struct place_entry entry;

  ck_assert_int_eq (place_entry (&entry, arena, &place, "", json, NULL), TALLY_OK);
  ck_assert (entry.has_bytes && ! entry.is_folder);
  ck_assert_uint_eq (entry.bytes, 5000000000);
  ck_assert_str_eq (entry.digest, DIGEST);
  json_object_set_new (json, "file_size", json_integer (-1));
  ck_assert_int_eq (place_entry (&entry, arena, &place, "", json, NULL), TALLY_OK);
  ck_assert (! entry.has_bytes);
  json_decref (json);
  arena_free (arena);
}
END_TEST

START_TEST (paths_of_files)
{
  struct place store = { .kind = ROOT_RUN, .id = "r", .store = "0/r" };
  struct place version = { .kind = ROOT_VERSION, .name = "a b", .version = 3 };
  struct arena *arena = arena_new (1 << 20);

  ck_assert_str_eq (place_file_path (arena, &store, "x y/#%"), "/api/2.0/mlflow-artifacts/artifacts/0/r/x%20y/%23%25");
  ck_assert_str_eq (place_file_path (arena, &version, "x/y"),
                    "/model-versions/get-artifact?name=a%20b&version=3&path=x%2Fy");
  arena_free (arena);
}
END_TEST

Suite *place_suite (void);

Suite *
place_suite (void)
{
  Suite *suite = suite_create ("place");
  TCase *tests = tcase_create ("place");

  tcase_add_loop_test (tests, uris_of_the_server, 0, sizeof (uris) / sizeof (uris[0]));
  tcase_add_loop_test (tests, entries_of_listings, 0, sizeof (listings) / sizeof (listings[0]));
  tcase_add_test (tests, entry_tells_size_and_digest);
  tcase_add_test (tests, paths_of_files);
  suite_add_tcase (suite, tests);
  return suite;
}
