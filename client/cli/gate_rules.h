/* Rules of gates: made from options or a file, and told to people. What they mean: docs/gates.md. */
#ifndef CLI_GATE_RULES_H
#define CLI_GATE_RULES_H

#include "cli/output.h"

/* The rules that the options of `gate set` say, a new reference. Ends the process for what is none. */
json_t *gate_rules_read (struct cli *cli);

/* One sentence for each rule, as an array of texts: a new reference. */
json_t *gate_rules_tell (const json_t *rules);

#endif
