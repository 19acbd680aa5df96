#include "arch/arguments.h"

#include "base/number.h"
#include "base/ratio.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMED = 10 };

bool dmx_arguments_known(const dmx_argument *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return true;
    return false;
}

dmx_status dmx_arguments_set(dmx_json *object, const char *text, dmx_error *err)
{
    const char *equals = strchr(text, '=');
    DMX_RETURN_IF(equals == NULL || equals == text, err, DMX_ERROR_ARGUMENT,
                  "'%s' is not KEY=VALUE", text);
    char *key = strndup(text, (size_t)(equals - text));
    dmx_json *value = dmx_json_read(equals + 1);
    if (value == NULL)
        value = dmx_json_new_string(equals + 1);
    if (key != NULL && value != NULL) {
        value->marked = true;
        dmx_json_remove(object, key);
        if (dmx_json_add(object, key, value))
            value = NULL;
    }
    const bool failed = key == NULL || value != NULL;
    dmx_json_free(value);
    free(key);
    DMX_RETURN_IF(failed, err, DMX_ERROR_MEMORY, "no memory for '%s'", text);
    return DMX_OK;
}

static void drop_unknown(dmx_json *object, const dmx_argument *table,
                         const dmx_hooks *hooks)
{
    size_t dropped = 0;
    dmx_json *next;
    for (dmx_json *item = object->child; item != NULL; item = next) {
        next = item->next;
        if (dmx_arguments_known(table, item->string))
            continue;
        if (dropped++ < MOST_NAMED)
            dmx_warn(hooks, "unknown argument '%s' dropped", item->string);
        dmx_json_free(dmx_json_detach(object, item));
    }
    if (dropped > MOST_NAMED)
        dmx_warn(hooks, "%zu more unknown arguments dropped",
                 dropped - MOST_NAMED);
}

dmx_status dmx_arguments_complete(dmx_json *object, const dmx_argument *table,
                                  const dmx_hooks *hooks, dmx_error *err)
{
    drop_unknown(object, table, hooks);
    for (; table->name != NULL; table++) {
        if (dmx_json_get(object, table->name) != NULL)
            continue;
        dmx_json *value = dmx_json_read(table->default_json);
        if (value == NULL || !dmx_json_add(object, table->name, value)) {
            dmx_json_free(value);
            DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for arguments");
        }
    }
    return DMX_OK;
}

dmx_status dmx_argument_fault(const dmx_json *object, const char *name)
{
    const dmx_json *item = dmx_json_get(object, name);
    return item != NULL && item->marked ? DMX_ERROR_ARGUMENT : DMX_ERROR_MODEL;
}

static bool as_number(double *out, const dmx_json *item)
{
    if (dmx_json_is_bool(item) || dmx_json_is_null(item))
        *out = dmx_json_is_true(item) ? 1.0 : 0.0;
    else if (dmx_json_is_number(item))
        *out = item->valuedouble;
    else
        return false;
    return true;
}

dmx_status dmx_argument_double(double *out, const dmx_json *object,
                               const char *name, double least, double most,
                               dmx_error *err)
{
    const dmx_json *item = dmx_json_get(object, name);
    double value = 0.0;
    DMX_RETURN_IF(item == NULL || !as_number(&value, item), err,
                  dmx_argument_fault(object, name),
                  "argument %s is not a number", name);
    DMX_RETURN_IF(!(value >= least && value <= most), err,
                  dmx_argument_fault(object, name),
                  "argument %s = %g is out of range: %g to %g", name, value,
                  least, most);
    *out = value;
    return DMX_OK;
}

dmx_status dmx_argument_int(int64_t *out, const dmx_json *object,
                            const char *name, int64_t least, int64_t most,
                            dmx_error *err)
{
    double value = 0.0;
    DMX_FORWARD(dmx_argument_double(&value, object, name, (double)least,
                                    (double)most, err));
    DMX_RETURN_IF(value != floor(value), err, dmx_argument_fault(object, name),
                  "argument %s = %g is not a whole number", name, value);
    *out = (int64_t)value;
    return DMX_OK;
}

dmx_status dmx_argument_ints(const dmx_int_argument *field, size_t count,
                             const dmx_json *object, dmx_error *err)
{
    for (size_t i = 0; i < count; i++)
        DMX_FORWARD(dmx_argument_int(field[i].value, object, field[i].name,
                                     field[i].least, field[i].most, err));
    return DMX_OK;
}

dmx_status dmx_argument_bool(bool *out, const dmx_json *object,
                             const char *name, dmx_error *err)
{
    double value = 0.0;
    DMX_FORWARD(dmx_argument_double(&value, object, name, -1e300, 1e300, err));
    *out = value != 0.0;
    return DMX_OK;
}

/* The decimal fraction, of up to nine digits, that a float was written as. */
static void decimal_fraction(int64_t fraction[2], double value)
{
    double power = 1.0;
    for (int k = 0; k < 9; k++, power *= 10.0)
        if (fabs(value * power - round(value * power)) < 1e-7)
            break;
    fraction[0] = llround(value * power);
    fraction[1] = llround(power);
}

static bool fraction_object(int64_t fraction[2], const dmx_json *item)
{
    static const char *const part[] = {"numerator", "denominator"};
    for (int k = 0; k < 2; k++) {
        const dmx_json *n = dmx_json_get(item, part[k]);
        if (!dmx_json_is_number(n) || fabs(n->valuedouble) > 1e15)
            return false;
        fraction[k] = (int64_t)n->valuedouble;
    }
    return true;
}

static bool parse_seconds(int64_t fraction[2], double *seconds,
                          const dmx_json *item)
{
    bool exact = false;
    if (dmx_json_is_string(item))
        exact = dmx_ratio_parse(fraction, item->valuestring,
                                strlen(item->valuestring));
    else if (dmx_json_is_object(item))
        exact = fraction_object(fraction, item);
    if (exact) {
        if (fraction[1] <= 0)
            return false;
        *seconds = (double)fraction[0] / (double)fraction[1];
        return true;
    }
    if (dmx_json_is_string(item)) {
        if (!dmx_number_parse(seconds, item->valuestring))
            return false;
    } else if (dmx_json_is_number(item)) {
        *seconds = item->valuedouble;
    } else {
        return false;
    }
    if (*seconds > 0.0 && *seconds < 1e6)
        decimal_fraction(fraction, *seconds);
    return true;
}

dmx_status dmx_argument_seconds(int64_t fraction[2], double *seconds,
                                const dmx_json *object, const char *name,
                                dmx_error *err)
{
    const dmx_json *item = dmx_json_get(object, name);
    DMX_RETURN_IF(item == NULL || !parse_seconds(fraction, seconds, item), err,
                  dmx_argument_fault(object, name),
                  "argument %s is not a duration in seconds "
                  "(7.8 or 39/5)",
                  name);
    DMX_RETURN_IF(!(*seconds > 0.0 && *seconds <= 3600.0), err,
                  dmx_argument_fault(object, name),
                  "argument %s = %g s is out of range: above 0, at most 3600",
                  name, *seconds);
    dmx_ratio_reduce(fraction);
    return DMX_OK;
}
