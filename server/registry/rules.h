/* The rules of a gate: what its JSON says, read strictly. */
#ifndef REGISTRY_RULES_H
#define REGISTRY_RULES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <jansson.h>
#include <stdint.h>

/* Most items of a list, names of a list of people, and approvals. */
#define RULES_MAX 50
#define RULES_PEOPLE_MAX 100
#define RULES_APPROVALS_MAX 20

struct rule_texts
{
  struct slice *items;
  size_t count;
};

/* Accounts, or what clients claim to be where nobody is asked, and groups, by name. */
struct rule_people
{
  struct rule_texts users;
  struct rule_texts groups;
};

struct rule_check
{
  struct slice name;
  struct rule_people *by; /* whose results count; NULL: everybody's */
};

enum rule_comparison
{
  RULE_AT_LEAST,
  RULE_AT_MOST,
  RULE_NO_WORSE_THAN
};

struct rule_metric
{
  struct slice key;
  enum rule_comparison comparison;
  double bound; /* of the first two */
  struct slice alias; /* of the third: whose version it is compared with */
  double epsilon; /* of the third: how much worse it may be */
  bool lower_is_better; /* of the third */
  struct slice dataset_name; /* absent: any */
  struct slice dataset_digest; /* absent: any */
};

struct rule_tag
{
  struct slice key;
  struct slice value; /* absent: any */
};

struct rule_approvals
{
  int64_t count;
  struct rule_people people; /* nobody named: everybody's count */
};

struct rule_soak
{
  struct slice alias;
  int64_t min_s;
};

/* Either some time, or some minutes of some days of every week; in UTC. */
struct rule_freeze
{
  int64_t from_ms;
  int64_t to_ms; /* not included */
  unsigned days; /* bit 0: Monday; 0: it is not weekly */
  int64_t from_minute;
  int64_t to_minute; /* not included */
};

struct rules
{
  struct rule_check *checks;
  size_t check_count;
  struct rule_metric *metrics;
  size_t metric_count;
  struct rule_tag *tags;
  size_t tag_count;
  struct rule_approvals *approvals; /* NULL: none */
  struct rule_soak *soak; /* NULL: none */
  struct rule_freeze *freezes;
  size_t freeze_count;
  struct rule_people *movers; /* NULL: everybody who has the right */
};

/* Read rules from a JSON value, as docs/gates.md describes them; everything is copied into the arena. Errors:
   INVALID_PARAMETER_VALUE naming the member, such as "rules.metrics[0].at_least: a number is needed."; INTERNAL_ERROR
   without memory. */
enum err_code rules_read (struct rules *rules, const json_t *value, struct arena *arena, struct err *err);

/* The same from JSON text. */
enum err_code rules_parse (struct rules *rules, struct slice text, struct arena *arena, struct err *err);

/* When the freeze that covers a time ends, ms; 0: none does. Of several the one that ends last; one that follows
   another without a gap is not looked for. */
int64_t rules_frozen_until (const struct rules *rules, int64_t now_ms);

#endif
