/* Regular expressions by PCRE2, with bounds on what one match may cost.

   DESIGN
   A compiled expression lives in the arena of its request and is only read. What matching writes to, the place of the
   match and the stack of backtracking, belongs to the thread and is used again for every text; so matching allocates
   nothing in the long run, and one pattern may be matched by several threads at once. */
#include "search/pattern_private.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

/* Steps of one match: about two milliseconds at worst; sensible patterns take a few for each character. */
#define MATCH_STEPS_MAX 200000
/* Memory of one match for places to come back to, in KiB; it stays with the thread. */
#define MATCH_HEAP_KIB 1024
/* Groups within groups; PCRE2 recurses for each while compiling. Its own default is 250. */
#define GROUP_DEPTH_MAX 100

struct matcher
{
  pcre2_match_data *data;
  pcre2_match_context *context;
};

static pthread_key_t matcher_key;
static pthread_once_t matcher_once = PTHREAD_ONCE_INIT;
static bool matcher_ready;

static void
free_matcher (void *memory)
{
  struct matcher *matcher = memory;

  if (NULL == matcher)
    return;
  pcre2_match_data_free (matcher->data);
  pcre2_match_context_free (matcher->context);
  free (matcher);
}

static void
make_matcher_key (void)
{
  matcher_ready = 0 == pthread_key_create (&matcher_key, free_matcher);
}

/* This thread's own; NULL when memory is out. */
static struct matcher *
get_matcher (void)
{
  struct matcher *matcher;

  pthread_once (&matcher_once, make_matcher_key);
  if (! matcher_ready)
    return NULL;
  matcher = pthread_getspecific (matcher_key);
  if (NULL != matcher)
    return matcher;
  matcher = calloc (1, sizeof (*matcher));
  if (NULL == matcher)
    return NULL;
  matcher->data = pcre2_match_data_create (1, NULL);
  matcher->context = pcre2_match_context_create (NULL);
  if (NULL == matcher->data || NULL == matcher->context || 0 != pthread_setspecific (matcher_key, matcher))
  {
    free_matcher (matcher);
    return NULL;
  }
  pcre2_set_match_limit (matcher->context, MATCH_STEPS_MAX);
  pcre2_set_heap_limit (matcher->context, MATCH_HEAP_KIB);
  return matcher;
}

static void *
allocate (PCRE2_SIZE size, void *arena)
{
  return arena_alloc (arena, size);
}

static void
release (void *memory, void *arena)
{
  (void)memory;
  (void)arena;
}

static enum err_code
compile_failed (int number, size_t offset, struct err *err)
{
  PCRE2_UCHAR text[256];

  if (PCRE2_ERROR_NOMEMORY == number || PCRE2_ERROR_HEAP_FAILED == number)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  pcre2_get_error_message (number, text, sizeof (text));
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid regular expression, at byte %zu: %s", offset + 1,
                  (const char *)text);
}

enum err_code
search_pattern_regex (struct search_pattern **out, struct slice text, bool fold_case, struct arena *arena,
                      struct err *err)
{
  enum err_code code = search_pattern_new (out, text, arena, err);
  uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | (fold_case ? PCRE2_CASELESS : 0);
  pcre2_general_context *memory;
  pcre2_compile_context *context;
  PCRE2_SIZE offset = 0;
  int number = 0;

  if (ERR_OK != code)
    return code;
  memory = pcre2_general_context_create (allocate, release, arena);
  context = NULL == memory ? NULL : pcre2_compile_context_create (memory);
  if (NULL == context)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  pcre2_set_parens_nest_limit (context, GROUP_DEPTH_MAX);
  (*out)->regex =
      pcre2_compile ((PCRE2_SPTR)(NULL == text.data ? "" : text.data), text.len, options, &number, &offset, context);
  return NULL == (*out)->regex ? compile_failed (number, offset, err) : ERR_OK;
}

enum err_code
search_regex_match (bool *matches, const struct search_pattern *pattern, struct slice text, struct err *err)
{
  struct matcher *matcher = get_matcher ();
  int result;

  *matches = false;
  if (NULL == matcher)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  result = pcre2_match (pattern->regex, (PCRE2_SPTR)text.data, text.len, 0, 0, matcher->data, matcher->context);
  switch (result)
  {
  case PCRE2_ERROR_NOMATCH:
    return ERR_OK;
  case PCRE2_ERROR_MATCHLIMIT:
  case PCRE2_ERROR_DEPTHLIMIT:
  case PCRE2_ERROR_HEAPLIMIT:
  case PCRE2_ERROR_RECURSELOOP:
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The regular expression '%.*s' costs too much on a text of %zu bytes; make it simpler.",
                    SLICE_ARG (pattern->text), text.len);
  case PCRE2_ERROR_NOMEMORY:
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  default:
    /* Below are texts that are no UTF-8: nothing that the expression describes. */
    *matches = result >= 0;
    return ERR_OK;
  }
}
