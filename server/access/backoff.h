/* Slowing down who guesses passwords: failures remembered in a table of fixed size.

   DESIGN
   Failures are counted twice: for a user name from an address, and for an address whatever the name. After the first
   few each further one shuts the door for a time that doubles. While it is shut no password is looked at, not even one
   that is remembered to be right: an answer that differs would tell a guesser what he wants to know, at any speed. So
   that this does not shut out who does nothing wrong:
   - Nobody is shut out by what comes from another address.
   - The same wrong password again is no guess but a program that was left behind with an old one: it is refused, and
     neither hashed nor counted.
   - Who has once come in with a name from an address is not held up there by failures for other names.
   An IPv6 address counts with all of its /64, which one customer has. The two tables forget separately, so that made-up
   names cannot push addresses out, and both forget what was used longest ago. Names, addresses and passwords are kept
   as keyed digests: nobody chooses their places, nobody reads them.
   Tries that are under way at the same moment do not see each other's failures; there are no more than login-threads.
 */
#ifndef ACCESS_BACKOFF_H
#define ACCESS_BACKOFF_H

#include "base/digest.h"

#include <stdint.h>

struct backoff;

/* NULL when memory or randomness is out. About 2 MiB of address space, and of memory when it is full. The caller frees
   it, after everybody who uses it has ended; NULL is fine. */
struct backoff *backoff_new (void);
void backoff_free (struct backoff *backoff);

/* Whole seconds that a try for this name from this address must wait; 0: go on. `address` is text as in the call;
   `now_us` of clock_monotonic_us. Costs next to nothing while no door is shut. This and the following are thread-safe
   and never wait. */
unsigned backoff_wait_s (struct backoff *backoff, struct slice username, struct slice address, uint64_t now_us);

/* Whether this credential was wrong for the name, from the address, when the account had the same stored text (absent:
   none, or no account). Only the last few wrong ones are known. */
bool backoff_is_known_wrong (struct backoff *backoff, struct slice username, struct slice address,
                             const struct digest *credential, struct slice stored);

/* It was wrong, and not known to be. */
void backoff_failed (struct backoff *backoff, struct slice username, struct slice address,
                     const struct digest *credential, struct slice stored, uint64_t now_us);

/* It was right: what failed for this name from this address is forgotten, what failed from the address is not, so that
   an account of one's own does not help in guessing. */
void backoff_succeeded (struct backoff *backoff, struct slice username, struct slice address);

#endif
