/* Documents of the runs of a page: those in memory as they are, the others read and rendered. */
#ifndef API_RUN_DOCUMENTS_H
#define API_RUN_DOCUMENTS_H

#include "api/run_document.h"
#include "search/run_search.h"

struct run_documents
{
  struct slice *json; /* of each item; absent when the run was removed for good meanwhile */
  struct buffer rendered;
};

/* Get the documents of some items, which may have some already. Inside of a STORE_SNAPSHOT transaction. The caller
   frees with run_documents_free, also after a failure. Errors: those of the database; INVALID_PARAMETER_VALUE when they
   are larger than an answer may be. */
enum err_code run_documents_load (struct run_documents *documents, struct api_call *call, struct run_item *items,
                                  size_t count, const struct run_projection *projection, struct err *err);
void run_documents_free (struct run_documents *documents);

/* Parse the list `fields` of a request; the empty one shows everything. Errors: INVALID_PARAMETER_VALUE. */
enum err_code run_projection_parse (struct run_projection *projection, const struct slice *fields, size_t count,
                                    struct arena *arena, struct err *err);

#endif
