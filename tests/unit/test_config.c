/* Tests of settings: which source wins, what each accepts, and that every mistake is named with its place. */
#include "base/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/tally-test-config.XXXXXX";
static struct config config;

static void
clear_environment (void)
{
  static const char *const keep = "TALLY_TEST_";
  extern char **environ;
  size_t i = 0;

  while (NULL != environ[i])
  {
    char name[128];

    snprintf (name, sizeof (name), "%.*s", (int)strcspn (environ[i], "="), environ[i]);
    if (0 == strncmp (name, "TALLY_", 6) && 0 != strncmp (name, keep, strlen (keep)))
      unsetenv (name);
    else
      i++;
  }
}

static void
set_up (void)
{
  int fd;

  clear_environment ();
  memcpy (path + sizeof (path) - 7, "XXXXXX", 6);
  fd = mkstemp (path);
  ck_assert_int_ge (fd, 0);
  close (fd);
}

static void
tear_down (void)
{
  config_free (&config);
  unlink (path);
}

static void
write_file (const char *text)
{
  FILE *file = fopen (path, "w");

  ck_assert_ptr_nonnull (file);
  ck_assert_int_ge (fputs (text, file), 0);
  ck_assert_int_eq (fclose (file), 0);
}

/* Load with the given arguments, NULL-terminated. */
static enum err_code
load (struct err *err, const char *const *arguments)
{
  char *argv[16];
  int argc = 0;

  for (; NULL != arguments && NULL != arguments[argc]; argc++)
    argv[argc] = (char *)(uintptr_t)arguments[argc];
  *err = (struct err){ 0 };
  config_free (&config);
  return config_load (&config, argc, argv, err);
}

START_TEST (starts_with_the_defaults)
{
  struct err err;

  ck_assert_int_eq (load (&err, NULL), ERR_OK);
#define CONFIG_TEXT(field, key, initial, secret, doc) ck_assert_str_eq (config.field, initial);
#define CONFIG_FLAG(field, key, initial, doc) ck_assert_int_eq (config.field, initial);
#define CONFIG_NUMBER(field, key, initial, min, max, unit, doc)                                                        \
  ck_assert_int_eq (config.field, initial);                                                                            \
  ck_assert_int_ge (config.field, min);                                                                                \
  ck_assert_int_le (config.field, max);
#include "table/config.def"
#undef CONFIG_TEXT
#undef CONFIG_FLAG
#undef CONFIG_NUMBER
}
END_TEST

START_TEST (lets_flags_win_over_environment_over_file)
{
  /* Bits of the sources that name the setting: 1 file, 2 environment, 4 flag. */
  for (unsigned sources = 0; sources < 8; sources++)
  {
    const char *arguments[10] = { "--config", path };
    size_t count = 2;
    unsigned winner = 0 != (sources & 4) ? 4 : 0 != (sources & 2) ? 2 : sources & 1;
    struct err err;

    clear_environment ();
    write_file (0 != (sources & 1) ? "listen = file:1\nworkers = 11\nmigrate = true\n" : "# nothing\n");
    if (0 != (sources & 2))
    {
      setenv ("TALLY_LISTEN", "environment:2", 1);
      setenv ("TALLY_WORKERS", "22", 1);
      setenv ("TALLY_MIGRATE", "no", 1);
    }
    if (0 != (sources & 4))
    {
      arguments[count++] = "--listen";
      arguments[count++] = "flag:4";
      arguments[count++] = "--workers=44";
      arguments[count++] = "--migrate";
    }
    ck_assert_msg (ERR_OK == load (&err, arguments), "%s", err.message);
    ck_assert_str_eq (config.listen, 4 == winner   ? "flag:4"
                                     : 2 == winner ? "environment:2"
                                     : 1 == winner ? "file:1"
                                                   : "127.0.0.1:5000");
    ck_assert_int_eq (config.workers, 4 == winner ? 44 : 2 == winner ? 22 : 1 == winner ? 11 : 12);
    ck_assert_int_eq (config.migrate, 4 == winner || 1 == winner);
  }
}
END_TEST

START_TEST (takes_the_file_from_flag_or_environment)
{
  static const char *const forms[][3] = { { "--config", path }, { "--workers=12" } };
  char joined[64];
  const char *one_word[] = { joined, NULL };
  struct err err;

  write_file ("workers = 33\n");
  snprintf (joined, sizeof (joined), "--config=%s", path);
  ck_assert_int_eq (load (&err, forms[0]), ERR_OK);
  ck_assert_int_eq (config.workers, 33);
  ck_assert_int_eq (load (&err, one_word), ERR_OK);
  ck_assert_int_eq (config.workers, 33);
  setenv ("TALLY_CONFIG", path, 1);
  ck_assert_int_eq (load (&err, NULL), ERR_OK);
  ck_assert_int_eq (config.workers, 33);
  ck_assert_int_eq (load (&err, forms[1]), ERR_OK);
  ck_assert_int_eq (config.workers, 12);
  /* The flag wins over the variable, which may then name what it likes. */
  setenv ("TALLY_CONFIG", "/nonexistent", 1);
  ck_assert_int_eq (load (&err, forms[0]), ERR_OK);
  setenv ("TALLY_CONFIG", "", 1);
  ck_assert_int_eq (load (&err, NULL), ERR_OK);
}
END_TEST

START_TEST (reads_files)
{
  struct err err;
  const char *arguments[] = { "--config", path, NULL };

  write_file ("\n# comment = 5\n  \t\n  workers=7  \n\tlisten\t=\t[::1]:80 \n"
              "database-url = postgresql:///x?host=/run&user=a=b\n"
              "allowed-hosts = a, b # no comment\nstatic-prefix =\nlog-level = debug");
  ck_assert_msg (ERR_OK == load (&err, arguments), "%s", err.message);
  ck_assert_int_eq (config.workers, 7);
  ck_assert_str_eq (config.listen, "[::1]:80");
  ck_assert_str_eq (config.database_url, "postgresql:///x?host=/run&user=a=b");
  ck_assert_str_eq (config.allowed_hosts, "a, b # no comment");
  ck_assert_str_eq (config.static_prefix, "");
  ck_assert_str_eq (config.log_level, "debug");
  write_file ("workers = 7\r\nlisten = x:1\r\n");
  ck_assert_msg (ERR_OK == load (&err, arguments), "%s", err.message);
  ck_assert_str_eq (config.listen, "x:1");
}
END_TEST

START_TEST (reads_flags)
{
  static const struct
  {
    const char *arguments[4];
    bool migrate;
  } cases[] = {
    { { "--migrate" }, true },
    { { "--migrate=true" }, true },
    { { "--migrate=1" }, true },
    { { "--migrate=YES" }, true },
    { { "--migrate=on" }, true },
    { { "--migrate=false" }, false },
    { { "--migrate=off" }, false },
    { { "--migrate=No" }, false },
    { { "--migrate=0" }, false },
    { { "--no-migrate" }, false },
    { { "--migrate", "--no-migrate" }, false },
    { { "--no-migrate", "--migrate" }, true },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct err err;

    ck_assert_msg (ERR_OK == load (&err, cases[i].arguments), "%s: %s", cases[i].arguments[0], err.message);
    ck_assert_msg (config.migrate == cases[i].migrate, "%s", cases[i].arguments[0]);
  }
}
END_TEST

START_TEST (counts_the_last_of_a_flag)
{
  static const char *const arguments[] = { "--workers", "5", "--listen=", "--workers=6", "--listen", "--x", NULL };
  struct err err;

  ck_assert_msg (ERR_OK == load (&err, arguments), "%s", err.message);
  ck_assert_int_eq (config.workers, 6);
  /* What follows a flag that needs a value is the value, whatever it looks like. */
  ck_assert_str_eq (config.listen, "--x");
}
END_TEST

START_TEST (names_the_place_of_each_mistake)
{
  static const struct
  {
    const char *file; /* NULL: none */
    const char *variable;
    const char *value;
    const char *arguments[3];
    const char *message; /* F stands for the file's path */
  } cases[] = {
    { NULL, NULL, NULL, { "serve" }, "unexpected argument 'serve'" },
    { NULL, NULL, NULL, { "-w" }, "unexpected argument '-w'" },
    { NULL, NULL, NULL, { "" }, "unexpected argument ''" },
    { NULL, NULL, NULL, { "--wrokers=5" }, "there is no flag '--wrokers'; tallyd config --help lists all" },
    { NULL, NULL, NULL, { "--" }, "there is no flag '--'; tallyd config --help lists all" },
    { NULL, NULL, NULL, { "--Workers=5" }, "there is no flag '--Workers'; tallyd config --help lists all" },
    { NULL, NULL, NULL, { "--no-workers" }, "there is no flag '--no-workers'; tallyd config --help lists all" },
    { NULL, NULL, NULL, { "--no-migrate=1" }, "there is no flag '--no-migrate'; tallyd config --help lists all" },
    { NULL, NULL, NULL, { "--workers" }, "--workers needs a value" },
    { NULL, NULL, NULL, { "--listen" }, "--listen needs a value" },
    { NULL, NULL, NULL, { "--workers=" }, "--workers: '' is not a whole number from 1 to 512 (threads)" },
    { NULL, NULL, NULL, { "--workers=0" }, "--workers: '0' is not a whole number from 1 to 512 (threads)" },
    { NULL, NULL, NULL, { "--workers=513" }, "--workers: '513' is not a whole number from 1 to 512 (threads)" },
    { NULL, NULL, NULL, { "--workers=-1" }, "--workers: '-1' is not a whole number from 1 to 512 (threads)" },
    { NULL, NULL, NULL, { "--workers", "5x" }, "--workers: '5x' is not a whole number from 1 to 512 (threads)" },
    { NULL, NULL, NULL, { "--workers=5.5" }, "--workers: '5.5' is not a whole number from 1 to 512 (threads)" },
    { NULL, NULL, NULL, { "--workers=0x5" }, "--workers: '0x5' is not a whole number from 1 to 512 (threads)" },
    { NULL,
      NULL,
      NULL,
      { "--workers=99999999999999999999" },
      "--workers: '99999999999999999999' is not a whole number from 1 to 512 (threads)" },
    { NULL, NULL, NULL, { "--migrate=maybe" }, "--migrate: 'maybe' is not true or false" },
    { NULL, NULL, NULL, { "--migrate=" }, "--migrate: '' is not true or false" },
    { NULL, NULL, NULL, { "--config" }, "--config needs a value" },
    { NULL, "TALLY_WORKERS", "many", { NULL }, "TALLY_WORKERS: 'many' is not a whole number from 1 to 512 (threads)" },
    { NULL, "TALLY_MIGRATE", "2", { NULL }, "TALLY_MIGRATE: '2' is not true or false" },
    { NULL,
      "TALLY_MAX_BODY_BYTES",
      "1023",
      { NULL },
      "TALLY_MAX_BODY_BYTES: '1023' is not a whole number from 1024 to 1073741824 (bytes)" },
    { "workers 5\n", NULL, NULL, { NULL }, "F line 1: expected 'key = value'" },
    { "\n# x\nwrokers = 5\n", NULL, NULL, { NULL }, "F line 3: there is no setting 'wrokers'" },
    { "workers = 5\nworkers = 1000",
      NULL,
      NULL,
      { NULL },
      "F line 2: '1000' is not a whole number from 1 to 512 (threads)" },
    { "insecure = sure\n", NULL, NULL, { NULL }, "F line 1: 'sure' is not true or false" },
    { "= 5\n", NULL, NULL, { NULL }, "F line 1: there is no setting ''" },
    { "--workers = 5\n", NULL, NULL, { NULL }, "F line 1: there is no setting '--workers'" },
    { "[tally]\n", NULL, NULL, { NULL }, "F line 1: expected 'key = value'" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    const char *message = cases[i].message;
    bool has_path = 'F' == message[0];
    struct err err;

    clear_environment ();
    if (NULL != cases[i].file)
    {
      write_file (cases[i].file);
      setenv ("TALLY_CONFIG", path, 1);
    }
    if (NULL != cases[i].variable)
      setenv (cases[i].variable, cases[i].value, 1);
    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == load (&err, cases[i].arguments), "%s", message);
    if (has_path)
      ck_assert_msg (0 == strncmp (err.message, path, strlen (path)), "%s", err.message);
    ck_assert_str_eq (err.message + (has_path ? strlen (path) : 0), message + has_path);
  }
}
END_TEST

START_TEST (refuses_files_that_cannot_be_read)
{
  static const struct
  {
    const char *file;
    const char *message;
  } cases[] = {
    { "/nonexistent/tallyd.conf", "configuration file /nonexistent/tallyd.conf: No such file or directory" },
    { "/", "configuration file /: Is a directory" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    const char *arguments[] = { "--config", cases[i].file, NULL };
    struct err err;

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == load (&err, arguments), "%s", cases[i].file);
    ck_assert_str_eq (err.message, cases[i].message);
  }
}
END_TEST

START_TEST (refuses_endless_lines)
{
  static char text[20000];
  const char *arguments[] = { "--config", path, NULL };
  struct err err;

  memset (text, 'x', sizeof (text) - 1);
  memcpy (text, "\nlisten = ", 10);
  write_file (text);
  ck_assert_int_eq (load (&err, arguments), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, " line 2: longer than 8190 bytes"));
  /* The longest that passes, with and without a line break. */
  text[1 + 8190] = '\n';
  text[1 + 8191] = '\0';
  write_file (text);
  ck_assert_msg (ERR_OK == load (&err, arguments), "%s", err.message);
  ck_assert_uint_eq (strlen (config.listen), 8190 - 9);
}
END_TEST

START_TEST (shows_values_without_secrets)
{
  static const char *const arguments[] = { "--database-url=postgresql://u:hush@h/d", "--s3-secret-access-key=hush",
                                           "--workers=3", "--migrate", NULL };
  struct buffer out;
  struct err err;

  buffer_init (&out, 100000);
  ck_assert_int_eq (load (&err, arguments), ERR_OK);
  config_write_values (&out, &config);
  ck_assert_ptr_nonnull (strstr (out.data, "database-url = (set)\n"));
  ck_assert_ptr_nonnull (strstr (out.data, "s3-secret-access-key = (set)\n"));
  ck_assert_ptr_null (strstr (out.data, "hush"));
  ck_assert_ptr_nonnull (strstr (out.data, "workers = 3\n"));
  ck_assert_ptr_nonnull (strstr (out.data, "migrate = true\n"));
  buffer_clear (&out);
  ck_assert_int_eq (load (&err, NULL), ERR_OK);
  config_write_values (&out, &config);
  ck_assert_ptr_nonnull (strstr (out.data, "database-url = \n"));
  buffer_free (&out);
}
END_TEST

START_TEST (writes_a_sample_that_it_reads)
{
  struct buffer sample;
  struct buffer before;
  struct buffer after;
  const char *arguments[] = { "--config", path, NULL };
  struct err err;

  buffer_init (&sample, 100000);
  buffer_init (&before, 100000);
  buffer_init (&after, 100000);
  config_write_sample (&sample);
  ck_assert_int_eq (load (&err, NULL), ERR_OK);
  config_write_values (&before, &config);
  /* With every setting uncommented. */
  for (char *at = sample.data; NULL != (at = strstr (at, "\n#")); at++)
    if (' ' != at[2] && '\n' != at[2])
      at[1] = ' ';
  write_file (sample.data);
  ck_assert_msg (ERR_OK == load (&err, arguments), "%s", err.message);
  config_write_values (&after, &config);
  ck_assert_str_eq (before.data, after.data);
  buffer_free (&sample);
  buffer_free (&before);
  buffer_free (&after);
}
END_TEST

START_TEST (describes_every_setting)
{
  struct buffer help;
  struct buffer reference;

  buffer_init (&help, 100000);
  buffer_init (&reference, 100000);
  config_write_help (&help);
  config_write_reference (&reference);
#define CONFIG_TEXT(field, key, initial, secret, doc)                                                                  \
  ck_assert_ptr_nonnull (strstr (help.data, "\n  --" key " TEXT "));                                                   \
  ck_assert_ptr_nonnull (strstr (reference.data, "\n| `" key "` | "));
#define CONFIG_FLAG(field, key, initial, doc)                                                                          \
  ck_assert_ptr_nonnull (strstr (help.data, "\n  --" key ", --no-" key " "));                                          \
  ck_assert_ptr_nonnull (strstr (reference.data, "\n| `" key "` | "));
#define CONFIG_NUMBER(field, key, initial, min, max, unit, doc)                                                        \
  ck_assert_ptr_nonnull (strstr (help.data, "\n  --" key " " unit " "));                                               \
  ck_assert_ptr_nonnull (strstr (reference.data, "\n| `" key "` | "));
#include "table/config.def"
#undef CONFIG_TEXT
#undef CONFIG_FLAG
#undef CONFIG_NUMBER
  buffer_free (&help);
  buffer_free (&reference);
}
END_TEST

/* What was read stays, and what others see of it is gone. */
START_TEST (hides_secrets)
{
  char texts[][64] = { "--bootstrap-password=correct horse",
                       "--oidc-client-secret",
                       "another horse",
                       "--log-level=info",
                       "--listen",
                       "127.0.0.1:0",
                       "--auth",
                       "--s3-secret-access-key=" };
  char *arguments[sizeof (texts) / sizeof (texts[0])];
  struct err err = { 0 };

  for (size_t i = 0; i < sizeof (texts) / sizeof (texts[0]); i++)
    arguments[i] = texts[i];
  ck_assert_int_eq (config_load (&config, sizeof (texts) / sizeof (texts[0]), arguments, &err), ERR_OK);
  config_hide_secrets (sizeof (texts) / sizeof (texts[0]), arguments);
  ck_assert_str_eq (config.bootstrap_password, "correct horse");
  ck_assert_str_eq (config.oidc_client_secret, "another horse");
  ck_assert_str_eq (texts[0], "--bootstrap-password=*************");
  ck_assert_str_eq (texts[1], "--oidc-client-secret");
  ck_assert_str_eq (texts[2], "*************");
  ck_assert_str_eq (texts[3], "--log-level=info");
  ck_assert_str_eq (texts[5], "127.0.0.1:0");
  ck_assert_str_eq (texts[6], "--auth");
  ck_assert_str_eq (texts[7], "--s3-secret-access-key=");
  /* Nothing follows. */
  arguments[0] = texts[1];
  config_hide_secrets (1, arguments);
  ck_assert_str_eq (texts[1], "--oidc-client-secret");
}
END_TEST

Suite *config_suite (void);

Suite *
config_suite (void)
{
  Suite *suite = suite_create ("config");
  TCase *sources = tcase_create ("sources");
  TCase *pages = tcase_create ("pages");

  tcase_add_checked_fixture (sources, set_up, tear_down);
  tcase_add_test (sources, starts_with_the_defaults);
  tcase_add_test (sources, lets_flags_win_over_environment_over_file);
  tcase_add_test (sources, takes_the_file_from_flag_or_environment);
  tcase_add_test (sources, reads_files);
  tcase_add_test (sources, reads_flags);
  tcase_add_test (sources, counts_the_last_of_a_flag);
  tcase_add_test (sources, names_the_place_of_each_mistake);
  tcase_add_test (sources, refuses_files_that_cannot_be_read);
  tcase_add_test (sources, refuses_endless_lines);
  suite_add_tcase (suite, sources);
  tcase_add_checked_fixture (pages, set_up, tear_down);
  tcase_add_test (pages, shows_values_without_secrets);
  tcase_add_test (pages, hides_secrets);
  tcase_add_test (pages, writes_a_sample_that_it_reads);
  tcase_add_test (pages, describes_every_setting);
  suite_add_tcase (suite, pages);
  return suite;
}
