/* Clients of tests that need no more of a world than options. */
#ifndef TESTS_CLIENT_OPENED_H
#define TESTS_CLIENT_OPENED_H

#include "tally.h"

/* Open a client with these options, pairs of a name and a value that end with NULL; the test fails when that is not
   possible. */
struct tally_client *opened (const char *name, ...) __attribute__ ((sentinel));

#endif
