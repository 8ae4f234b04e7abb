/* Searches inside of the library: how each kind of thing is asked for, page by page. */
#ifndef CLIENT_SEARCH_H
#define CLIENT_SEARCH_H

#include "answer.h"
#include "decode.h"

struct search_kind
{
  const char *method; /* POST: the request is the body; GET: it becomes the query */
  const char *path;
  const char *list; /* member of the answer that holds the items */
  int page_size; /* items asked for at a time */
  size_t item_bytes;
  decode_function *decode;
};

/* A search of this kind. `request` holds what is asked, without max_results and page_token; the reference is stolen,
   also on errors; NULL means that memory was out. `max_results` 0: all. */
enum tally_code search_new (struct tally_search **search, struct tally_client *client, const struct search_kind *kind,
                            json_t *request, size_t max_results, struct tally_error *err);

/* The next item, NULL behind the last. ARGUMENT when the search is not of this kind. */
enum tally_code search_next (const void **item, struct tally_search *search, const struct search_kind *kind,
                             struct tally_error *err);

/* Let the search ask for the experiments first: their ids become its "experiment_ids". */
void search_all_experiments (struct tally_search *search);

/* MLflow's word for a view. Static. */
const char *search_view (enum tally_view view);

/* "a ASC, b" as a list of texts: split at the commas that stand in no quotes. NULL when memory is out. */
json_t *search_order (const char *order_by);

/* A list of texts. NULL when memory is out. */
json_t *search_texts (const char *const *texts, size_t count);

/* Put a text into the request unless it is NULL or empty; false when memory is out. */
bool search_put_text (json_t *request, const char *name, const char *text);

#endif
