/* State: the model's path, as the host maps paths, and the numbers. */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

#define FLAGS ((uint32_t)LV2_STATE_IS_POD | (uint32_t)LV2_STATE_IS_PORTABLE)

typedef struct paths {
    LV2_State_Map_Path *map;
    LV2_State_Free_Path *release;
} paths;

static paths paths_of(const LV2_Feature *const *features)
{
    paths p = {NULL, NULL};
    for (; features != NULL && *features != NULL; features++) {
        if (strcmp((*features)->URI, LV2_STATE__mapPath) == 0)
            p.map = (*features)->data;
        else if (strcmp((*features)->URI, LV2_STATE__freePath) == 0)
            p.release = (*features)->data;
    }
    return p;
}

static void release(const paths *p, char *path)
{
    if (p->release != NULL)
        p->release->free_path(p->release->handle, path);
    else
        free(path);
}

/* -------------------------------------------------------------------- save */

static LV2_State_Status save_model(const plug_instance *p,
                                   const plug_settings *s,
                                   LV2_State_Store_Function store,
                                   LV2_State_Handle to, const paths *path)
{
    char *mapped = path->map != NULL && s->model[0] != '\0'
                       ? path->map->abstract_path(path->map->handle, s->model)
                       : NULL;
    const char *text = mapped != NULL ? mapped : s->model;
    const LV2_State_Status status = store(
        to, p->name.model, text, strlen(text) + 1, p->name.atom_path, FLAGS);
    if (mapped != NULL)
        release(path, mapped);
    return status;
}

static LV2_State_Status save(LV2_Handle handle, LV2_State_Store_Function store,
                             LV2_State_Handle to, uint32_t flags,
                             const LV2_Feature *const *features)
{
    (void)flags;
    plug_instance *p = handle;
    const paths path = paths_of(features);
    if (p->map == NULL)
        return LV2_STATE_ERR_NO_FEATURE;
    pthread_mutex_lock(&p->lock);
    const plug_settings s = p->kept;
    pthread_mutex_unlock(&p->lock);
    LV2_State_Status status = save_model(p, &s, store, to, &path);
    for (int i = 0; status == LV2_STATE_SUCCESS && i < PLUG_NUMBERS; i++)
        status = store(to, p->name.number[i], &s.number[i], sizeof(float),
                       p->name.atom_float, FLAGS);
    return status;
}

/* ----------------------------------------------------------------- restore */

/* Missing or invalid values keep their default, with a log line. */
static void restore_number(const plug_instance *p, plug_settings *s, int which,
                           LV2_State_Retrieve_Function retrieve,
                           LV2_State_Handle from)
{
    size_t size = 0;
    uint32_t type = 0, flags = 0;
    float x;
    const void *value =
        retrieve(from, p->name.number[which], &size, &type, &flags);
    if (value == NULL)
        return;
    if (type == p->name.atom_float && size == sizeof x) {
        memcpy(&x, value, sizeof x);
        if (plug_set_number(s, (plug_number)which, (double)x))
            return;
    }
    plug_say(p, true,
             "a number of the session is out of range; the default "
             "is used");
}

static void restore_model(const plug_instance *p, plug_settings *s,
                          LV2_State_Retrieve_Function retrieve,
                          LV2_State_Handle from, const paths *path)
{
    size_t size = 0;
    uint32_t type = 0, flags = 0;
    const char *value = retrieve(from, p->name.model, &size, &type, &flags);
    if (value == NULL || (size == 1 && value[0] == '\0'))
        return;
    char *mapped = NULL;
    const bool is_text = type == p->name.atom_path && size > 0 &&
                         size <= PLUG_PATH && value[size - 1] == '\0';
    if (is_text && path->map != NULL)
        mapped = path->map->absolute_path(path->map->handle, value);
    const char *text = mapped != NULL ? mapped : value;
    if (!is_text || !plug_set_model(s, text, strlen(text) + 1))
        plug_say(p, true,
                 "the model of the session is not an absolute path "
                 "of less than %d bytes; none is loaded",
                 PLUG_PATH);
    if (mapped != NULL)
        release(path, mapped);
}

/* Loads immediately, so that the next block has the model. */
static LV2_State_Status restore(LV2_Handle handle,
                                LV2_State_Retrieve_Function retrieve,
                                LV2_State_Handle from, uint32_t flags,
                                const LV2_Feature *const *features)
{
    (void)flags;
    plug_instance *p = handle;
    const paths path = paths_of(features);
    plug_settings s;
    if (p->map == NULL)
        return LV2_STATE_ERR_NO_FEATURE;
    plug_settings_init(&s);
    restore_model(p, &s, retrieve, from, &path);
    for (int i = 0; i < PLUG_NUMBERS; i++)
        restore_number(p, &s, i, retrieve, from);
    pthread_mutex_lock(&p->lock);
    p->kept = s;
    pthread_mutex_unlock(&p->lock);
    p->wanted = s;
    p->dirty = p->loading = false;
    p->tell = true;
    p->generation++;
    plug_engine_close(p->engine);
    p->engine = plug_load(p, &s);
    if (p->engine != NULL)
        p->engine->generation = p->generation;
    return LV2_STATE_SUCCESS;
}

const LV2_State_Interface plug_state = {save, restore};
