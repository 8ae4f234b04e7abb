/* Request bodies with holes that are filled anew for each request. */
#ifndef BENCH_TEMPLATE_H
#define BENCH_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; zeroed before the first use. Ends the program when memory runs out. */
struct bytes
{
  char *data;
  size_t length;
  size_t capacity;
};

void bytes_add (struct bytes *bytes, const char *data, size_t length);
void bytes_add_number (struct bytes *bytes, uint64_t number);

/* What a template is filled with: one for each connection. */
struct filling
{
  const char *run; /* @run@ */
  uint64_t point; /* grows by one with each element */
  uint64_t keys; /* @key@ is point % keys, @step@ is point / keys */
  uint64_t time_ms; /* @time@ is this plus point */
  uint64_t random; /* state for @value@, a number from 0 to 1 with six digits */
  uint64_t count; /* @count@: number of the request in this whole program */
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
