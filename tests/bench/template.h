/* Request bodies with holes that are filled anew for each request. */
#ifndef BENCH_TEMPLATE_H
#define BENCH_TEMPLATE_H

#include "bytes.h"
#include "value.h"

#include <stdbool.h>

/* What a template is filled with: one for each run of each connection. */
struct filling
{
  const char *run; /* @run@ */
  const struct bytes *headers; /* of its requests; NULL: none of its own */
  uint64_t point; /* grows by one with each element */
  uint64_t keys; /* @key@ is point % keys, @step@ is point / keys */
  uint64_t time_ms; /* @time@: see step_ms */
  uint64_t step_ms; /* 0: @time@ is time_ms plus point; else time_ms plus step times this, give or take a fifth of it */
  enum value_kind values; /* what @value@ is */
  uint64_t random; /* state for @value@; not 0 */
  uint64_t count; /* @count@: number of the request in this whole program */
  uint64_t left; /* requests that may still be sent for this run */
};

struct template;

/* Read a template. `text` may have the holes @run@ @key@ @step@ @time@ @value@ @count@ and once @elements@, which
   stands for `repeat` copies of `element` with commas between them; the copies have their own points. Ends the program
   with a message when a hole is unknown. Both texts must outlive the template. */
struct template *template_new (const char *text, const char *element, unsigned repeat);
void template_free (struct template *template);

/* Append the filled template to `out` and advance `filling`. */
void template_fill (struct bytes *out, const struct template *template, struct filling *filling);

#endif
