/* tallyd user and tallyd token: accounts and API tokens, for whoever may reach the database. */
#ifndef COMMAND_USER_H
#define COMMAND_USER_H

/* argc/argv without program name and subcommand; status of the process. */
int command_user (int argc, char **argv);
int command_token (int argc, char **argv);

#endif
