/* One request of doctor's own: its date and its certificate are told by nothing else. */
#include "cli/doctor.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

static void
set_options (CURL *handle, struct cli *cli, struct answer *answer)
{
  const char *authorities = cli_setting (cli, "ca-file");
  const char *certificate = cli_setting (cli, "client-certificate");
  bool insecure = 0 == strcmp (cli_setting (cli, "insecure-tls"), "true");

  curl_easy_setopt (handle, CURLOPT_URL, cli_printf ("%s/version", cli_setting (cli, "server")));
  curl_easy_setopt (handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (handle, CURLOPT_TIMEOUT_MS, (long)PROBE_TIMEOUT_MS);
  curl_easy_setopt (handle, CURLOPT_CERTINFO, 1L);
  curl_easy_setopt (handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt (handle, CURLOPT_HEADERDATA, answer);
  curl_easy_setopt (handle, CURLOPT_WRITEFUNCTION, drop_body);
  curl_easy_setopt (handle, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
  curl_easy_setopt (handle, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
  if (NULL != authorities && '\0' != authorities[0])
    curl_easy_setopt (handle, CURLOPT_CAINFO, authorities);
  if (NULL != certificate && '\0' != certificate[0])
    curl_easy_setopt (handle, CURLOPT_SSLCERT, certificate);
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
  if (NULL == handle)
    return;
  set_options (handle, cli, &answer);
  curl_easy_setopt (handle, CURLOPT_ERRORBUFFER, message);
  code = curl_easy_perform (handle);
  probe->answered = CURLE_OK == code;
  probe->seconds = (double)(clock_wall_ms () - before_ms) / 1000;
  if (CURLE_OK != code)
    snprintf (probe->trouble, sizeof (probe->trouble), "%s", '\0' == message[0] ? curl_easy_strerror (code) : message);
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
