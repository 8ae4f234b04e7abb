/* Downloads inside of the library. */
#ifndef CLIENT_ARTIFACT_DOWNLOAD_H
#define CLIENT_ARTIFACT_DOWNLOAD_H

#include "inventory.h"

#include "tally/artifact.h"

/* Fetch the files of an inventory of a place into the folder `path`, as their names without the first `cut` bytes. */
enum tally_code download_files (struct tally_client *client, const struct place *place,
                                const struct inventory *inventory, size_t cut, const char *path,
                                const struct tally_transfer *settings, struct tally_error *err);

#endif
