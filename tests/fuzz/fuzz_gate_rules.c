/* Rules of gates: any text is read without harm; what is refused has a message that is text and names a place; what is
   accepted keeps the bounds that its users rely on. */
#include "fuzz.h"

#include "base/utf8.h"
#include "registry/rules.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

static void
check_text (struct slice text, size_t most)
{
  REQUIRE (utf8_valid (text) && utf8_length (text) <= most);
  REQUIRE (0 == text.len || NULL == memchr (text.data, '\0', text.len));
}

static void
check_people (const struct rule_people *people)
{
  REQUIRE (people->users.count <= RULES_PEOPLE_MAX && people->groups.count <= RULES_PEOPLE_MAX);
  for (size_t i = 0; i < people->users.count; i++)
    REQUIRE (people->users.items[i].len > 0);
  for (size_t i = 0; i < people->groups.count; i++)
    check_text (people->groups.items[i], 255);
}

static void
check_metric (const struct rule_metric *metric)
{
  REQUIRE (metric->key.len > 0 && isfinite (metric->epsilon) && metric->epsilon >= 0);
  REQUIRE ((RULE_NO_WORSE_THAN == metric->comparison) == (NULL != metric->alias.data));
  REQUIRE (RULE_NO_WORSE_THAN == metric->comparison || isfinite (metric->bound));
  check_text (metric->dataset_name, 500);
}

static void
check_freeze (const struct rules *rules, const struct rule_freeze *freeze)
{
  if (0 == freeze->days)
  {
    REQUIRE (freeze->from_ms < freeze->to_ms);
    REQUIRE (freeze->from_ms < 0 || rules_frozen_until (rules, freeze->from_ms) >= freeze->to_ms);
    REQUIRE (freeze->from_ms < 0 || rules_frozen_until (rules, freeze->to_ms - 1) >= freeze->to_ms);
    return;
  }
  REQUIRE (freeze->days < 128 && freeze->from_minute >= 0 && freeze->from_minute < freeze->to_minute
           && freeze->to_minute <= 1440);
}

static void
check_rules (const struct rules *rules)
{
  REQUIRE (rules->check_count <= RULES_MAX && rules->metric_count <= RULES_MAX && rules->tag_count <= RULES_MAX);
  for (size_t i = 0; i < rules->check_count; i++)
  {
    REQUIRE (rules->checks[i].name.len > 0);
    if (NULL != rules->checks[i].by)
      check_people (rules->checks[i].by);
  }
  for (size_t i = 0; i < rules->metric_count; i++)
    check_metric (&rules->metrics[i]);
  for (size_t i = 0; i < rules->tag_count; i++)
    check_text (rules->tags[i].key, 250);
  for (size_t i = 0; i < rules->freeze_count; i++)
    check_freeze (rules, &rules->freezes[i]);
  if (NULL != rules->approvals)
    REQUIRE (rules->approvals->count >= 1 && rules->approvals->count <= RULES_APPROVALS_MAX);
  if (NULL != rules->soak)
    REQUIRE (rules->soak->min_s >= 1 && rules->soak->alias.len > 0);
  if (NULL != rules->movers)
    REQUIRE (rules->movers->users.count + rules->movers->groups.count > 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  struct err err = { .code = ERR_OK };
  struct rules rules;
  enum err_code code = rules_parse (&rules, (struct slice){ (const char *)data, size }, arena, &err);

  if (ERR_OK == code)
    check_rules (&rules);
  else
  {
    REQUIRE (utf8_valid (slice_of (err.message)));
    REQUIRE (ERR_INVALID_PARAMETER_VALUE != code || 0 == strncmp (err.message, "rules", 5));
  }
  arena_free (arena);
  return 0;
}
