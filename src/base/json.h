/* JSON values: a tree that is read, built and printed. It is part of the core,
 * which depends on no library; small, independent of the locale, and safe on
 * hostile text: bounded nesting bounds the recursion. Source: RFC 8259.
 *
 * Every function accepts NULL in place of a value and then does nothing or
 * fails, so that a chain of calls needs one check, at its end. Functions that
 * build return NULL or false when out of memory. */
#ifndef DMX_BASE_JSON_H
#define DMX_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#define DMX_JSON_DEPTH  1000              /* deeper text is refused */
#define DMX_JSON_VALUES ((size_t)1 << 20) /* so is text with more values */

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
    bool marked;        /* free for the owner's use; copied, never printed */
    char *string;       /* key inside an object, else NULL */
    char *valuestring;  /* of a string, else NULL */
    double valuedouble; /* of a number, else 0 */
} dmx_json;

/* --------------------------------------------------------------- reading */

/* Parses one value, which only white space may precede or follow. NULL when it
 * is malformed, exceeds a limit above, or memory runs out. */
dmx_json *dmx_json_read(const char *text);
dmx_json *dmx_json_read_bytes(const char *text, size_t size);

/* Parses one value at the start of `text`. *end (may be NULL): the first byte
 * after the value, or the position of the error. */
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

/* The first item with that key, or NULL. */
dmx_json *dmx_json_get(const dmx_json *object, const char *key);
dmx_json *dmx_json_item(const dmx_json *array, int index);
int dmx_json_count(const dmx_json *container);
const char *dmx_json_text_of(const dmx_json *value); /* NULL: not a string */

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

/* An array or object that shares the items of `of`, which must outlive it and
 * not change. */
dmx_json *dmx_json_borrow(const dmx_json *of);

/* On success these take ownership of `item`; on failure the caller keeps it. */
bool dmx_json_append(dmx_json *array, dmx_json *item);
bool dmx_json_add(dmx_json *object, const char *key, dmx_json *item);

/* Each adds a new item to an object and returns it. */
dmx_json *dmx_json_add_null(dmx_json *object, const char *key);
dmx_json *dmx_json_add_bool(dmx_json *object, const char *key, bool value);
dmx_json *dmx_json_add_number(dmx_json *object, const char *key, double value);
dmx_json *dmx_json_add_string(dmx_json *object, const char *key,
                              const char *text);
dmx_json *dmx_json_add_array(dmx_json *object, const char *key);
dmx_json *dmx_json_add_object(dmx_json *object, const char *key);

/* Removes an item and passes its ownership to the caller. */
dmx_json *dmx_json_detach(dmx_json *container, dmx_json *item);
void dmx_json_remove(dmx_json *object, const char *key);

/* --------------------------------------------------------------- printing */

/* malloc'd text, to be freed with free(); NULL when out of memory. Numbers have
 * 15 digits, or 17 where 15 lose precision; numbers that are not finite become
 * null. The text is always valid UTF-8 and safe to print on a terminal (see
 * dmx_text_json). */
char *dmx_json_print(const dmx_json *value);         /* one key per line */
char *dmx_json_print_compact(const dmx_json *value); /* without white space */

#endif
