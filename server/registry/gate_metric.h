/* The value of a metric that counts for a version. */
#ifndef REGISTRY_GATE_METRIC_H
#define REGISTRY_GATE_METRIC_H

#include "registry/change.h"
#include "registry/rules.h"
#include "store/promotion_gate.h"

/* The latest value of the metric of a rule: of the version's logged model when it has one, else of its run. The latest
   is that of the highest step, of equal ones the newest; where several runs measured a model, or on several data sets,
   the newest of those. Points that were just logged count. NaN: there is none, or it is NaN. Errors: those of the
   database, INVALID_PARAMETER_VALUE when the points do not fit into memory. */
enum err_code gate_metric_value (double *value, struct registry_change *change,
                                 const struct store_gate_version *version, const struct rule_metric *rule,
                                 struct err *err);

#endif
