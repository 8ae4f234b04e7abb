/* One request of doctor's own: its date and its certificate are told by nothing else. */
#include "cli/doctor.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* A person waits. */
#define PROBE_TIMEOUT_MS 10000

struct answer
{
  char date[64];
};

static size_t
take_header (char *data, size_t size, size_t count, void *payload)
{
  struct answer *answer = payload;
  size_t bytes = size * count;

  if (bytes > 5 && 0 == strncasecmp (data, "date:", 5))
    snprintf (answer->date, sizeof (answer->date), "%.*s", (int)(bytes - 5), data + 5);
  return bytes;
}

static size_t
drop_body (char *data, size_t size, size_t count, void *payload)
{
  (void)data;
  (void)payload;
  return size * count;
}

static void
find_certificate_end (struct doctor_probe *probe, CURL *handle)
{
  struct curl_certinfo *chain = NULL;

  if (CURLE_OK != curl_easy_getinfo (handle, CURLINFO_CERTINFO, &chain) || NULL == chain || chain->num_of_certs < 1)
    return;
  for (const struct curl_slist *field = chain->certinfo[0]; NULL != field; field = field->next)
    if (0 == strncmp (field->data, "Expire date:", 12))
    {
      time_t end = curl_getdate (field->data + 12, NULL);

      probe->certificate_end_ms = end > 0 ? (int64_t)end * 1000 : 0;
    }
}

static bool
is_folder (const char *path)
{
  struct stat info;

  return 0 == stat (path, &info) && S_ISDIR (info.st_mode);
}

static void
set_options (CURL *handle, struct cli *cli, struct answer *answer)
{
  const char *trusted = cli_setting (cli, "ca-file");
  const char *certificate = cli_setting (cli, "client-certificate");
  bool insecure = 0 == strcmp (cli_setting (cli, "insecure-tls"), "true");

  curl_easy_setopt (handle, CURLOPT_URL, cli_printf ("%s/version", cli_setting (cli, "server")));
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85 */
  curl_easy_setopt (handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt (handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt (handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (handle, CURLOPT_TIMEOUT_MS, (long)PROBE_TIMEOUT_MS);
  curl_easy_setopt (handle, CURLOPT_CERTINFO, 1L);
  curl_easy_setopt (handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt (handle, CURLOPT_HEADERDATA, answer);
  curl_easy_setopt (handle, CURLOPT_WRITEFUNCTION, drop_body);
  curl_easy_setopt (handle, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
  curl_easy_setopt (handle, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
  if (NULL != trusted && '\0' != trusted[0])
    curl_easy_setopt (handle, is_folder (trusted) ? CURLOPT_CAPATH : CURLOPT_CAINFO, trusted);
  if (NULL != certificate && '\0' != certificate[0])
    curl_easy_setopt (handle, CURLOPT_SSLCERT, certificate);
}

struct remedy
{
  CURLcode code;
  const char *words; /* in curl's message, whichever library it has for TLS; NULL: any */
  const char *trouble; /* instead of curl's message; NULL: that */
  const char *advice;
  int status;
};

#define SET_CA_FILE "-o ca-file=FILE, TALLY_CA_FILE, or a line of the file of settings"

#define NO_TLS "the server speaks no TLS there", "the address must begin with http://"

static const struct remedy remedies[] = {
  { CURLE_PEER_FAILED_VERIFICATION, "expired", NULL,
    "the server needs a new certificate, unless this machine's clock is wrong", CLI_UNREACHABLE },
  { CURLE_PEER_FAILED_VERIFICATION, "not yet valid", NULL, "is this machine's clock right?", CLI_UNREACHABLE },
  { CURLE_PEER_FAILED_VERIFICATION, "name", NULL,
    "the certificate is of another host: use the name that it has in the address", CLI_UNREACHABLE },
  { CURLE_PEER_FAILED_VERIFICATION, NULL, NULL, "say which certificates are trusted: " SET_CA_FILE, CLI_UNREACHABLE },
  { CURLE_SSL_CACERT_BADFILE, NULL, NULL, "ca-file must name a file, or a folder, of certificates in PEM",
    CLI_REFUSED },
  { CURLE_SSL_CERTPROBLEM, NULL, NULL, "client-certificate must name a file with certificate and key in PEM",
    CLI_REFUSED },
  { CURLE_SSL_CONNECT_ERROR, "wrong version number", NO_TLS, CLI_UNREACHABLE },
  { CURLE_SSL_CONNECT_ERROR, "packet length too long", NO_TLS, CLI_UNREACHABLE },
  { CURLE_SSL_CONNECT_ERROR, "unexpected TLS packet", NO_TLS, CLI_UNREACHABLE },
  { CURLE_SSL_CONNECT_ERROR, NULL, NULL, "does it speak TLS? If not, the address begins with http://",
    CLI_UNREACHABLE },
  { CURLE_COULDNT_RESOLVE_HOST, NULL, NULL, "is the name in the address right? 'tally login' changes it",
    CLI_UNREACHABLE },
  { CURLE_COULDNT_RESOLVE_PROXY, NULL, NULL, "is the name of the proxy right?", CLI_UNREACHABLE },
  { CURLE_OPERATION_TIMEDOUT, NULL, NULL, "is it overloaded, or is a firewall in between?", CLI_UNREACHABLE },
};

static void
find_remedy (struct doctor_probe *probe, CURLcode code)
{
  probe->advice = "is it running, and is the address right? 'tally login' changes it";
  probe->status = CLI_UNREACHABLE;
  for (size_t i = 0; i < sizeof (remedies) / sizeof (remedies[0]); i++)
    if (remedies[i].code == code && (NULL == remedies[i].words || NULL != strstr (probe->trouble, remedies[i].words)))
    {
      if (NULL != remedies[i].trouble)
        snprintf (probe->trouble, sizeof (probe->trouble), "%s", remedies[i].trouble);
      probe->advice = remedies[i].advice;
      probe->status = remedies[i].status;
      return;
    }
}

void
doctor_probe (struct doctor_probe *probe, struct cli *cli)
{
  CURL *handle = curl_easy_init ();
  struct answer answer = { "" };
  char message[CURL_ERROR_SIZE] = "";
  int64_t before_ms = clock_wall_ms ();
  CURLcode code;
  time_t date;

  memset (probe, 0, sizeof (*probe));
  find_remedy (probe, CURLE_OK);
  if (NULL == handle)
    return;
  set_options (handle, cli, &answer);
  curl_easy_setopt (handle, CURLOPT_ERRORBUFFER, message);
  code = curl_easy_perform (handle);
  probe->answered = CURLE_OK == code;
  probe->seconds = (double)(clock_wall_ms () - before_ms) / 1000;
  if (CURLE_OK != code)
  {
    snprintf (probe->trouble, sizeof (probe->trouble), "%s", '\0' == message[0] ? curl_easy_strerror (code) : message);
    find_remedy (probe, code);
  }
  date = curl_getdate (answer.date, NULL);
  if (probe->answered && date > 0)
  {
    /* The header has whole seconds, cut off: half of one is added; and it was written halfway. */
    probe->skew_ms = (int64_t)date * 1000 + 500 - (before_ms + clock_wall_ms ()) / 2;
    probe->has_skew = true;
  }
  find_certificate_end (probe, handle);
  curl_easy_cleanup (handle);
}
