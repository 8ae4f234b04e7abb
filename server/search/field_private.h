/* What the parsers of this room share about identifiers. */
#ifndef SEARCH_FIELD_PRIVATE_H
#define SEARCH_FIELD_PRIVATE_H

#include "search/field.h"

/* Give an identifier its meaning, its quotes in place. The field is one that `ability` is allowed for.
   Errors: INVALID_PARAMETER_VALUE with MLflow's texts. */
enum err_code search_field_resolve (struct search_field *field, struct slice text,
                                    const struct search_resource *resource, enum search_abilities ability,
                                    struct arena *arena, struct err *err);

/* Turn a param or tag into number() of it. Errors: INVALID_PARAMETER_VALUE for anything else. */
enum err_code search_field_number (struct search_field *field, struct err *err);

/* False when quotes of an identifier do not match or its key is empty. */
bool search_field_readable (struct slice text);

/* MLflow's name of an entity: "parameter". */
const char *search_entity_name (enum search_entity entity);

#endif
