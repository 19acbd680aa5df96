/* Messages of the host, as the patch extension has them: patch:Set of a model
 * or a number, patch:Get of them all. On the audio thread. */
#include "plugin.h"

#include <lv2/atom/util.h>
#include <string.h>

/* ----------------------------------------------------------------- reading */

static bool set_number(plug_instance *p, LV2_URID property,
                       const LV2_Atom *value)
{
    double x;
    if (value->type == p->name.atom_float && value->size == sizeof(float))
        x = (double)((const LV2_Atom_Float *)value)->body;
    else if (value->type == p->name.atom_int && value->size == sizeof(int32_t))
        x = ((const LV2_Atom_Int *)value)->body;
    else
        return false;
    for (int i = 0; i < PLUG_NUMBERS; i++)
        if (property == p->name.number[i])
            return plug_set_number(&p->wanted, (plug_number)i, x);
    return false;
}

static void set(plug_instance *p, const LV2_Atom_Object *object)
{
    const LV2_Atom *property = NULL, *value = NULL;
    lv2_atom_object_get(object, p->name.patch_property, &property,
                        p->name.patch_value, &value, 0);
    if (property == NULL || value == NULL ||
        property->type != p->name.atom_urid ||
        property->size != sizeof(LV2_URID))
        return;
    const LV2_URID which = ((const LV2_Atom_URID *)property)->body;
    bool taken;
    if (which == p->name.model)
        taken =
            value->type == p->name.atom_path &&
            plug_set_model(&p->wanted, (const char *)LV2_ATOM_BODY_CONST(value),
                           value->size);
    else
        taken = set_number(p, which, value);
    p->dirty = p->dirty || (taken && p->schedule != NULL);
    p->tell = true; /* a refused value is reset in the host's window */
}

void plug_read_messages(plug_instance *p)
{
    if (p->port.control == NULL || p->map == NULL)
        return;
    LV2_ATOM_SEQUENCE_FOREACH(p->port.control, event)
    {
        if (!lv2_atom_forge_is_object_type(&p->forge, event->body.type) ||
            event->body.size < sizeof(LV2_Atom_Object_Body))
            continue;
        const LV2_Atom_Object *object = (const LV2_Atom_Object *)&event->body;
        if (object->body.otype == p->name.patch_set)
            set(p, object);
        else if (object->body.otype == p->name.patch_get)
            p->tell = true;
    }
}

/* ----------------------------------------------------------------- writing */

/* Opens a patch:Set whose value is written next. */
static void begin_set(plug_instance *p, LV2_Atom_Forge_Frame *frame,
                      LV2_URID property)
{
    LV2_Atom_Forge *f = &p->forge;
    lv2_atom_forge_frame_time(f, 0);
    lv2_atom_forge_object(f, frame, 0, p->name.patch_set);
    lv2_atom_forge_key(f, p->name.patch_property);
    lv2_atom_forge_urid(f, property);
    lv2_atom_forge_key(f, p->name.patch_value);
}

static void write_all(plug_instance *p)
{
    enum { MESSAGE = 128 }; /* bytes, without the path */
    LV2_Atom_Forge *f = &p->forge;
    LV2_Atom_Forge_Frame frame;
    const uint32_t length = (uint32_t)strlen(p->wanted.model);
    if (f->offset + (1 + PLUG_NUMBERS) * MESSAGE + length > f->size)
        return; /* the host's buffer is too small for any message */
    begin_set(p, &frame, p->name.model);
    lv2_atom_forge_path(f, p->wanted.model, length);
    lv2_atom_forge_pop(f, &frame);
    for (int i = 0; i < PLUG_NUMBERS; i++) {
        begin_set(p, &frame, p->name.number[i]);
        lv2_atom_forge_float(f, p->wanted.number[i]);
        lv2_atom_forge_pop(f, &frame);
    }
}

void plug_write_messages(plug_instance *p)
{
    LV2_Atom_Sequence *notify = p->port.notify;
    LV2_Atom_Forge_Frame frame;
    if (notify == NULL || p->map == NULL)
        return;
    const uint32_t room = notify->atom.size;
    lv2_atom_forge_set_buffer(&p->forge, (uint8_t *)notify, room);
    if (lv2_atom_forge_sequence_head(&p->forge, &frame, 0) == 0)
        return;
    if (p->tell)
        write_all(p);
    p->tell = false;
    lv2_atom_forge_pop(&p->forge, &frame);
}
