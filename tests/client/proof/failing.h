/* Allocations that fail when a test wants it: of the library (linked with --wrap), of libcurl and of jansson. */
#ifndef PROOF_FAILING_H
#define PROOF_FAILING_H

#include <stdbool.h>

/* Before anything else uses libcurl or jansson. */
void failing_init (void);

/* From now on allocation number `at` (from 0) of any thread fails, and with `and_all_after` each later one. */
void failing_arm (long at, bool and_all_after);

/* Leave libcurl's own alone from now on, or not. */
void failing_spare_curl (bool spare);

/* No more of it. True when one has failed since failing_arm. */
bool failing_disarm (void);

/* True when it was one of jansson's or libcurl's: they may call the text wrong then, or the connection broken. */
bool failing_was_elsewhere (void);

#endif
