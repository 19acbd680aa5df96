/* Constructor arguments: known names with defaults, values merged from several
 * places, and typed access with one-line errors. */
#ifndef DMX_ARCH_ARGUMENTS_H
#define DMX_ARCH_ARGUMENTS_H

#include "base/error.h"

#include "base/json.h"
#include <stdbool.h>

typedef enum dmx_argument_use {
    DMX_ARGUMENT_USED,    /* changes inference */
    DMX_ARGUMENT_IGNORED, /* training only: accepted, without effect */
} dmx_argument_use;

/* In the order of the constructor, so that positional arguments map; a table
 * ends with a NULL name. */
typedef struct dmx_argument {
    const char *name;
    const char *default_json; /* the class default, as JSON */
    dmx_argument_use use;
} dmx_argument;

/* Reads a JSON or YAML file of arguments: its `section` object when there is
 * one, else the top level. From the separate `training` section of community
 * repositories, instruments, channels, samplerate and segment supply sources,
 * audio_channels, samplerate and segment where these are not given. The caller
 * frees *out. */
DMX_MUST_CHECK dmx_status dmx_arguments_read_file(dmx_json **out,
                                                  const char *path,
                                                  const char *section,
                                                  dmx_error *err);

/* Adds a "key=value" text of the caller's to an object; the value is JSON if it
 * parses, else a string. */
DMX_MUST_CHECK dmx_status dmx_arguments_set(dmx_json *object, const char *text,
                                            dmx_error *err);

/* Adds every default that `object` lacks; removes names that are not in the
 * table, with a warning for each. */
DMX_MUST_CHECK dmx_status dmx_arguments_complete(dmx_json *object,
                                                 const dmx_argument *table,
                                                 const dmx_hooks *hooks,
                                                 dmx_error *err);

bool dmx_arguments_known(const dmx_argument *table, const char *name);

/* Whose mistake an invalid value is: DMX_ERROR_ARGUMENT where it came from
 * dmx_arguments_set, DMX_ERROR_MODEL where it came from a file. */
dmx_status dmx_argument_fault(const dmx_json *object, const char *name);

/* Typed access with Python's leniency: True is 1, 8.0 is 8, None is 0/false;
 * a missing name, another type or a value out of range is an error that names
 * the argument and the range, and has the code of dmx_argument_fault. */
DMX_MUST_CHECK dmx_status dmx_argument_int(int64_t *out, const dmx_json *object,
                                           const char *name, int64_t least,
                                           int64_t most, dmx_error *err);
/* A list of integer arguments with their ranges. */
typedef struct dmx_int_argument {
    const char *name;
    int64_t *value;
    int64_t least, most;
} dmx_int_argument;
DMX_MUST_CHECK dmx_status dmx_argument_ints(const dmx_int_argument *field,
                                            size_t count,
                                            const dmx_json *object,
                                            dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_argument_double(double *out,
                                              const dmx_json *object,
                                              const char *name, double least,
                                              double most, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_argument_bool(bool *out, const dmx_json *object,
                                            const char *name, dmx_error *err);

/* A duration: a number, "39/5", or a fraction object. fraction[] is reduced;
 * *seconds is what Python's arithmetic on the value would use. */
DMX_MUST_CHECK dmx_status dmx_argument_seconds(int64_t fraction[2],
                                               double *seconds,
                                               const dmx_json *object,
                                               const char *name,
                                               dmx_error *err);

#endif
