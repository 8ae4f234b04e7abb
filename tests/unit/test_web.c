/* Tests of the dashboard's files: a folder becomes paths, types and entity tags; the best coding is chosen. */
#include "http/web.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/tally-test-web.XXXXXX";
static struct config config;
static struct web *web;

static void
put (const char *path, const char *content, size_t len)
{
  char full[256];
  FILE *file;

  snprintf (full, sizeof (full), "%s%s", root, path);
  file = fopen (full, "w");
  ck_assert_ptr_nonnull (file);
  ck_assert_uint_eq (fwrite (content, 1, len, file), len);
  ck_assert_int_eq (fclose (file), 0);
}

static void
put_text (const char *path, const char *text)
{
  put (path, text, strlen (text));
}

static void
make_folder (const char *path)
{
  char full[256];

  snprintf (full, sizeof (full), "%s%s", root, path);
  ck_assert_int_eq (mkdir (full, 0700), 0);
}

static void
set_up (void)
{
  memcpy (root + sizeof (root) - 7, "XXXXXX", 6);
  ck_assert_ptr_nonnull (mkdtemp (root));
  config.web_root = root;
  web = NULL;
}

static void
tear_down (void)
{
  char command[300];

  web_close (web);
  snprintf (command, sizeof (command), "rm -rf '%s'", root);
  ck_assert_int_eq (system (command), 0);
}

static void
open_web (void)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == web_open (&web, &config, &err), "%s", err.message);
}

START_TEST (serves_what_is_in_the_folder)
{
  static const struct
  {
    const char *path;
    const char *type;
    bool immutable;
  } files[] = {
    { "/index.html", "text/html; charset=utf-8", false },
    { "/assets/app-1a2b.js", "text/javascript; charset=utf-8", true },
    { "/assets/app-1a2b.css", "text/css; charset=utf-8", true },
    { "/assets/app-1a2b.js.map", "application/json", true },
    { "/icon.svg", "image/svg+xml", false },
    { "/icon.png", "image/png", false },
    { "/favicon.ico", "image/x-icon", false },
    { "/site.webmanifest", "application/manifest+json", false },
    { "/robots.txt", "text/plain; charset=utf-8", false },
    { "/font.woff2", "font/woff2", false },
    { "/data.json", "application/json", false },
    { "/LICENSE", "application/octet-stream", false },
    { "/archive.tar", "application/octet-stream", false },
    { "/js", "application/octet-stream", false },
  };

  make_folder ("/assets");
  for (size_t i = 0; i < sizeof (files) / sizeof (files[0]); i++)
    put_text (files[i].path, files[i].path);
  open_web ();
  ck_assert (web_exists (web));
  for (size_t i = 0; i < sizeof (files) / sizeof (files[0]); i++)
  {
    const struct web_file *file = web_find (web, slice_of (files[i].path));

    ck_assert_msg (NULL != file, "%s", files[i].path);
    ck_assert_str_eq (file->path, files[i].path);
    ck_assert_str_eq (file->type, files[i].type);
    ck_assert_msg (file->immutable == files[i].immutable, "%s", files[i].path);
    ck_assert_uint_eq (file->plain.size, strlen (files[i].path));
    ck_assert_mem_eq (file->plain.data, files[i].path, file->plain.size);
    ck_assert_ptr_null (file->gzip.data);
    ck_assert_ptr_null (file->brotli.data);
  }
  ck_assert_ptr_eq (web_find (web, SLICE ("/")), web_find (web, SLICE ("/index.html")));
}
END_TEST

START_TEST (finds_nothing_else)
{
  static const char *const paths[] = { "",
                                       "/assets",
                                       "/assets/",
                                       "/index.htm",
                                       "index.html",
                                       "/INDEX.html",
                                       "//index.html",
                                       "/index.html/",
                                       "/../secret",
                                       "/assets/../index.html",
                                       "/secret",
                                       "/linked",
                                       "/index.html.gz",
                                       "/index.html?x" };
  char link[256];
  char target[256];

  make_folder ("/web");
  make_folder ("/web/assets");
  put_text ("/web/index.html", "x");
  put_text ("/web/index.html.gz", "compressed");
  put_text ("/secret", "secret");
  snprintf (link, sizeof (link), "%s/web/linked", root);
  snprintf (target, sizeof (target), "%s/secret", root);
  /* A link out of the folder must not be followed. */
  ck_assert_int_eq (symlink (target, link), 0);
  snprintf (target, sizeof (target), "%s/web", root);
  config.web_root = target;
  open_web ();
  for (size_t i = 0; i < sizeof (paths) / sizeof (paths[0]); i++)
    ck_assert_msg (NULL == web_find (web, slice_of (paths[i])), "%s", paths[i]);
  ck_assert_ptr_nonnull (web_find (web, SLICE ("/index.html")));
}
END_TEST

START_TEST (tags_what_a_file_holds)
{
  const struct web_file *a;
  const struct web_file *b;
  const struct web_file *same;

  put_text ("/a.txt", "hello");
  put_text ("/b.txt", "hellp");
  put_text ("/same.txt", "hello");
  put_text ("/empty.txt", "");
  put_text ("/a.txt.gz", "gzipped");
  open_web ();
  a = web_find (web, SLICE ("/a.txt"));
  b = web_find (web, SLICE ("/b.txt"));
  same = web_find (web, SLICE ("/same.txt"));
  ck_assert (NULL != a && NULL != b && NULL != same);
  /* SHA-256 of "hello", its first 16 bytes. */
  ck_assert_str_eq (a->plain.etag, "\"2cf24dba5fb0a30e26e83b2ac5b9e29e\"");
  ck_assert_str_eq (same->plain.etag, a->plain.etag);
  ck_assert_str_ne (b->plain.etag, a->plain.etag);
  /* Each form is another representation. */
  ck_assert_str_ne (a->gzip.etag, a->plain.etag);
  ck_assert_str_eq (web_find (web, SLICE ("/empty.txt"))->plain.etag, "\"e3b0c44298fc1c149afbf4c8996fb924\"");
  ck_assert_uint_eq (web_find (web, SLICE ("/empty.txt"))->plain.size, 0);
  /* No index.html: files there are, but no dashboard. */
  ck_assert (! web_exists (web));
}
END_TEST

START_TEST (maps_large_files_whole)
{
  size_t size = (size_t)3 * 1024 * 1024 + 17;
  char *content = malloc (size);
  const struct web_file *file;

  ck_assert_ptr_nonnull (content);
  for (size_t i = 0; i < size; i++)
    content[i] = (char)(i * 2654435761u >> 13);
  put ("/large.bin", content, size);
  open_web ();
  file = web_find (web, SLICE ("/large.bin"));
  ck_assert_ptr_nonnull (file);
  ck_assert_uint_eq (file->plain.size, size);
  ck_assert_mem_eq (file->plain.data, content, size);
  free (content);
}
END_TEST

START_TEST (chooses_the_best_coding)
{
  static const struct
  {
    const char *accept;
    const char *encoding; /* with both forms there */
    const char *gzip_only; /* with only the gzip form there */
  } cases[] = {
    { NULL, NULL, NULL },
    { "", NULL, NULL },
    { "identity", NULL, NULL },
    { "gzip", "gzip", "gzip" },
    { "br", "br", NULL },
    { "gzip, deflate, br", "br", "gzip" },
    { "gzip, deflate, br, zstd", "br", "gzip" },
    { "br,gzip", "br", "gzip" },
    { "GZIP", "gzip", "gzip" },
    { "BR", "br", NULL },
    { " \t gzip", "gzip", "gzip" },
    { ",,gzip,,", "gzip", "gzip" },
    { "gzip;q=1", "gzip", "gzip" },
    { "gzip;q=0.5", "gzip", "gzip" },
    { "gzip ; q=0.001", "gzip", "gzip" },
    { "gzip;q=0", NULL, NULL },
    { "gzip;q=0.000", NULL, NULL },
    { "gzip; q=0", NULL, NULL },
    { "gzip;Q=0", NULL, NULL },
    { "br;q=0, gzip", "gzip", "gzip" },
    { "br;q=0, gzip;q=0", NULL, NULL },
    { "br;q=0.1, gzip;q=0", "br", NULL },
    { "deflate;q=0, gzip", "gzip", "gzip" },
    { "gzip, br;q=0", "gzip", "gzip" },
    { "xgzip", NULL, NULL },
    { "gzipx", NULL, NULL },
    { "x-gzip", NULL, NULL },
    { "brotli", NULL, NULL },
    { "b", NULL, NULL },
    { "deflate, x;gzip", NULL, NULL },
  };
  const struct web_file *both;
  const struct web_file *gzip_only;
  const struct web_file *plain;

  put_text ("/both.js", "both");
  put_text ("/both.js.gz", "both gzip");
  put_text ("/both.js.br", "both br");
  put_text ("/gzip.js", "gzip");
  put_text ("/gzip.js.gz", "gzip gzip");
  put_text ("/plain.js", "plain");
  open_web ();
  both = web_find (web, SLICE ("/both.js"));
  gzip_only = web_find (web, SLICE ("/gzip.js"));
  plain = web_find (web, SLICE ("/plain.js"));
  ck_assert (NULL != both && NULL != gzip_only && NULL != plain);
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    const char *encoding = "unset";
    const struct web_body *body = web_choose (&encoding, both, cases[i].accept);
    const char *accept = NULL == cases[i].accept ? "(none)" : cases[i].accept;

    ck_assert_msg (slice_equal (slice_of (encoding), slice_of (cases[i].encoding)), "%s", accept);
    ck_assert_ptr_eq (body, NULL == encoding               ? &both->plain
                            : 0 == strcmp (encoding, "br") ? &both->brotli
                                                           : &both->gzip);
    body = web_choose (&encoding, gzip_only, cases[i].accept);
    ck_assert_msg (slice_equal (slice_of (encoding), slice_of (cases[i].gzip_only)), "%s", accept);
    ck_assert_ptr_eq (body, NULL == encoding ? &gzip_only->plain : &gzip_only->gzip);
    ck_assert_ptr_eq (web_choose (&encoding, plain, cases[i].accept), &plain->plain);
    ck_assert_ptr_null (encoding);
  }
}
END_TEST

START_TEST (says_when_the_folder_is_not_there)
{
  struct err err = { 0 };
  char missing[128];

  snprintf (missing, sizeof (missing), "%s/missing", root);
  config.web_root = missing;
  ck_assert_int_eq (web_open (&web, &config, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "web-root"));
  ck_assert_ptr_nonnull (strstr (err.message, missing));
  ck_assert_ptr_nonnull (strstr (err.message, "No such file or directory"));
}
END_TEST

Suite *web_suite (void);

Suite *
web_suite (void)
{
  Suite *suite = suite_create ("web");
  TCase *files = tcase_create ("files");

  tcase_add_checked_fixture (files, set_up, tear_down);
  tcase_add_test (files, serves_what_is_in_the_folder);
  tcase_add_test (files, finds_nothing_else);
  tcase_add_test (files, tags_what_a_file_holds);
  tcase_add_test (files, maps_large_files_whole);
  tcase_add_test (files, chooses_the_best_coding);
  tcase_add_test (files, says_when_the_folder_is_not_there);
  suite_add_tcase (suite, files);
  return suite;
}
