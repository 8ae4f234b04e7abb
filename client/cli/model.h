/* Versions of models as a person names them. */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include "cli/output.h"

/* "models:/NAME/VERSION" and the like of what was typed: with or without "models:/". Ends the process for what is none
   of them. */
const char *model_uri (struct cli *cli, const char *text);
bool model_is_uri (const char *text);

/* The name of a model. Ends the process for an empty one, which would be another path. */
const char *model_name (struct cli *cli, const char *text);

/* The version that it means, as the server has it. */
struct tally_model_version *model_version (struct cli *cli, const char *text);
json_t *model_json (const struct tally_model_version *version);
/* The whole of a version for `show`, with what gates say where the server has them. */
json_t *model_whole (struct cli *cli, const char *text);
void model_print (struct cli *cli, const json_t *model);

/* All items of a list that comes in pages, at most `limit` (0: no limit), each changed by `complete`; with --jsonl they
   are printed as they come. */
json_t *fetch_pages (struct cli *cli, const char *path, const char *member, size_t limit,
                     void (*complete) (json_t *item));
/* Of --limit. */
size_t limit_of (struct cli *cli);

#endif
