/* tallyd verify-ledger: whether the ledger is whole. */
#ifndef COMMAND_VERIFY_LEDGER_H
#define COMMAND_VERIFY_LEDGER_H

/* argc/argv without program name and subcommand; status of the process. */
int command_verify_ledger (int argc, char **argv);

#endif
