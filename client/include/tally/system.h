/* What the machine does and where the code comes from: sampled metrics, environment and git. */
#ifndef TALLY_SYSTEM_H
#define TALLY_SYSTEM_H

#include "tally/log.h"

TALLY_BEGIN

/* A thread that logs the machine's load to a run. */
struct tally_system;

/* Log every `interval_ms` (100 to 3,600,000; 0: 10,000), as MLflow names them: system/cpu_utilization_percentage,
   system/system_memory_usage_megabytes and _percentage, system/disk_usage_megabytes, _percentage and
   system/disk_available_megabytes, system/network_receive_megabytes and _transmit_, and for each NVIDIA device
   system/gpu_<n>_utilization_percentage, _memory_usage_megabytes, _memory_usage_percentage, _power_usage_watts,
   _power_usage_percentage when its library is there. Memory is that of the control group (container) when it has a
   limit. Also system/process_memory_megabytes and system/process_cpu_percentage of this process or, when
   `process` is not 0, of that one with its children. Steps count from 0. What cannot be read is left out. Stop with
   tally_system_stop, before the run is freed or the client closed; that takes a last sample, so that a short job has
   one. Errors: ARGUMENT, MEMORY, FORKED. */
TALLY_API enum tally_code tally_system_start (struct tally_system **system, struct tally_run *run, unsigned interval_ms,
                                              int64_t process, struct tally_error *err);
TALLY_API void tally_system_stop (struct tally_system *system);

/* Tags about this process: mlflow.user, mlflow.source.name (the program) and .type, tally.host, .process, .arguments,
   .folder, .compiler (of the library), .kernel, .cores (that it may use), .memory_megabytes, and tally.env.<name> for
   the variables of schedulers and ranks that are set (SLURM_JOB_ID, OMPI_COMM_WORLD_RANK, …); never other variables. Of
   arguments whose name speaks of a password, token, secret or key the value is left out, and credentials of addresses.
   Errors: MEMORY, FULL, FORKED. */
TALLY_API enum tally_code tally_capture_environment (struct tally_run *run, struct tally_error *err);

/* Tags about the git work tree that holds `folder` (NULL: the working folder): mlflow.source.git.commit, .branch and
   .repoURL (without credentials), read from its files: nothing is executed. NOT_FOUND when there is none. */
TALLY_API enum tally_code tally_capture_git (struct tally_run *run, const char *folder, struct tally_error *err);

TALLY_END

#endif
