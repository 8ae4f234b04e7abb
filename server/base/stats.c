/* The instance of the process-wide figures. */
#include "base/stats.h"

struct stats stats;
