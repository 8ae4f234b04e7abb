/* Objects that access/explain and access/who are asked about: any text is read without harm, and what is accepted says
   again what it was. The input is the text, which is tried as a permission and as an action too. */
#include "fuzz.h"

#include "access/identity.h"
#include "api/access.h"
#include "base/utf8.h"

#include <string.h>

#define ARENA_BYTES ((size_t)1024 * 1024)

/* What each kind is called by. Written down anew, so that the parser's own table is not asked about itself. */
static const struct
{
  enum target_kind kind;
  const char *prefix;
} kinds[] = {
  { TARGET_EXPERIMENT, "experiment:" },     { TARGET_RUN, "run:" },
  { TARGET_LOGGED_MODEL, "logged-model:" }, { TARGET_REGISTERED_MODEL, "registered-model:" },
  { TARGET_WORKSPACE_NAME, "workspace:" },
};
#define KINDS (sizeof (kinds) / sizeof (kinds[0]))

static size_t
kind_of (struct slice text)
{
  size_t kind = 0;

  while (kind < KINDS
         && (text.len < strlen (kinds[kind].prefix)
             || 0 != memcmp (text.data, kinds[kind].prefix, strlen (kinds[kind].prefix))))
    kind++;
  return kind;
}

static void
check_accepted (const struct access_subject *subject, struct slice text)
{
  const struct target *target = &subject->target;
  size_t kind = kind_of (text);
  char id[UUID_TEXT_BYTES];

  REQUIRE (kind < KINDS && kinds[kind].kind == target->kind);
  REQUIRE (target->text.len > 0 && target->text.data == text.data + strlen (kinds[kind].prefix));
  REQUIRE (target->text.data + target->text.len == text.data + text.len);
  /* Nothing was looked for yet. */
  REQUIRE (! target->exists && -1 == subject->object.experiment_id && NULL == subject->object.model_name.data);
  REQUIRE (TARGET_EXPERIMENT == target->kind || -1 == target->experiment_id);
  if (TARGET_RUN == target->kind)
  {
    uuid_format (id, &target->run_id);
    REQUIRE (slice_is (target->text, id));
  }
  /* It goes to the audit trail; a NUL would end it, which no request brings. */
  REQUIRE (slice_equal (subject->name, text) || NULL != memchr (text.data, '\0', text.len));
}

static void
check_words (struct slice text)
{
  enum access_level level = ACCESS_NO_PERMISSIONS;
  unsigned action = access_action_parse (text);

  if (access_level_parse (&level, text))
    REQUIRE (slice_is (text, access_level_name (level)));
  REQUIRE (0 == (action & (action - 1)));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };
  struct arena *arena = arena_new (ARENA_BYTES);
  struct access_subject subject;
  struct err err = { 0 };
  enum err_code code;

  REQUIRE (NULL != arena);
  code = access_subject_parse (&subject, text, arena, &err);
  if (ERR_OK == code)
    check_accepted (&subject, text);
  else
  {
    REQUIRE (code == err.code && '\0' != err.message[0]);
    REQUIRE (ERR_INVALID_PARAMETER_VALUE == code || ERR_RESOURCE_DOES_NOT_EXIST == code);
  }
  check_words (text);
  arena_free (arena);
  return 0;
}
