/* JSON values: a tree that is read, built and printed. In the core, which
 * needs no library; small, locale-free, and safe on hostile text: nesting is
 * bounded, so the recursion is. Source: RFC 8259.
 *
 * Every function takes NULL where it takes a value, and does nothing or fails
 * then, so that a chain of calls is checked once, at its end. What builds
 * returns NULL or false when memory is short. */
#ifndef DMX_BASE_JSON_H
#define DMX_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#define DMX_JSON_DEPTH  1000              /* deeper text is refused */
#define DMX_JSON_VALUES ((size_t)1 << 20) /* and text of more values */

typedef enum dmx_json_type {
    DMX_JSON_NULL,
    DMX_JSON_FALSE,
    DMX_JSON_TRUE,
    DMX_JSON_NUMBER,
    DMX_JSON_STRING,
    DMX_JSON_ARRAY,
    DMX_JSON_OBJECT,
} dmx_json_type;

typedef struct dmx_json {
    struct dmx_json *next, *last; /* sibling; last child of a container */
    struct dmx_json *child;       /* first of an array's or object's items */
    dmx_json_type type;
    bool borrowed;      /* the children belong to another value */
    char *string;       /* key inside an object, else NULL */
    char *valuestring;  /* of a string, else NULL */
    double valuedouble; /* of a number, else 0 */
} dmx_json;

/* --------------------------------------------------------------- reading */

/* One value, with white space around it and after it nothing else. NULL when
 * it is malformed, beyond a limit above, or memory is short. */
dmx_json *dmx_json_read(const char *text);
dmx_json *dmx_json_read_bytes(const char *text, size_t size);

/* One value at the start of `text`. *end (may be NULL): the first byte after
 * it, or where it is malformed. */
dmx_json *dmx_json_read_prefix(const char *text, size_t size, const char **end);

void dmx_json_free(dmx_json *value);

/* -------------------------------------------------------------- looking up */

bool dmx_json_is_array(const dmx_json *value);
bool dmx_json_is_object(const dmx_json *value);
bool dmx_json_is_string(const dmx_json *value);
bool dmx_json_is_number(const dmx_json *value);
bool dmx_json_is_bool(const dmx_json *value);
bool dmx_json_is_true(const dmx_json *value);
bool dmx_json_is_null(const dmx_json *value);

/* The first item of that key; NULL when there is none. */
dmx_json *dmx_json_get(const dmx_json *object, const char *key);
dmx_json *dmx_json_item(const dmx_json *array, int index);
int dmx_json_count(const dmx_json *container);
const char *dmx_json_text_of(const dmx_json *value); /* NULL: no string */

#define DMX_JSON_EACH(item, container)                                         \
    for (item = (container) != NULL ? (container)->child : NULL; item != NULL; \
         item = item->next)

/* --------------------------------------------------------------- building */

dmx_json *dmx_json_new(dmx_json_type type); /* not a number or string */
dmx_json *dmx_json_new_bool(bool value);
dmx_json *dmx_json_new_number(double value);
dmx_json *dmx_json_new_string(const char *text);
dmx_json *dmx_json_new_numbers(const double *value, int count);
dmx_json *dmx_json_copy(const dmx_json *value);

/* An array or object whose items stay those of `of`, which must outlive it
 * unchanged. */
dmx_json *dmx_json_borrow(const dmx_json *of);

/* Take `item` over when they succeed; on failure it stays the caller's. */
bool dmx_json_append(dmx_json *array, dmx_json *item);
bool dmx_json_add(dmx_json *object, const char *key, dmx_json *item);

/* New items of an object; each returns the item. */
dmx_json *dmx_json_add_null(dmx_json *object, const char *key);
dmx_json *dmx_json_add_bool(dmx_json *object, const char *key, bool value);
dmx_json *dmx_json_add_number(dmx_json *object, const char *key, double value);
dmx_json *dmx_json_add_string(dmx_json *object, const char *key,
                              const char *text);
dmx_json *dmx_json_add_array(dmx_json *object, const char *key);
dmx_json *dmx_json_add_object(dmx_json *object, const char *key);

/* Takes an item out; it is the caller's then. */
dmx_json *dmx_json_detach(dmx_json *container, dmx_json *item);
void dmx_json_remove(dmx_json *object, const char *key);

/* --------------------------------------------------------------- printing */

/* malloc'd text, free with free(); NULL when memory is short. Numbers have 15
 * digits, or 17 where those are needed; what is not finite becomes null. Text
 * is valid UTF-8 whatever it was made of, and harmless on a terminal (as
 * dmx_text_json). */
char *dmx_json_print(const dmx_json *value);         /* one key a line */
char *dmx_json_print_compact(const dmx_json *value); /* without white space */

#endif
