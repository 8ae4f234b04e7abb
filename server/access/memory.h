/* What a daemon remembers of identities and rights: tables of a fixed size that forget what is in the way; private to
   the room access. */
#ifndef ACCESS_MEMORY_H
#define ACCESS_MEMORY_H

#include "access/identity.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/lock.h"

struct memory_credential
{
  struct digest digest;
  uint64_t stamp; /* 0: empty */
  struct access_identity identity; /* without its name */
  char *username; /* owned */
  int64_t used_at_ms; /* of a token */
  int64_t noted_at_ms; /* what of that is in the database */
};

struct memory_verified
{
  struct digest credential; /* all zero: empty */
  struct digest stored; /* of the account's stored text */
};

struct memory_run
{
  struct uuid run_id;
  int64_t experiment; /* its number plus 1; 0: empty */
};

struct memory_rights
{
  int64_t account_id;
  int64_t experiment_id;
  int64_t workspace_id;
  struct access_rights rights;
  uint64_t stamp; /* 0: empty */
};

struct memory_workspace
{
  char name[64];
  int64_t workspace_id;
  uint64_t stamp; /* 0: empty */
};

/* Requests and bytes that an account may still send. */
struct memory_quota
{
  int64_t account_id; /* 0: empty */
  int64_t micro_requests; /* millionths */
  uint64_t filled_us;
  int64_t day; /* since 1970 */
  int64_t bytes; /* sent on that day */
};

struct memory
{
  struct lock lock; /* guards all of it; a leaf */
  unsigned turn; /* which of the places of a key is given up next */
  struct memory_credential *credentials;
  struct memory_verified *verified;
  struct memory_run *runs;
  struct memory_rights *rights;
  struct memory_workspace *workspaces;
  struct memory_quota *quotas;
};

/* Keys have one of four places. Credentials: a program has one. Runs: those that log at the same time; 1.5 MB. Rights:
   pairs of accounts and experiments that are used at the same time. Credentials and rights are given about six times as
   many places as 2,000 programs with five grants each need: with a third of that one request of twenty found its
   place taken, and asked the database, which halved the speed of all. */
#define MEMORY_WAYS 4
#define MEMORY_CREDENTIALS ((size_t)16384)
#define MEMORY_VERIFIED ((size_t)4096)
#define MEMORY_RUNS ((size_t)65536)
#define MEMORY_RIGHTS ((size_t)65536)
#define MEMORY_WORKSPACES ((size_t)256)
#define MEMORY_QUOTAS ((size_t)4096)

/* False when memory is out. */
bool memory_init (struct memory *memory);
void memory_free (struct memory *memory);

#endif
