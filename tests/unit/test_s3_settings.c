/* Tests of where settings and environment say that an S3-compatible service is, and who we are there. */
#include "blob/s3_settings.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct config config;
static struct s3_settings settings;

static void
start (void)
{
  static const char *const names[] = { "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",   "MLFLOW_S3_ENDPOINT_URL",
                                       "AWS_REGION",          "AWS_DEFAULT_REGION", "AWS_SECRET_ACCESS_KEY",
                                       "AWS_ACCESS_KEY_ID",   "AWS_SESSION_TOKEN",  "NOT_ANY_VARIABLE" };
  struct err err = { 0 };

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    unsetenv (names[i]);
  ck_assert_int_eq (config_load (&config, 0, NULL, &err), ERR_OK);
}

static void
stop (void)
{
  config_free (&config);
}

static void
set (char **field, const char *value)
{
  free (*field);
  *field = strdup (value);
}

START_TEST (addresses)
{
  static const struct
  {
    const char *endpoint;
    const char *style;
    const char *region;
    const char *location;
    const char *origin; /* NULL: refused */
    const char *host;
    const char *root;
    const char *prefix;
  } cases[] = {
    { "", "", "", "bucket", "https://bucket.s3.us-east-1.amazonaws.com", "bucket.s3.us-east-1.amazonaws.com", "", "" },
    { "", "", "eu-west-1", "bucket/a/b/", "https://bucket.s3.eu-west-1.amazonaws.com",
      "bucket.s3.eu-west-1.amazonaws.com", "", "a/b/" },
    { "", "", "cn-north-1", "bucket", "https://bucket.s3.cn-north-1.amazonaws.com.cn",
      "bucket.s3.cn-north-1.amazonaws.com.cn", "", "" },
    { "", "path", "", "bucket", "https://s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com", "/bucket", "" },
    { "", "", "", "bucket.with.dots", "https://s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com",
      "/bucket.with.dots", "" },
    { "http://127.0.0.1:9000", "", "", "bucket/p", "http://127.0.0.1:9000", "127.0.0.1:9000", "/bucket", "p/" },
    { "HTTPS://storage.example.com:443/", "virtual", "", "bucket", "https://bucket.storage.example.com",
      "bucket.storage.example.com", "", "" },
    { "http://storage.example.com:80/s3/v1/", "", "", "bucket", "http://storage.example.com", "storage.example.com",
      "/s3/v1/bucket", "" },
    { "http://[::1]:9000", "", "", "bucket", "http://[::1]:9000", "[::1]:9000", "/bucket", "" },
    { "ftp://storage.example.com", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "storage.example.com:9000", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "http://", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "http:///x", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "http://:9000", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "http://user@host", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "http://host/?a", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "http://ho st", "", "", "bucket", NULL, NULL, NULL, NULL },
    { "", "host", "", "bucket", NULL, NULL, NULL, NULL },
    { "", "", "a/b", "bucket", NULL, NULL, NULL, NULL },
    { "", "", "", "b", NULL, NULL, NULL, NULL },
    { "", "", "", "/bucket", NULL, NULL, NULL, NULL },
    { "", "", "", "buc ket", NULL, NULL, NULL, NULL },
    { "", "", "", "..bucket", NULL, NULL, NULL, NULL },
    { "", "", "", "bucket//a", NULL, NULL, NULL, NULL },
    { "", "", "", "bucket/a/../b", NULL, NULL, NULL, NULL },
    { "", "", "", "bucket/.", NULL, NULL, NULL, NULL },
    { "", "", "", "bucket/a\nb", NULL, NULL, NULL, NULL },
    { "", "", "", "bucket/\xFF", NULL, NULL, NULL, NULL },
  };

  set (&config.s3_access_key_id, "id");
  set (&config.s3_secret_access_key, "secret");
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct err err = { 0 };
    enum err_code code;

    set (&config.s3_endpoint_url, cases[i].endpoint);
    set (&config.s3_address_style, cases[i].style);
    set (&config.s3_region, cases[i].region);
    code = s3_settings_load (&settings, &config, cases[i].location, &err);
    if (NULL == cases[i].origin)
      ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == code, "%zu", i);
    else
    {
      ck_assert_msg (ERR_OK == code, "%zu: %s", i, err.message);
      ck_assert_str_eq (settings.origin, cases[i].origin);
      ck_assert_str_eq (settings.host, cases[i].host);
      ck_assert_str_eq (settings.root, cases[i].root);
      ck_assert_str_eq (settings.prefix, cases[i].prefix);
    }
    s3_settings_free (&settings);
  }
}
END_TEST

START_TEST (limits_the_prefix)
{
  char location[S3_KEY_BYTES + 10] = "bucket/";
  size_t most = S3_KEY_BYTES - 1 - S3_NAME_MAX_BYTES - 1;
  struct err err = { 0 };

  set (&config.s3_access_key_id, "id");
  set (&config.s3_secret_access_key, "secret");
  memset (location + strlen ("bucket/"), 'x', most);
  ck_assert_int_eq (s3_settings_load (&settings, &config, location, &err), ERR_OK);
  s3_settings_free (&settings);
  location[strlen ("bucket/") + most] = 'x';
  ck_assert_int_eq (s3_settings_load (&settings, &config, location, &err), ERR_INVALID_PARAMETER_VALUE);
  s3_settings_free (&settings);
}
END_TEST

START_TEST (reads_the_environment)
{
  struct err err = { 0 };

  ck_assert_int_eq (s3_settings_load (&settings, &config, "bucket", &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "s3-access-key-id"));
  s3_settings_free (&settings);
  err_clear (&err);
  setenv ("AWS_ACCESS_KEY_ID", "from-environment", 1);
  ck_assert_int_eq (s3_settings_load (&settings, &config, "bucket", &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "s3-secret-access-key"));
  s3_settings_free (&settings);
  err_clear (&err);
  setenv ("AWS_SECRET_ACCESS_KEY", "secret-from-environment", 1);
  setenv ("AWS_SESSION_TOKEN", "token", 1);
  setenv ("AWS_DEFAULT_REGION", "second", 1);
  setenv ("MLFLOW_S3_ENDPOINT_URL", "http://third", 1);
  ck_assert_int_eq (s3_settings_load (&settings, &config, "bucket", &err), ERR_OK);
  ck_assert_str_eq (settings.access_key_id, "from-environment");
  ck_assert_str_eq (settings.secret_access_key, "secret-from-environment");
  ck_assert_str_eq (settings.session_token, "token");
  ck_assert_str_eq (settings.region, "second");
  ck_assert_str_eq (settings.origin, "http://third");
  s3_settings_free (&settings);

  /* The nearer one counts. */
  setenv ("AWS_REGION", "first", 1);
  setenv ("AWS_ENDPOINT_URL", "http://second", 1);
  setenv ("AWS_ENDPOINT_URL_S3", "http://first", 1);
  set (&config.s3_secret_access_key, "secret-of-setting");
  ck_assert_int_eq (s3_settings_load (&settings, &config, "bucket", &err), ERR_OK);
  ck_assert_str_eq (settings.region, "first");
  ck_assert_str_eq (settings.origin, "http://first");
  ck_assert_str_eq (settings.secret_access_key, "secret-of-setting");
  /* A token belongs to the secret that it came with. */
  ck_assert_str_eq (settings.session_token, "");
  s3_settings_free (&settings);
  set (&config.s3_secret_access_key, "with\nnewline");
  ck_assert_int_eq (s3_settings_load (&settings, &config, "bucket", &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_null (strstr (err.message, "newline"));
  s3_settings_free (&settings);
}
END_TEST

Suite *s3_settings_suite (void);

Suite *
s3_settings_suite (void)
{
  Suite *suite = suite_create ("s3_settings");
  TCase *all = tcase_create ("all");

  tcase_add_checked_fixture (all, start, stop);
  tcase_add_test (all, addresses);
  tcase_add_test (all, limits_the_prefix);
  tcase_add_test (all, reads_the_environment);
  suite_add_tcase (suite, all);
  return suite;
}
