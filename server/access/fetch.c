/* Requests to an OpenID Connect provider by libcurl. */
#include "access/fetch.h"

#include "base/curl_library.h"
#include "base/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A thread of the login lane waits so long at most, and with it whoever wants to log in behind: a provider that takes
   longer is as good as down. A login that comes back asks up to four times, which fits into work-timeout-ms. */
#define CONNECT_TIMEOUT_MS 3000L
#define TOTAL_TIMEOUT_MS 5000L
/* Discovery documents and key sets have some KiB, Microsoft's keys with their certificates 20; tokens up to 64. */
#define ANSWER_MAX_BYTES ((size_t)256 * 1024)
/* What Retry-After says: about as long as a provider takes to start anew. */
#define RETRY_AFTER_S 5

#define USER_AGENT "tallyd/" TALLY_VERSION

void
fetch_answer_init (struct fetch_answer *answer)
{
  *answer = (struct fetch_answer){ 0 };
  buffer_init (&answer->body, ANSWER_MAX_BYTES);
}

void
fetch_answer_free (struct fetch_answer *answer)
{
  buffer_free (&answer->body);
}

enum err_code
fetch_unavailable (struct err *err, const char *cause)
{
  enum err_code code;

  stats_add (&stats.oidc_failures, 1);
  code = err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, cause,
                        "The OpenID Connect provider cannot be reached or used; try again shortly.");
  if (NULL != err && code == err->code)
    err->retry_after_s = RETRY_AFTER_S;
  return code;
}

static size_t
on_body (char *data, size_t size, size_t count, void *context)
{
  struct fetch_answer *answer = context;

  return buffer_append (&answer->body, data, size * count) ? size * count : 0;
}

static struct curl_slist *
add_header (const struct curl_library *curl, struct curl_slist *list, bool *fine, const char *line)
{
  struct curl_slist *longer = *fine ? curl->slist_append (list, line) : NULL;

  *fine = NULL != longer;
  return NULL == longer ? list : longer;
}

/* Everything that is the same for each request. */
static void
set_options (CURL *handle, const struct curl_library *curl, const struct fetch_request *request,
             struct fetch_answer *answer, char *text)
{
  curl->easy_setopt (handle, CURLOPT_ERRORBUFFER, text);
  curl->easy_setopt (handle, CURLOPT_NOSIGNAL, 1L);
  curl->easy_setopt (handle, CURLOPT_PROTOCOLS_STR, request->may_be_plain ? "http,https" : "https");
  curl->easy_setopt (handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl->easy_setopt (handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl->easy_setopt (handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl->easy_setopt (handle, CURLOPT_SSL_VERIFYHOST, 2L);
  curl->easy_setopt (handle, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
  curl->easy_setopt (handle, CURLOPT_TIMEOUT_MS, TOTAL_TIMEOUT_MS);
  curl->easy_setopt (handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)ANSWER_MAX_BYTES);
  curl->easy_setopt (handle, CURLOPT_USERAGENT, USER_AGENT);
  curl->easy_setopt (handle, CURLOPT_WRITEFUNCTION, on_body);
  curl->easy_setopt (handle, CURLOPT_WRITEDATA, answer);
}

static CURLcode
perform (struct fetch_answer *answer, CURL *handle, const struct curl_library *curl,
         const struct fetch_request *request)
{
  struct curl_slist *headers = NULL;
  char *authorization = NULL;
  const char *type = NULL;
  long status = 0;
  bool fine = true;
  CURLcode result = CURLE_OUT_OF_MEMORY;

  headers = add_header (curl, headers, &fine, "Accept: application/json");
  if (NULL != request->authorization)
  {
    if (asprintf (&authorization, "Authorization: %s", request->authorization) < 0)
      authorization = NULL;
    fine = fine && NULL != authorization;
    headers = add_header (curl, headers, &fine, authorization);
  }
  if (NULL != request->form)
  {
    /* curl would wait for 100 Continue. */
    headers = add_header (curl, headers, &fine, "Expect:");
    curl->easy_setopt (handle, CURLOPT_POSTFIELDS, request->form);
    curl->easy_setopt (handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen (request->form));
  }
  if (fine && CURLE_OK == curl->easy_setopt (handle, CURLOPT_URL, request->url)
      && CURLE_OK == curl->easy_setopt (handle, CURLOPT_HTTPHEADER, headers))
    result = curl->easy_perform (handle);
  if (CURLE_OK == result && CURLE_OK == curl->easy_getinfo (handle, CURLINFO_RESPONSE_CODE, &status)
      && CURLE_OK == curl->easy_getinfo (handle, CURLINFO_CONTENT_TYPE, &type))
  {
    answer->status = (int)status;
    answer->is_json = NULL != type && 0 == strncasecmp (type, "application/json", 16)
                      && ('\0' == type[16] || ';' == type[16] || ' ' == type[16]);
  }
  curl->slist_free_all (headers);
  free (authorization);
  return result;
}

enum err_code
fetch (struct fetch_answer *answer, const struct fetch_request *request, struct err *err)
{
  const struct curl_library *curl = NULL;
  char text[CURL_ERROR_SIZE] = "";
  CURL *handle;
  CURLcode result = CURLE_OUT_OF_MEMORY;
  enum err_code code = curl_library_load (&curl, "oidc-issuer", err);

  if (ERR_OK != code)
    return code;
  stats_add (&stats.oidc_requests, 1);
  handle = curl->easy_init ();
  if (NULL != handle)
  {
    set_options (handle, curl, request, answer, text);
    result = perform (answer, handle, curl, request);
    curl->easy_cleanup (handle);
  }
  if (CURLE_OUT_OF_MEMORY == result || answer->body.out_of_memory)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (CURLE_OK == result)
    return ERR_OK;
  return fetch_unavailable (err, '\0' == text[0] ? curl->easy_strerror (result) : text);
}
