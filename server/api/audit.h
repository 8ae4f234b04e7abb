/* The audit trail. */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include "api/call.h"

/* Handle function of the route /audit. */
enum err_code api_audit_list (struct api_call *call, struct err *err);

#endif
