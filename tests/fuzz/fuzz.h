/* What every fuzz target has: the entry point, and a check that aborts, which is how a property fails. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Run one input; called by libFuzzer or by replay.c. Aborts when a property does not hold; returns 0. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Abort, and say where, unless `condition` holds; never compiled out. */
#define REQUIRE(condition)                                                                                             \
  do                                                                                                                   \
  {                                                                                                                    \
    if (! (condition))                                                                                                 \
    {                                                                                                                  \
      fprintf (stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                  \
      abort ();                                                                                                        \
    }                                                                                                                  \
  } while (0)

#endif
