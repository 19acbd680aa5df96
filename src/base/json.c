/* The tree of JSON values: looking items up and building. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* Recursion is bounded: the parser limits nesting, and so do all callers that
 * build values. */
void dmx_json_free(dmx_json *value)
{
    while (value != NULL) {
        dmx_json *next = value->next;
        if (!value->borrowed)
            dmx_json_free(value->child);
        free(value->string);
        free(value->valuestring);
        free(value);
        value = next;
    }
}

static bool is(const dmx_json *value, dmx_json_type type)
{
    return value != NULL && value->type == type;
}

bool dmx_json_is_array(const dmx_json *value)
{
    return is(value, DMX_JSON_ARRAY);
}

bool dmx_json_is_object(const dmx_json *value)
{
    return is(value, DMX_JSON_OBJECT);
}

bool dmx_json_is_string(const dmx_json *value)
{
    return is(value, DMX_JSON_STRING);
}

bool dmx_json_is_number(const dmx_json *value)
{
    return is(value, DMX_JSON_NUMBER);
}

bool dmx_json_is_bool(const dmx_json *value)
{
    return is(value, DMX_JSON_TRUE) || is(value, DMX_JSON_FALSE);
}

bool dmx_json_is_true(const dmx_json *value)
{
    return is(value, DMX_JSON_TRUE);
}

bool dmx_json_is_null(const dmx_json *value)
{
    return is(value, DMX_JSON_NULL);
}

dmx_json *dmx_json_get(const dmx_json *object, const char *key)
{
    dmx_json *item;
    DMX_JSON_EACH (item, object)
        if (item->string != NULL && strcmp(item->string, key) == 0)
            return item;
    return NULL;
}

dmx_json *dmx_json_item(const dmx_json *array, int index)
{
    dmx_json *item;
    DMX_JSON_EACH (item, array)
        if (index-- == 0)
            return item;
    return NULL;
}

int dmx_json_count(const dmx_json *container)
{
    const dmx_json *item;
    int count = 0;
    DMX_JSON_EACH (item, container)
        count++;
    return count;
}

const char *dmx_json_text_of(const dmx_json *value)
{
    return dmx_json_is_string(value) ? value->valuestring : NULL;
}

dmx_json *dmx_json_new(dmx_json_type type)
{
    dmx_json *value = calloc(1, sizeof *value);
    if (value != NULL)
        value->type = type;
    return value;
}

dmx_json *dmx_json_new_bool(bool value)
{
    return dmx_json_new(value ? DMX_JSON_TRUE : DMX_JSON_FALSE);
}

dmx_json *dmx_json_new_number(double value)
{
    dmx_json *number = dmx_json_new(DMX_JSON_NUMBER);
    if (number != NULL)
        number->valuedouble = value;
    return number;
}

dmx_json *dmx_json_new_string(const char *text)
{
    dmx_json *value = dmx_json_new(DMX_JSON_STRING);
    if (value != NULL)
        value->valuestring = text != NULL ? strdup(text) : NULL;
    if (value != NULL && value->valuestring == NULL) {
        dmx_json_free(value);
        value = NULL;
    }
    return value;
}

dmx_json *dmx_json_new_numbers(const double *value, int count)
{
    dmx_json *array = dmx_json_new(DMX_JSON_ARRAY);
    for (int i = 0; array != NULL && i < count; i++) {
        dmx_json *number = dmx_json_new_number(value[i]);
        if (!dmx_json_append(array, number)) {
            dmx_json_free(array);
            return NULL;
        }
    }
    return array;
}

/* Copies the value itself, with its key and text but without its items. */
static dmx_json *copy_one(const dmx_json *value)
{
    dmx_json *copy = dmx_json_new(value->type);
    if (copy == NULL)
        return NULL;
    copy->valuedouble = value->valuedouble;
    copy->marked = value->marked;
    if (value->string != NULL)
        copy->string = strdup(value->string);
    if (value->valuestring != NULL)
        copy->valuestring = strdup(value->valuestring);
    if ((value->string != NULL && copy->string == NULL) ||
        (value->valuestring != NULL && copy->valuestring == NULL)) {
        dmx_json_free(copy);
        return NULL;
    }
    return copy;
}

static void link_last(dmx_json *container, dmx_json *item)
{
    if (container->child == NULL)
        container->child = item;
    else
        container->last->next = item;
    container->last = item;
}

dmx_json *dmx_json_copy(const dmx_json *value)
{
    dmx_json *copy = value != NULL ? copy_one(value) : NULL;
    const dmx_json *item;
    if (copy == NULL)
        return NULL;
    DMX_JSON_EACH (item, value) {
        dmx_json *inner = dmx_json_copy(item);
        if (inner == NULL) {
            dmx_json_free(copy);
            return NULL;
        }
        link_last(copy, inner);
    }
    return copy;
}

dmx_json *dmx_json_borrow(const dmx_json *of)
{
    dmx_json *view = of != NULL ? dmx_json_new(of->type) : NULL;
    if (view != NULL) {
        view->child = of->child;
        view->last = of->last;
        view->borrowed = true;
    }
    return view;
}

bool dmx_json_append(dmx_json *array, dmx_json *item)
{
    if (array == NULL || item == NULL)
        return false;
    link_last(array, item);
    return true;
}

bool dmx_json_add(dmx_json *object, const char *key, dmx_json *item)
{
    char *copy =
        object != NULL && item != NULL && key != NULL ? strdup(key) : NULL;
    if (copy == NULL)
        return false;
    free(item->string);
    item->string = copy;
    link_last(object, item);
    return true;
}

static dmx_json *add_new(dmx_json *object, const char *key, dmx_json *item)
{
    if (dmx_json_add(object, key, item))
        return item;
    dmx_json_free(item);
    return NULL;
}

dmx_json *dmx_json_add_null(dmx_json *object, const char *key)
{
    return add_new(object, key, dmx_json_new(DMX_JSON_NULL));
}

dmx_json *dmx_json_add_bool(dmx_json *object, const char *key, bool value)
{
    return add_new(object, key, dmx_json_new_bool(value));
}

dmx_json *dmx_json_add_number(dmx_json *object, const char *key, double value)
{
    return add_new(object, key, dmx_json_new_number(value));
}

dmx_json *dmx_json_add_string(dmx_json *object, const char *key,
                              const char *text)
{
    return add_new(object, key, dmx_json_new_string(text));
}

dmx_json *dmx_json_add_array(dmx_json *object, const char *key)
{
    return add_new(object, key, dmx_json_new(DMX_JSON_ARRAY));
}

dmx_json *dmx_json_add_object(dmx_json *object, const char *key)
{
    return add_new(object, key, dmx_json_new(DMX_JSON_OBJECT));
}

dmx_json *dmx_json_detach(dmx_json *container, dmx_json *item)
{
    dmx_json *before = NULL, *at;
    DMX_JSON_EACH (at, container) {
        if (at == item)
            break;
        before = at;
    }
    if (at == NULL)
        return NULL;
    if (before != NULL)
        before->next = item->next;
    else
        container->child = item->next;
    if (container->last == item)
        container->last = before;
    item->next = NULL;
    return item;
}

void dmx_json_remove(dmx_json *object, const char *key)
{
    dmx_json *item = dmx_json_get(object, key);
    if (item != NULL)
        dmx_json_free(dmx_json_detach(object, item));
}
