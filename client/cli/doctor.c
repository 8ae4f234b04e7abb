/* doctor: looks at everything that keeps points from arriving, and says what to do. */
#include "cli/doctor.h"

#include "cli/output.h"
#include "cli/settings.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What a training run notices: steps of charts by time, tokens that seem to be from the future. */
#define SKEW_WARN_MS 5000
/* Less than this fills up within an outage of a busy job. */
#define SPACE_WARN_BYTES ((uint64_t)1 << 30)
/* Certificates are renewed about a month before their end. */
#define CERTIFICATE_WARN_MS ((int64_t)14 * 86400 * 1000)

struct doctor
{
  struct cli *cli;
  json_t *checks;
  bool failed;
  int status;
};

/* One line: what was looked at, how it is, and what to do ("" for nothing). */
static void
report (struct doctor *doctor, const char *status, const char *name, const char *found, const char *advice)
{
  struct cli *cli = doctor->cli;
  const char *mark = ! cli->out.utf8                ? status
                     : 0 == strcmp (status, "ok")   ? "\xe2\x9c\x93"
                     : 0 == strcmp (status, "warn") ? "!"
                                                    : "\xe2\x9c\x97";

  doctor->failed = doctor->failed || 0 == strcmp (status, "fail");
  json_array_append_new (doctor->checks, json_pack ("{s:s, s:s, s:o, s:o}", "name", name, "status", status, "found",
                                                    json_text (found), "advice", json_text (advice)));
  if (FORMAT_JSON == cli->format)
    return;
  printf ("%s%s%s%*s%-12s %s\n", style_begin (&cli->out, style_of_status (status)), mark, style_end (&cli->out),
          cli->out.utf8 ? 2 : (int)(6 - strlen (mark)), "", name, plain (found));
  if ('\0' != advice[0])
    printf ("%*s%s%s%s\n", cli->out.utf8 ? 16 : 19, "", style_begin (&cli->out, STYLE_DIM), advice,
            style_end (&cli->out));
  fflush (stdout);
}

static void
check_settings (struct doctor *doctor)
{
  const char *path = settings_path (doctor->cli);
  struct stat info;

  if (0 != stat (path, &info))
    report (
        doctor, ENOENT == errno ? "ok" : "warn", "settings",
        cli_printf ("%s: %s", path, ENOENT == errno ? "not there; variables and defaults are used" : strerror (errno)),
        "");
  else if (0 != (info.st_mode & 077))
    report (doctor, "warn", "settings", cli_printf ("%s can be read by others", path),
            cli_printf ("chmod 600 %s", path));
  else
    report (doctor, "ok", "settings", path, "");
}

static bool
is_local (const char *server)
{
  return NULL != strstr (server, "//127.") || NULL != strstr (server, "//localhost")
         || NULL != strstr (server, "//[::1]");
}

static void
check_address (struct doctor *doctor)
{
  struct cli *cli = doctor->cli;
  const char *server = cli_setting (cli, "server");
  bool secret = NULL != cli_setting (cli, "token") || NULL != cli_setting (cli, "password");

  if (0 == strncmp (server, "http://", 7) && secret && ! is_local (server))
    report (doctor, "warn", "address", cli_printf ("%s: the token goes over the network unencrypted", server),
            "use https");
  else if (0 == strcmp (cli_setting (cli, "insecure-tls"), "true"))
    report (doctor, "warn", "address", cli_printf ("%s: its certificate is not checked", server),
            "set ca-file instead of insecure-tls");
  else
    report (doctor, "ok", "address", server, "");
}

static void
check_proxy (struct doctor *doctor)
{
  static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY" };
  const char *server = cli_setting (doctor->cli, "server");
  bool https = 0 == strncmp (server, "https:", 6);

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
  {
    const char *value = getenv (names[i]);

    if (NULL == value || '\0' == value[0] || (! https && 0 == strcasecmp (names[i], "https_proxy"))
        || (https && 0 == strcmp (names[i], "http_proxy")))
      continue;
    report (doctor, is_local (server) && NULL == getenv ("no_proxy") && NULL == getenv ("NO_PROXY") ? "warn" : "ok",
            "proxy",
            cli_printf ("%s is set%s", names[i], is_local (server) ? ", and the server is on this machine" : ""),
            is_local (server) ? "no_proxy names hosts that are asked directly" : "");
    return;
  }
  report (doctor, "ok", "proxy", "none", "");
}

static void
check_clock (struct doctor *doctor, const struct doctor_probe *probe)
{
  int64_t skew_ms = probe->skew_ms;

  if (! probe->has_skew)
    return;
  if (skew_ms > SKEW_WARN_MS || skew_ms < -SKEW_WARN_MS)
    report (doctor, "warn", "clock",
            cli_printf ("this machine is %s %s the server", duration_text (llabs (skew_ms)),
                        skew_ms > 0 ? "behind" : "ahead of"),
            "synchronise the clock: times of points are made here");
  else
    report (doctor, "ok", "clock", "as the server's", "");
}

static void
check_certificate (struct doctor *doctor, const struct doctor_probe *probe)
{
  int64_t left_ms = probe->certificate_end_ms - clock_wall_ms ();

  if (0 == probe->certificate_end_ms)
    return;
  if (left_ms < 0)
    report (doctor, "warn", "certificate", cli_printf ("ended %s", time_text (probe->certificate_end_ms)),
            "the server needs a new one");
  else
    report (doctor, left_ms < CERTIFICATE_WARN_MS ? "warn" : "ok", "certificate",
            cli_printf ("valid until %s", time_text (probe->certificate_end_ms)),
            left_ms < CERTIFICATE_WARN_MS ? "it must be renewed soon" : "");
}

/* Web servers say themselves that plain HTTP came to a port that speaks TLS. */
static const char *
answer_advice (struct cli *cli, const struct tally_error *err)
{
  if (0 == strncmp (cli_setting (cli, "server"), "http:", 5) && NULL != strcasestr (err->message, "https"))
    return "the address must begin with https://";
  return "something answers there, but no Tally or MLflow server";
}

/* What was not accepted, as the library chooses: name and password go before the token. */
static const char *
refused_login (struct cli *cli)
{
  if (NULL != cli_setting (cli, "username") && NULL != cli_setting (cli, "password"))
    return cli_printf ("the server does not accept the password of %s", cli_setting (cli, "username"));
  if (NULL != cli_setting (cli, "token"))
    return "the server does not accept the token: it has ended, or was removed";
  return "the server wants to know who asks";
}

static void
check_server (struct doctor *doctor)
{
  struct cli *cli = doctor->cli;
  const struct tally_server *server = NULL;
  struct doctor_probe probe;
  struct tally_error err;
  enum tally_code code;

  doctor_probe (&probe, cli);
  if (! probe.answered)
  {
    doctor->status = probe.status;
    report (doctor, "fail", "server", probe.trouble, probe.advice);
    return;
  }
  code = tally_ping (&server, cli_client (cli), &err);
  if (TALLY_OK != code)
  {
    doctor->status = cli_exit_code (code);
    report (doctor, "fail", "server", err.message, answer_advice (cli, &err));
    return;
  }
  report (doctor, "ok", "server",
          cli_printf ("%s %s, answers in %s", server->is_tally ? "Tally" : "MLflow", server->version,
                      cli_printf ("%.0f ms", 1000 * probe.seconds)),
          "");
  if (server->authenticated)
    report (doctor, "ok", "login", '\0' == server->user[0] ? "none is needed" : server->user, "");
  else
  {
    doctor->status = CLI_DENIED;
    report (doctor, "fail", "login", refused_login (cli), "tally login");
  }
  check_certificate (doctor, &probe);
  check_clock (doctor, &probe);
}

/* The folder itself, or the nearest one above that is there. */
static const char *
nearest (const char *path)
{
  char *folder = cli_copy (path, strlen (path));

  while (0 != access (folder, F_OK))
  {
    char *slash = strrchr (folder, '/');

    if (NULL == slash)
      return ".";
    if (slash == folder)
      return "/";
    *slash = '\0';
  }
  return folder;
}

static void
check_spool (struct doctor *doctor)
{
  const char *path = settings_spool (doctor->cli);
  const char *there = nearest (path);
  struct statvfs info;
  uint64_t space;

  if (0 != access (there, W_OK | X_OK) || 0 != statvfs (there, &info))
  {
    report (doctor, "fail", "spool", cli_printf ("%s: %s", there, strerror (errno)),
            "points of an outage have no place: set TALLY_SPOOL to a folder that you may write");
    doctor->status = 0 == doctor->status ? CLI_LOCAL : doctor->status;
    return;
  }
  space = (uint64_t)info.f_bavail * info.f_frsize;
  report (doctor, space < SPACE_WARN_BYTES ? "warn" : "ok", "spool",
          cli_printf ("%s, %s free", path, bytes_text (space)),
          space < SPACE_WARN_BYTES ? "make room: points of an outage are kept there" : "");
}

struct left
{
  uint64_t streams;
  uint64_t bytes;
  uint64_t rejected; /* records */
};

static uint64_t
count_lines (const char *path)
{
  FILE *file = fopen (path, "re");
  uint64_t lines = 0;
  int c;

  while (NULL != file && EOF != (c = getc (file)))
    lines += '\n' == c;
  if (NULL != file)
    fclose (file);
  return lines;
}

/* Segments and files that wait; what was refused is a file of lines. The layout is that of client/spool.h. */
static void
look_into_stream (struct left *left, const char *path)
{
  DIR *folder = opendir (path);
  const struct dirent *entry;
  bool waits = false;

  while (NULL != folder && NULL != (entry = readdir (folder)))
  {
    const char *file = cli_printf ("%s/%s", path, entry->d_name);
    size_t len = strlen (entry->d_name);
    struct stat info;

    if (0 == strcmp (entry->d_name, "rejected"))
      left->rejected += count_lines (file);
    if (0 != stat (file, &info) || ! S_ISREG (info.st_mode))
      continue;
    if ((len > 8 && 0 == strcmp (entry->d_name + len - 8, ".segment")) || 0 == strncmp (entry->d_name, "outbox-", 7))
    {
      waits = true;
      left->bytes += (uint64_t)info.st_size;
    }
  }
  left->streams += waits;
  if (NULL != folder)
    closedir (folder);
}

static void
check_waiting (struct doctor *doctor)
{
  const char *path = settings_spool (doctor->cli);
  DIR *folder = opendir (path);
  const struct dirent *entry;
  struct left left = { 0 };

  while (NULL != folder && NULL != (entry = readdir (folder)))
    if ('.' != entry->d_name[0])
      look_into_stream (&left, cli_printf ("%s/%s", path, entry->d_name));
  if (NULL != folder)
    closedir (folder);
  if (left.streams > 0)
    report (doctor, "warn", "waiting",
            cli_printf ("%s in %" PRIu64 " %s", bytes_text (left.bytes), left.streams,
                        1 == left.streams ? "spool" : "spools"),
            "'tally sync' sends it, unless programs that run do");
  else
    report (doctor, "ok", "waiting", "nothing", "");
  if (left.rejected > 0)
    report (doctor, "warn", "refused",
            cli_printf ("%" PRIu64 " records that the server refused are kept in %s", left.rejected, path),
            "the files 'rejected' there say why; 'tally sync' tries again");
}

int
run_doctor (struct cli *cli)
{
  struct doctor doctor = { .cli = cli, .checks = json_array () };

  check_settings (&doctor);
  check_address (&doctor);
  check_proxy (&doctor);
  check_server (&doctor);
  check_spool (&doctor);
  check_waiting (&doctor);
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:b, s:O}", "ok", ! doctor.failed, "checks", doctor.checks));
  json_decref (doctor.checks);
  return doctor.failed && 0 == doctor.status ? CLI_LOCAL : doctor.status;
}
