/* Takes the command line apart. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/cli.h"

/* Fill in what the arguments say; `words` without the program's name. Ends the process on a wrong use. Returns the
   command's first words that are no command ("model"), for its help, or NULL. */
const char *parse_arguments (struct cli *cli, const char *const *words, size_t count);

/* Tell that there is no such command, with the one that was probably meant; `second` (NULL: none) is the word behind a
   group. Ends the process. */
void parse_unknown_command (struct cli *cli, const char *first, const char *second) __attribute__ ((noreturn));

#endif
