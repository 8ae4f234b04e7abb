/* What the routes of accounts, groups, tokens and grants share: pages, words, and what a narrow credential may not do.
 */
#ifndef API_PRINCIPAL_H
#define API_PRINCIPAL_H

#include "api/gate.h"
#include "api/json.h"

/* Page sizes, unless a route says otherwise. */
#define PRINCIPAL_RESULTS 100
#define PRINCIPAL_RESULTS_MAX 1000

/* A page: how many at most, and behind what. */
struct principal_page
{
  int64_t most;
  struct slice after; /* a name; absent: from the first */
  int64_t after_number; /* the same as a number; 0 */
};

/* Read it from the arguments max_results and page_token. `numbers`: the token holds a number. Errors:
   INVALID_PARAMETER_VALUE. */
enum err_code principal_page_read (struct principal_page *page, const struct optional_int64 *max_results,
                                   struct slice page_token, bool numbers, struct arena *arena, struct err *err);

/* Read the arguments of a list by name: search (part of it), max_results and page_token. Errors: as before. */
enum err_code principal_list_read (struct slice *search, struct principal_page *page, struct api_call *call,
                                   struct err *err);

/* Write the member next_page_token, for continuing behind a name or number. */
void principal_page_write (struct json_write *w, struct slice last, struct arena *arena);
void principal_page_write_number (struct json_write *w, int64_t last, struct arena *arena);

/* Who does it: without this nobody can change an account, a group, a token or a grant. Errors: PERMISSION_DENIED where
   authentication is off, because what anybody could set there would hold for all once it is on. */
enum err_code principal_who (struct store_audit *who, struct api_call *call, struct err *err);

/* "User with username=… not found" (MLflow's words) and "Group '…' not found". */
enum err_code principal_no_user (struct err *err, struct slice username);
enum err_code principal_no_group (struct err *err, struct slice name);

/* Names of groups, tokens and the like: 1 to 255 characters, no control characters. `what` stands in the message. */
enum err_code principal_check_name (struct slice name, const char *what, struct err *err);

/* A permission by its name; MLflow's words when there is none. */
enum err_code principal_level (enum access_level *level, struct slice name, struct err *err);

/* The actions of a list of names, as bits. Errors: INVALID_PARAMETER_VALUE. */
enum err_code principal_actions (unsigned *actions, const struct slices *names, struct err *err);

/* Refuse, and note it, with PERMISSION_DENIED: what is done needs more than the caller has. `object` may be absent. */
enum err_code principal_refuse (struct api_call *call, struct slice object, struct err *err, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

/* Accounts are changed by whom nothing limits: a token with fewer rights than its account could else make itself, or
   another, an account with more. PERMISSION_DENIED when the credential is a narrower one. */
enum err_code principal_require_whole (struct api_call *call, struct err *err);

/* The same for what lasts longer than the credential, such as one's own password: neither narrower nor a token that
   ends. */
enum err_code principal_require_lasting (struct api_call *call, struct err *err);

/* Write "actions", when there are any, and other members that may be absent. */
void principal_write_optional (struct json_write *w, const char *name, const struct optional_int64 *value);

#endif
