/* Stores each proved choice in one small file of a folder. */
#include "api/precision.h"
#include "base/file.h"
#include "base/json.h"
#include "base/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_BYTES   65536
#define MOST_OCTAVES 48

/* malloc'd; NULL when memory is short. */
static char *path_of(const char *folder, const dmx_choice_key *key)
{
    char name[DMX_CHOICE_NAME];
    const size_t size = strlen(folder) + sizeof name + 1;
    char *path = malloc(size);
    if (path == NULL || !dmx_choice_name(name, key)) {
        free(path);
        return NULL;
    }
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

bool dmx_choice_read(dmx_choice *out, const char *folder,
                     const dmx_choice_key *key)
{
    char *path = path_of(folder, key);
    dmx_blob bytes;
    if (path == NULL ||
        dmx_file_read(&bytes, path, MOST_BYTES, NULL) != DMX_OK) {
        free(path);
        return false;
    }
    const bool good = dmx_choice_parse(out, (const char *)bytes.data,
                                       bytes.size, key->precision);
    dmx_blob_free(&bytes);
    free(path);
    return good;
}

/* Creates the folder and its parents. */
static bool make_folders(const char *folder)
{
    char *copy = strdup(folder);
    bool good = copy != NULL && copy[0] != '\0';
    for (char *c = good ? copy + 1 : NULL; good; c++) {
        const char here = *c;
        if (here != '/' && here != '\0')
            continue;
        *c = '\0';
        good = mkdir(copy, 0777) == 0 || errno == EEXIST || errno == EISDIR;
        *c = here;
        if (here == '\0')
            break;
    }
    free(copy);
    return good;
}

static dmx_status write_text(const char *path, const char *text, dmx_error *err)
{
    dmx_output out;
    DMX_FORWARD(dmx_output_open(&out, path, err));
    dmx_status status = dmx_output_write(&out, text, strlen(text), err);
    if (status == DMX_OK)
        status = dmx_output_commit(&out, NULL, err);
    dmx_output_abandon(&out);
    return status;
}

void dmx_choice_write(const dmx_choice *choice, const char *folder,
                      const dmx_choice_key *key, const dmx_hooks *hooks)
{
    dmx_error err = DMX_ERROR_INIT;
    char *text = dmx_choice_print(choice, key);
    char *path = path_of(folder, key);
    if (text == NULL || path == NULL)
        dmx_warn(hooks, "no memory to keep what was proved");
    else if (!make_folders(folder))
        dmx_warn(
            hooks,
            "%s: can't create the folder: %s; the precision will be proved "
            "again next time",
            folder, strerror(errno));
    else if (write_text(path, text, &err) != DMX_OK)
        dmx_warn(hooks, "%s; the precision will be proved again next time",
                 err.message);
    free(text);
    free(path);
}

/* Of every octave. */
static void list_choices(dmx_json *list, const char *folder,
                         dmx_choice_key *key)
{
    dmx_choice c;
    for (int octave = 0; octave < MOST_OCTAVES; octave++) {
        key->samples = (int64_t)1 << octave;
        if (!dmx_choice_read(&c, folder, key))
            continue;
        const dmx_precision_report report =
            dmx_choice_report(&c, key->precision);
        dmx_json_append(list,
                        dmx_precision_document(&report, &c.plan, key->isa));
    }
}

char *dmx_engine_choices_json(const dmx_model *model, const char *folder)
{
    bool pays[DMX_NUMBERS];
    if (model == NULL || folder == NULL)
        return NULL;
    dmx_json *list = dmx_json_new(DMX_JSON_ARRAY);
    dmx_choice_key key = {.model = model,
                          .isa = dmx_engine_integers(pays, NULL)};
    for (int i = DMX_ENGINE_INT16; key.isa != NULL && i <= DMX_ENGINE_INT8;
         i++) {
        key.precision = (dmx_engine_precision)i;
        list_choices(list, folder, &key);
    }
    char *text = dmx_json_print(list);
    dmx_json_free(list);
    return text;
}
