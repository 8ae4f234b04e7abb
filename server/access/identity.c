/* The words for permissions, and names of users. */
#include "access/identity.h"

#include "access/credential.h"
#include "base/utf8.h"
#include "store/access_words.h"

_Static_assert(STORE_LEVEL_COUNT == ACCESS_LEVEL_COUNT, "one word for each level");
_Static_assert((1U << STORE_ACTION_COUNT) - 1 == ACCESS_ALL_ACTIONS, "one word for each action");

static const char *const method_names[ACCESS_METHOD_COUNT] = { "none", "password", "token",  "session",
                                                               "jwt",  "proxy",    "command" };

/* As the column account.username has it. */
#define USERNAME_MAX 255

enum err_code
access_check_username (struct slice username, struct err *err)
{
  const struct slice prefix = SLICE (CREDENTIAL_TOKEN_PREFIX);

  if (0 == username.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The user name must not be empty.");
  if (! utf8_valid (username) || utf8_length (username) > USERNAME_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The user name must be UTF-8 and have at most %d characters.",
                    USERNAME_MAX);
  for (size_t i = 0; i < username.len; i++)
    if ((unsigned char)username.data[i] < ' ' || '\x7F' == username.data[i] || ':' == username.data[i])
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "The user name must hold neither control characters nor colons.");
  if (' ' == username.data[0] || ' ' == username.data[username.len - 1])
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The user name must neither begin nor end with a space.");
  if (username.len >= prefix.len && 0 == memcmp (username.data, prefix.data, prefix.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The user name must not begin with '%s' as API tokens do.",
                    CREDENTIAL_TOKEN_PREFIX);
  return ERR_OK;
}

const char *
access_level_name (enum access_level level)
{
  return store_level_names[level];
}

bool
access_level_parse (enum access_level *level, struct slice name)
{
  for (int i = 0; i < ACCESS_LEVEL_COUNT; i++)
    if (slice_is (name, store_level_names[i]))
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

  while (i + 1 < STORE_ACTION_COUNT && (unsigned)action != 1U << i)
    i++;
  return store_action_names[i];
}

unsigned
access_action_parse (struct slice name)
{
  for (size_t i = 0; i < STORE_ACTION_COUNT; i++)
    if (slice_is (name, store_action_names[i]))
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
