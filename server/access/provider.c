/* Discovery document and key set of the provider, kept in memory. */
#include "access/provider.h"

#include "access/fetch.h"
#include "access/key_set.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* Second in microseconds. */
#define SECOND_US ((uint64_t)1000000)
/* When what is known is fetched anew. */
#define REFRESH_US (3600 * SECOND_US)
/* How long it is used when that fails: over a night, not for ever, because a key that was taken back stays valid so
 * long.
 */
#define STALE_US (24 * 3600 * SECOND_US)
/* The least time between two requests because of unknown keys, and between two tries to fetch what is old. */
#define PAUSE_US (60 * SECOND_US)
/* The same while nothing is known: whoever wants to log in comes back after a few seconds. */
#define PAUSE_FIRST_US (5 * SECOND_US)
/* Both documents with their trees; as long as an answer may be, they take some times that. */
#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

/* One state of knowledge. */
struct knowledge
{
  struct discovery discovery;
  struct key_set *keys;
  struct arena *texts; /* of the discovery */
  uint64_t since_us;
};

struct provider
{
  const struct config *config;
  bool may_be_plain;
  struct lock lock; /* over all below */
  struct condition fetched; /* `fetching` became false */
  bool fetching;
  bool tried;
  uint64_t tried_us; /* when the last fetch ended */
  bool missed;
  uint64_t missed_us; /* when an unknown key last caused one */
  struct knowledge *known; /* NULL: nothing yet, or too old */
};

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* Whether a list of words separated by spaces holds one. */
static bool
has_word (const char *list, const char *word)
{
  size_t length = strlen (word);

  for (const char *at = strstr (list, word); NULL != at; at = strstr (at + 1, word))
    if ((at == list || ' ' == at[-1]) && (' ' == at[length] || '\0' == at[length]))
      return true;
  return false;
}

static enum err_code
check_settings (bool *may_be_plain, const struct config *config, struct err *err)
{
  struct slice issuer = slice_of (config->oidc_issuer);

  if (! discovery_url_valid (may_be_plain, issuer, true) || NULL != memchr (issuer.data, '?', issuer.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "oidc-issuer must be an address such as https://login.example.com/realm; http:// is allowed on "
                    "loopback addresses only.");
  if ('\0' == config->oidc_client_id[0])
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "oidc-issuer needs oidc-client-id.");
  if (! has_word (config->oidc_scope, "openid"))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "oidc-scope must have the word openid in it.");
  return ERR_OK;
}

enum err_code
provider_new (struct provider **provider, const struct config *config, struct err *err)
{
  bool may_be_plain = false;
  enum err_code code;

  *provider = NULL;
  if ('\0' == config->oidc_issuer[0])
    return ERR_OK;
  code = check_settings (&may_be_plain, config, err);
  if (ERR_OK != code)
    return code;
  *provider = calloc (1, sizeof (**provider));
  if (NULL == *provider)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  (*provider)->config = config;
  (*provider)->may_be_plain = may_be_plain;
  lock_init (&(*provider)->lock);
  condition_init (&(*provider)->fetched);
  return ERR_OK;
}

static void
knowledge_free (struct knowledge *known)
{
  if (NULL == known)
    return;
  key_set_free (known->keys);
  arena_free (known->texts);
  free (known);
}

void
provider_free (struct provider *provider)
{
  if (NULL == provider)
    return;
  knowledge_free (provider->known);
  condition_destroy (&provider->fetched);
  lock_destroy (&provider->lock);
  free (provider);
}

struct slice
provider_issuer (const struct provider *provider)
{
  return slice_of (provider->config->oidc_issuer);
}

bool
provider_may_be_plain (const struct provider *provider)
{
  return provider->may_be_plain;
}

/* --- fetching ----------------------------------------------------------------------------------------------------- */

/* A document of the provider; `answer` is the caller's to free. */
static enum err_code
fetch_document (struct fetch_answer *answer, const struct provider *provider, const char *url, const char *what,
                struct err *err)
{
  struct fetch_request request = { .url = url, .may_be_plain = provider->may_be_plain };
  char cause[64];
  enum err_code code = fetch (answer, &request, err);

  if (ERR_OK != code || 200 == answer->status)
    return code;
  snprintf (cause, sizeof (cause), "%s: answered with status %d", what, answer->status);
  return fetch_unavailable (err, cause);
}

static enum err_code
learn (struct knowledge *known, const struct provider *provider, struct arena *arena, struct err *err)
{
  struct slice issuer = provider_issuer (provider);
  struct fetch_answer answer;
  const char *url = discovery_url (issuer, arena);
  enum err_code code;

  fetch_answer_init (&answer);
  code = NULL == url ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                     : fetch_document (&answer, provider, url, "discovery", err);
  if (ERR_OK == code)
    code = discovery_read (&known->discovery, buffer_slice (&answer.body), issuer, provider->may_be_plain, known->texts,
                           err);
  buffer_clear (&answer.body);
  if (ERR_OK == code)
    code = fetch_document (&answer, provider, known->discovery.keys, "key set", err);
  if (ERR_OK == code)
    code = key_set_read (&known->keys, buffer_slice (&answer.body), arena, err);
  fetch_answer_free (&answer);
  return code;
}

/* Ask the provider for everything; NULL in `known` when it fails. Waits for the network, without the lock. */
static enum err_code
fetch_all (struct knowledge **known, const struct provider *provider, struct err *err)
{
  struct knowledge *made = calloc (1, sizeof (*made));
  struct arena *arena = arena_new (ARENA_BYTES);
  enum err_code code = ERR_OK;

  *known = NULL;
  if (NULL != made)
    made->texts = arena_new (ARENA_BYTES);
  if (NULL == made || NULL == arena || NULL == made->texts)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = learn (made, provider, arena, err);
  arena_free (arena);
  if (ERR_OK != code)
  {
    knowledge_free (made);
    return code;
  }
  *known = made;
  return ERR_OK;
}

/* Fetch now, for all who wait; with the lock held, which is let go meanwhile. */
static enum err_code
refresh (struct provider *provider, struct err *err)
{
  struct knowledge *fresh;
  struct knowledge *old = NULL;
  enum err_code code;

  provider->fetching = true;
  lock_release (&provider->lock);
  code = fetch_all (&fresh, provider, err);
  /* Also when what is known goes on to be used, and nobody sees the error. */
  if (ERR_OK != code)
    log_line (EVENT_oidc_failed, LOG_TEXT ("message", err->message), LOG_TEXT ("cause", err->cause));
  lock_acquire (&provider->lock);
  provider->fetching = false;
  provider->tried = true;
  provider->tried_us = clock_monotonic_us ();
  if (NULL != fresh)
  {
    fresh->since_us = provider->tried_us;
    old = provider->known;
    provider->known = fresh;
  }
  condition_broadcast (&provider->fetched);
  /* Nobody uses it: what leaves the lock is a copy. */
  knowledge_free (old);
  return code;
}

/* Make sure that something is known, and refresh it when its time has come. With the lock held. */
static enum err_code
need_knowledge (struct provider *provider, struct err *err)
{
  uint64_t now_us = clock_monotonic_us ();
  struct err ignored = { 0 };

  if (NULL != provider->known && now_us - provider->known->since_us >= STALE_US)
  {
    knowledge_free (provider->known);
    provider->known = NULL;
  }
  if (NULL != provider->known)
  {
    if (now_us - provider->known->since_us >= REFRESH_US && ! provider->fetching
        && now_us - provider->tried_us >= PAUSE_US)
      (void)refresh (provider, &ignored);
    return ERR_OK;
  }
  while (provider->fetching)
    condition_wait (&provider->fetched, &provider->lock);
  if (NULL != provider->known)
    return ERR_OK;
  if (provider->tried && clock_monotonic_us () - provider->tried_us < PAUSE_FIRST_US)
    return fetch_unavailable (err, "the last request to the provider failed a moment ago");
  return refresh (provider, err);
}

/* --- using -------------------------------------------------------------------------------------------------------- */

/* A copy that outlives the knowledge; false when memory is out. */
static bool
copy_text (const char **copy, const char *text, struct arena *arena)
{
  *copy = NULL == text ? NULL : arena_copy (arena, text, strlen (text));
  return NULL == text || NULL != *copy;
}

enum err_code
provider_discovery (struct discovery *discovery, struct provider *provider, struct arena *arena, struct err *err)
{
  enum err_code code;

  *discovery = (struct discovery){ 0 };
  lock_acquire (&provider->lock);
  code = need_knowledge (provider, err);
  if (ERR_OK == code)
  {
    const struct discovery *known = &provider->known->discovery;

    *discovery = *known;
    if (! copy_text (&discovery->authorization, known->authorization, arena)
        || ! copy_text (&discovery->token, known->token, arena)
        || ! copy_text (&discovery->user_info, known->user_info, arena)
        || ! copy_text (&discovery->keys, known->keys, arena))
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  lock_release (&provider->lock);
  return code;
}

/* Whether an unknown key is worth a request now; with the lock held. */
static bool
may_miss (struct provider *provider)
{
  uint64_t now_us = clock_monotonic_us ();

  if (provider->missed && now_us - provider->missed_us < PAUSE_US)
    return false;
  provider->missed = true;
  provider->missed_us = now_us;
  return true;
}

/* Among the keys that are known; NULL also when none are. With the lock held. */
static const char *
find_key (const struct provider *provider, const struct web_token_algorithm *algorithm, struct slice key_id)
{
  return NULL == provider->known ? NULL : key_set_find (provider->known->keys, algorithm, key_id);
}

enum err_code
provider_key (const char **pem, struct provider *provider, const struct web_token_algorithm *algorithm,
              struct slice key_id, struct arena *arena, struct err *err)
{
  const char *found = NULL;
  struct err ignored = { 0 };
  enum err_code code;

  *pem = NULL;
  lock_acquire (&provider->lock);
  code = need_knowledge (provider, err);
  if (ERR_OK == code)
  {
    found = find_key (provider, algorithm, key_id);
    /* Whoever fetches now may bring it. */
    while (NULL == found && provider->fetching)
    {
      condition_wait (&provider->fetched, &provider->lock);
      found = find_key (provider, algorithm, key_id);
    }
    if (NULL == found && may_miss (provider))
    {
      (void)refresh (provider, &ignored);
      found = find_key (provider, algorithm, key_id);
    }
    if (NULL == found)
      code = err_set (err, ERR_UNAUTHENTICATED,
                      "The JWT cannot be accepted: the provider has no %s key that is called so.",
                      web_token_algorithm_name (algorithm));
    else if (! copy_text (pem, found, arena))
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  lock_release (&provider->lock);
  return code;
}
