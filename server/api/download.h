/* Downloads: directories as archives and single files, for programs that fetch models. Source: docs/api/download.md. */
#ifndef API_DOWNLOAD_H
#define API_DOWNLOAD_H

#include "api/call.h"

api_handle api_download;
api_handle api_artifact_archive;

#endif
