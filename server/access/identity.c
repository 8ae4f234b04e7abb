/* The words for permissions. */
#include "access/identity.h"

static const char *const level_names[ACCESS_LEVEL_COUNT] = { "NO_PERMISSIONS", "READ", "USE", "EDIT", "MANAGE" };
static const char *const method_names[ACCESS_METHOD_COUNT] = { "none", "password", "token",  "session",
                                                               "jwt",  "proxy",    "command" };
/* In the order of their bits. */
static const char *const action_names[] = { "promote", "force", "delete", "webhooks" };

const char *
access_level_name (enum access_level level)
{
  return level_names[level];
}

bool
access_level_parse (enum access_level *level, struct slice name)
{
  for (int i = 0; i < ACCESS_LEVEL_COUNT; i++)
    if (slice_is (name, level_names[i]))
    {
      *level = (enum access_level)i;
      return true;
    }
  return false;
}

const char *
access_action_name (enum access_action action)
{
  size_t i = 0;

  while (i + 1 < sizeof (action_names) / sizeof (action_names[0]) && (unsigned)action != 1U << i)
    i++;
  return action_names[i];
}

unsigned
access_action_parse (struct slice name)
{
  for (size_t i = 0; i < sizeof (action_names) / sizeof (action_names[0]); i++)
    if (slice_is (name, action_names[i]))
      return 1U << i;
  return 0;
}

const char *
access_method_name (enum access_method method)
{
  return method_names[method];
}

struct access_rights
access_rights_limit (struct access_rights granted, const struct access_identity *identity)
{
  if (granted.level > identity->most.level)
    granted.level = identity->most.level;
  granted.actions &= identity->most.actions;
  return granted;
}
