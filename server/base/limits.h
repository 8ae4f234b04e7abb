/* Lengths that both sides of the wire check, in characters: MLflow's (mlflow/utils/validation.py, and the columns of
   its tables), so that what one server takes the other does. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Of a metric, param or tag. */
#define KEY_MAX 250
#define PARAM_VALUE_MAX 6000
#define RUN_TAG_VALUE_MAX 8000

#define DATASET_NAME_MAX 500
#define DATASET_DIGEST_MAX 36
/* MLflow has it in its column only: PostgreSQL refuses what is longer (400, with the SQL), SQLite takes it. */
#define DATASET_SOURCE_TYPE_MAX 36
#define DATASET_SOURCE_MAX 65535
#define DATASET_SCHEMA_MAX 1048575
#define DATASET_PROFILE_MAX 16777215
/* Tags of an input: what the data set was used for is one. */
#define INPUT_TAG_KEY_MAX 255
#define INPUT_TAG_VALUE_MAX 500

#endif
