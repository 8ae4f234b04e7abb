/* Users that a trusted proxy names in headers. */
#include "access/access_private.h"
#include "access/federation.h"
#include "access/oidc.h"
#include "store/account.h"

/* Longest name as a subject: what a name of 255 characters has at most. */
#define SUBJECT_MAX_BYTES 1020

/* Names between commas. False when memory is out. */
static bool
split_groups (struct federation *said, struct slice list, struct arena *arena)
{
  size_t count = 1;
  size_t begin = 0;

  for (size_t i = 0; i < list.len; i++)
    count += ',' == list.data[i];
  said->groups = arena_array (arena, count, sizeof (said->groups[0]));
  if (NULL == said->groups)
    return false;
  for (size_t i = 0; i <= list.len; i++)
    if (i == list.len || ',' == list.data[i])
    {
      said->groups[said->group_count++] = (struct slice){ list.data + begin, i - begin };
      begin = i + 1;
    }
  said->has_groups = true;
  return true;
}

enum err_code
proxy_identify (struct access_identity *identity, struct access *access, struct store_connection *connection,
                const struct credential *credential, struct slice address, struct arena *arena, struct err *err)
{
  struct federation said = { .issuer = SLICE (STORE_ISSUER_PROXY),
                             .subject = credential->username,
                             .names = { credential->username } };

  if (0 == credential->username.len || credential->username.len > SUBJECT_MAX_BYTES)
    return err_set (err, ERR_UNAUTHENTICATED, "The proxy names a user with an empty or too long name.");
  if (NULL != credential->groups.data && ! split_groups (&said, credential->groups, arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return federation_account (identity, access, connection, &said, ACCESS_BY_PROXY, address, arena, err);
}
