/* Tests of what artifacts keep beside their names: signing keys that all daemons share, uploads in parts, and where
   runs and models have their files. */
#include "database.h"

#include "artifact/sign.h"
#include "store/artifact_root.h"
#include "store/signing_key.h"
#include "store/upload.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>

/* Threads that want the first key at the same moment. */
#define THREADS 8

/* Room for a public key. */
#define PEM_BYTES ((size_t)4096)

static struct artifact_keys *keys;

static void
set_up (void)
{
  database_open_migrated ();
  keys = artifact_keys_new ();
  ck_assert_ptr_nonnull (keys);
}

static void
tear_down (void)
{
  artifact_keys_free (keys);
  database_close ();
}

/* --- signing keys ------------------------------------------------------------------------------------------------- */

START_TEST (makes_a_key_once)
{
  struct store_signing_key first;
  struct store_signing_key again;
  struct store_signing_key other;
  struct err err = { 0 };

  ck_assert_int_eq (store_signing_key (&first, database.connection, SLICE ("url"), 1, &err), ERR_OK);
  ck_assert_int_eq (store_signing_key (&again, database.connection, SLICE ("url"), 2, &err), ERR_OK);
  ck_assert_int_eq (store_signing_key (&other, database.connection, SLICE ("manifest"), 3, &err), ERR_OK);
  ck_assert_int_eq (first.key_id, again.key_id);
  ck_assert_mem_eq (first.secret, again.secret, sizeof (first.secret));
  ck_assert_int_ne (first.key_id, other.key_id);
  ck_assert_mem_ne (first.secret, other.secret, sizeof (first.secret));
}
END_TEST

static void *
want_key (void *context)
{
  struct store_connection *connection = database_connect ();
  struct err err = { 0 };

  ck_assert_int_eq (store_signing_key (context, connection, SLICE ("url"), 1, &err), ERR_OK);
  store_connection_free (connection);
  return NULL;
}

START_TEST (gives_all_the_same_key)
{
  struct store_signing_key found[THREADS];
  pthread_t threads[THREADS];

  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, want_key, &found[i]), 0);
  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  for (size_t i = 1; i < THREADS; i++)
    ck_assert_mem_eq (found[i].secret, found[0].secret, sizeof (found[0].secret));
  ck_assert_int_eq (database_number ("SELECT count(*) FROM signing_key"), 1);
}
END_TEST

/* Against a HMAC that another program made: key 00 01 … 1f. */
START_TEST (signs_as_others_do)
{
  char signature[ARTIFACT_SIGNATURE_BYTES];
  struct err err = { 0 };

  database_run ("INSERT INTO signing_key (purpose, secret, created_at_ms) VALUES ('url',"
                " '\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 1)");
  for (int again = 0; again < 2; again++)
  {
    ck_assert_int_eq (artifact_sign_url (signature, keys, database.connection, SLICE ("PUT\n/x\n1"), &err), ERR_OK);
    ck_assert_str_eq (signature, "Mnt-AykMFN0GRNlY0oh_HHzMyUiCgz647kFqyOOExbQ");
    /* It is kept, and never read again. */
    database_run ("DELETE FROM signing_key");
  }
  ck_assert (artifact_signature_equal (signature, slice_of (signature)));
  ck_assert (! artifact_signature_equal (signature, SLICE ("Mnt-AykMFN0GRNlY0oh_HHzMyUiCgz647kFqyOOExbR")));
  ck_assert (! artifact_signature_equal (signature, SLICE ("Mnt-AykMFN0GRNlY0oh_HHzMyUiCgz647kFqyOOExb")));
  ck_assert (! artifact_signature_equal (signature, SLICE ("")));
  ck_assert (! artifact_signature_equal (signature, (struct slice){ NULL, 0 }));
}
END_TEST

START_TEST (refuses_a_key_of_another_length)
{
  char signature[ARTIFACT_SIGNATURE_BYTES];
  struct err err = { 0 };

  database_run ("INSERT INTO signing_key (purpose, secret, created_at_ms) VALUES ('url', '\\x00', 1)");
  ck_assert_int_eq (artifact_sign_url (signature, keys, database.connection, SLICE ("x"), &err), ERR_INTERNAL_ERROR);
}
END_TEST

/* What a program with nothing but the public key says. */
static bool
verify_elsewhere (struct slice pem, struct slice document, const unsigned char signature[64])
{
  BIO *memory = BIO_new_mem_buf (pem.data, (int)pem.len);
  EVP_PKEY *public = PEM_read_bio_PUBKEY (memory, NULL, NULL, NULL);
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  bool valid;

  ck_assert_ptr_nonnull (public);
  ck_assert_int_eq (EVP_DigestVerifyInit (context, NULL, NULL, NULL, public), 1);
  valid = 1 == EVP_DigestVerify (context, signature, 64, (const unsigned char *)document.data, document.len);
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (public);
  BIO_free (memory);
  return valid;
}

START_TEST (signs_documents)
{
  static const struct slice document = { "{\"files\": []}", 13 };
  static const struct slice another = { "{\"files\": {}}", 13 };
  unsigned char signature[64];
  struct buffer pem;
  int64_t key_id = 0;
  int64_t public_id = 0;
  bool valid;
  struct err err = { 0 };

  buffer_init (&pem, PEM_BYTES);
  ck_assert_int_eq (artifact_sign_document (signature, &key_id, keys, database.connection, document, &err), ERR_OK);
  ck_assert_int_eq (artifact_public_key (&pem, &public_id, keys, database.connection, &err), ERR_OK);
  ck_assert_int_eq (key_id, public_id);
  ck_assert_int_eq (database_number ("SELECT key_id FROM signing_key WHERE purpose = 'manifest'"), key_id);
  ck_assert (verify_elsewhere (buffer_slice (&pem), document, signature));
  ck_assert (! verify_elsewhere (buffer_slice (&pem), another, signature));
  ck_assert_int_eq (artifact_verify_document (&valid, keys, database.connection, document, signature, &err), ERR_OK);
  ck_assert (valid);
  ck_assert_int_eq (artifact_verify_document (&valid, keys, database.connection, another, signature, &err), ERR_OK);
  ck_assert (! valid);
  signature[63] ^= 1;
  ck_assert_int_eq (artifact_verify_document (&valid, keys, database.connection, document, signature, &err), ERR_OK);
  ck_assert (! valid);
  buffer_free (&pem);
}
END_TEST

/* --- uploads ------------------------------------------------------------------------------------------------------ */

static struct uuid
add_upload (const char *path, int64_t expires_at_ms)
{
  struct store_upload upload = { .path = slice_of (path),
                                 .store_upload = SLICE ("as the store says"),
                                 .part_count = 10000,
                                 .created_at_ms = 5,
                                 .expires_at_ms = expires_at_ms };
  struct err err = { 0 };

  ck_assert (uuid_random (&upload.upload_id));
  ck_assert_int_eq (store_upload_add (database.connection, &upload, &err), ERR_OK);
  return upload.upload_id;
}

START_TEST (keeps_uploads)
{
  struct uuid id = add_upload ("a/b", 100);
  struct store_upload upload;
  struct digest digest;
  struct err err = { 0 };
  bool removed;

  ck_assert_int_eq (store_upload_get (&upload, database.connection, &id, database.arena, &err), ERR_OK);
  ck_assert (slice_is (upload.path, "a/b") && slice_is (upload.store_upload, "as the store says"));
  ck_assert_mem_eq (&upload.upload_id, &id, sizeof (id));
  ck_assert_int_eq (upload.part_count, 10000);
  ck_assert_int_eq (upload.created_at_ms, 5);
  ck_assert_int_eq (upload.expires_at_ms, 100);
  ck_assert (! upload.completed);
  ck_assert (digest_of (&digest, SLICE ("content")));
  ck_assert_int_eq (store_upload_complete (database.connection, &id, &digest, &err), ERR_OK);
  ck_assert_int_eq (store_upload_get (&upload, database.connection, &id, database.arena, &err), ERR_OK);
  ck_assert (upload.completed && digest_equal (&upload.digest, &digest));
  ck_assert_int_eq (store_upload_remove (&removed, database.connection, &id, &err), ERR_OK);
  ck_assert (removed);
  ck_assert_int_eq (store_upload_remove (&removed, database.connection, &id, &err), ERR_OK);
  ck_assert (! removed);
  ck_assert_int_eq (store_upload_get (&upload, database.connection, &id, database.arena, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
}
END_TEST

static enum err_code
append_path (void *context, const struct store_upload *upload, struct err *err)
{
  char *text = context;

  (void)err;
  strncat (text, upload->path.data, upload->path.len);
  return ERR_OK;
}

START_TEST (finds_expired_uploads)
{
  char text[64] = "";
  struct err err = { 0 };

  (void)add_upload ("c", 30);
  (void)add_upload ("a", 10);
  (void)add_upload ("b", 20);
  (void)add_upload ("d", 40);
  ck_assert_int_eq (store_upload_expired (database.connection, 30, 10, append_path, text, &err), ERR_OK);
  ck_assert_str_eq (text, "abc");
  text[0] = '\0';
  ck_assert_int_eq (store_upload_expired (database.connection, 30, 2, append_path, text, &err), ERR_OK);
  ck_assert_str_eq (text, "ab");
}
END_TEST

/* --- roots -------------------------------------------------------------------------------------------------------- */

START_TEST (finds_roots)
{
  int64_t experiment = database_experiment ("with files");
  struct uuid run = database_make_run (experiment);
  struct uuid unknown = { { 1 } };
  char text[UUID_TEXT_BYTES];
  struct slice uri;
  struct err err = { 0 };

  uuid_format (text, &run);
  database_run ("UPDATE run SET deleted_at_ms = 1 WHERE run_id = '%s'", text);
  ck_assert_int_eq (store_artifact_root_of_run (&uri, database.connection, &run, database.arena, &err), ERR_OK);
  ck_assert_msg (uri.len > 40 && 0 == memcmp (uri.data, "root:/", 6) && NULL != strstr (uri.data, text), "%s",
                 uri.data);
  ck_assert_int_eq (store_artifact_root_of_run (&uri, database.connection, &unknown, database.arena, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  database_run ("INSERT INTO logged_model (model_id, experiment_id, name, status, artifact_uri, created_at_ms,"
                " updated_at_ms) VALUES ('m-1', %lld, 'm', 1, 'mlflow-artifacts:/m', 1, 1),"
                " ('m-2', %lld, 'm', 1, 'mlflow-artifacts:/n', 1, 1)",
                (long long)experiment, (long long)experiment);
  database_run ("UPDATE logged_model SET deleted_at_ms = 1 WHERE model_id = 'm-2'");
  ck_assert_int_eq (store_artifact_root_of_model (&uri, database.connection, SLICE ("m-1"), database.arena, &err),
                    ERR_OK);
  ck_assert (slice_is (uri, "mlflow-artifacts:/m"));
  ck_assert_int_eq (store_artifact_root_of_model (&uri, database.connection, SLICE ("m-2"), database.arena, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
}
END_TEST

Suite *artifact_keys_suite (void);

Suite *
artifact_keys_suite (void)
{
  Suite *suite = suite_create ("artifact_keys");
  TCase *rows = tcase_create ("rows");

  tcase_add_checked_fixture (rows, set_up, tear_down);
  tcase_set_timeout (rows, 60);
  tcase_add_test (rows, makes_a_key_once);
  tcase_add_test (rows, gives_all_the_same_key);
  tcase_add_test (rows, signs_as_others_do);
  tcase_add_test (rows, refuses_a_key_of_another_length);
  tcase_add_test (rows, signs_documents);
  tcase_add_test (rows, keeps_uploads);
  tcase_add_test (rows, finds_expired_uploads);
  tcase_add_test (rows, finds_roots);
  suite_add_tcase (suite, rows);
  return suite;
}
