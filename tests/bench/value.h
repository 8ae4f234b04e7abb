/* Values of metrics as training jobs log them, made on the fly. */
#ifndef BENCH_VALUE_H
#define BENCH_VALUE_H

#include "bytes.h"

#include <stdbool.h>

enum value_kind
{
  VALUE_PLAIN, /* 0 to 1 with six digits: the cheapest, for measuring requests */
  VALUE_LOSS, /* a float32 that decays with noise, in the digits of the double it is turned into */
  VALUE_QUANTISED, /* a score that rises with noise, rounded to four decimals */
  VALUE_COUNTER, /* an integer that grows with each step by about 512 */
  VALUE_RANDOM, /* 53 random bits from 0 to 1: nothing can store them in less than that */
  VALUE_DIGITS /* six random digits, to be written behind the point of a number */
};

/* The kind of a name (plain, loss, quantised, counter, random, digits); false when there is none of it. */
bool value_kind_named (enum value_kind *kind, const char *name);

/* Append the value of a step as JSON. `random` is the state of the source of randomness: never 0, changed by this. */
void value_add (struct bytes *out, enum value_kind kind, uint64_t step, uint64_t *random);

/* A number that follows from `x` and looks random: the same for the same. */
uint64_t value_mix (uint64_t x);

#endif
