/* Writes a bag file, as bag_parse.c reads it. */
#include "base/json.h"
#include "hub/bag.h"

#include <stdlib.h>
#include <string.h>

static bool put_models(dmx_json *root, const struct dmx_bag *bag,
                       const char *const *file)
{
    dmx_json *list = dmx_json_add_array(root, "models");
    bool done = list != NULL;
    for (size_t m = 0; done && m < bag->n_member; m++)
        done = dmx_json_append(list, dmx_json_new_string(file[m]));
    return done;
}

static bool put_weights(dmx_json *root, const struct dmx_bag *bag)
{
    if (bag->n_source == 0)
        return true;
    dmx_json *list = dmx_json_add_array(root, "weights");
    bool done = list != NULL;
    for (size_t m = 0; done && m < bag->n_member; m++)
        done = dmx_json_append(
            list, dmx_json_new_numbers(bag->weight + m * bag->n_source,
                                       (int)bag->n_source));
    return done;
}

static bool describe(dmx_json *root, const struct dmx_bag *bag,
                     const char *const *file)
{
    return put_models(root, bag, file) && put_weights(root, bag) &&
           (bag->segment <= 0 ||
            dmx_json_add_number(root, "segment", bag->segment));
}

/* Refuses to write a file that bag_parse.c would refuse. */
static dmx_status check_files(const struct dmx_bag *bag,
                              const char *const *file, dmx_error *err)
{
    for (size_t m = 0; m < bag->n_member; m++)
        DMX_RETURN_IF(file[m] == NULL || !dmx_is_file_name(file[m]), err,
                      DMX_ERROR_ARGUMENT,
                      "%s: model %zu of the bag has no name that is safe in "
                      "its folder",
                      bag->name, m);
    return DMX_OK;
}

dmx_status dmx_bag_write(const char *path, const dmx_bag *bag,
                         const char *const *file, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, path);
    DMX_NEED(err, bag);
    DMX_NEED(err, file);
    DMX_FORWARD(check_files(bag, file, err));
    dmx_json *root = dmx_json_new(DMX_JSON_OBJECT);
    char *text = describe(root, bag, file) ? dmx_json_print(root) : NULL;
    dmx_json_free(root);
    DMX_RETURN_IF(text == NULL, err, DMX_ERROR_MEMORY,
                  "%s: no memory for the description of a bag", path);
    const dmx_status status = dmx_write_file(path, text, strlen(text), err);
    free(text);
    return status;
}
