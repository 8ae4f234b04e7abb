/* tallyd gc: removes for good what was deleted long ago, and contents that nothing names. */
#ifndef COMMAND_GC_H
#define COMMAND_GC_H

/* Run it with the flags behind the subcommand; gives the status of the process. */
int command_gc (int argc, char **argv);

#endif
