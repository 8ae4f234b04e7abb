/* SQL for whether somebody is one of some people. */
#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

/* A condition: the name (an expression) is one of `users`, or that of an account, not disabled, in one of `groups`;
   both are parameters of type text[]. */
#define STORE_IS_AMONG(name, users, groups)                                                                            \
  "(" name " = ANY (" users "::text[]) OR EXISTS (SELECT FROM account_group AS pg"                                     \
  " JOIN account_group_member AS pm ON pm.group_id = pg.group_id"                                                      \
  " JOIN account AS pa ON pa.account_id = pm.account_id AND pa.disabled_at_ms IS NULL"                                 \
  " WHERE pg.name = ANY (" groups "::text[]) AND pa.username = " name "))"

/* A condition about a row of something that somebody did, with columns actor and account_id: whom an account did it
   for, the account is still there and not disabled; a claim (account_id NULL) counts where nobody is asked (`claims`, a
   parameter of type bool). */
#define STORE_ACTOR_COUNTS(row, claims)                                                                                \
  "CASE WHEN " row ".account_id IS NULL THEN " claims "::bool ELSE EXISTS (SELECT FROM account AS ac"                  \
  " WHERE ac.account_id = " row ".account_id AND ac.disabled_at_ms IS NULL) END"

#endif
