/* Rules of names and lengths that experiments, runs, metrics and tags share. */
#ifndef API_NAMES_H
#define API_NAMES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

#include <stdint.h>

/* Limits in characters beside those of base/limits.h; all are MLflow's (mlflow/utils/validation.py), so that what one
 * server takes the other does. */
#define EXPERIMENT_TAG_VALUE_MAX 20000
#define EXPERIMENT_NAME_MAX 500
/* MLflow gives ids of 34 characters; others that a client makes up get the room of a key. */
#define MODEL_ID_MAX 250

/* Characters and form of a metric, param or tag key: letters, digits and _ - . space : /, and the text is its own
   normal form as a POSIX path. `parameter` names the field in the message. Errors: INVALID_PARAMETER_VALUE. */
enum err_code names_check_key (struct slice key, const char *parameter, struct arena *arena, struct err *err);

/* The second half of that: the normal form. Errors: as names_check_key. */
enum err_code names_check_path (struct slice text, const char *parameter, struct arena *arena, struct err *err);

/* True when names_check_key and the length limit would pass; no message, for the hot path. */
bool names_key_is_fine (struct slice key);

/* At most `max` characters. `what` stands in the message. */
enum err_code names_check_length (struct slice text, const char *what, size_t max, struct err *err);

/* The number of an experiment; the empty text means 0. Errors: INVALID_PARAMETER_VALUE when it is not an integer,
   RESOURCE_DOES_NOT_EXIST when it is beyond all numbers we give. */
enum err_code names_experiment_id (int64_t *id, struct slice text, struct err *err);

/* The numbers of several experiments of a search; one that no experiment can have is left out, because it finds
   nothing. `ids` has room for `text_count`. Errors: INVALID_PARAMETER_VALUE. */
enum err_code names_experiment_ids (int64_t *ids, size_t *count, const struct slice *texts, size_t text_count,
                                    struct err *err);

#endif
