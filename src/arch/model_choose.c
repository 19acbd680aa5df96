#include "arch/model_steps.h"
#include "arch/architectures.h"
#include "arch/training.h"
#include "arch/unsupported.h"

#include <string.h>

static dmx_status choose_class(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->checkpoint;
    const char *module = c->klass_module != NULL ? c->klass_module : "";
    char classes[128];
    m->implementation = dmx_architecture_find(c->klass_name);
    DMX_RETURN_IF(strcmp(module, "demucs.model") == 0, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: class %s.%s is of Demucs v1 or v2; supported are v3 and "
                  "v4: %s",
                  c->path, module, c->klass_name,
                  dmx_architecture_classes(classes, sizeof classes));
    DMX_RETURN_IF(m->implementation == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "%s: %sclass %s.%s is not supported; supported: %s", c->path,
                  dmx_architecture_described(c->klass_name), module,
                  c->klass_name,
                  dmx_architecture_classes(classes, sizeof classes));
    return DMX_OK;
}

/* Chooses the architecture of weights without a class: by the run's
 * configuration if it names one, else by the tensor names. */
static dmx_status choose_bare(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->checkpoint;
    const char *name = dmx_training_model(c->training);
    char classes[128], names[400];
    m->implementation = name != NULL ? dmx_architecture_named(name)
                                     : dmx_architecture_recognise(c);
    DMX_RETURN_IF(
        m->implementation == NULL && name != NULL, err, DMX_ERROR_UNSUPPORTED,
        "%s: a training run of model %.40s is not supported; "
        "supported: %s",
        c->path, name, dmx_architecture_classes(classes, sizeof classes));
    DMX_RETURN_IF(m->implementation == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "%s: the weights are not those of a supported architecture "
                  "(%s); %s",
                  c->path, dmx_architecture_classes(classes, sizeof classes),
                  dmx_weights_hint(names, sizeof names, c));
    return DMX_OK;
}

dmx_status dmx_model_choose(struct dmx_model *m, dmx_error *err)
{
    DMX_FORWARD(m->checkpoint->klass_name != NULL ? choose_class(m, err)
                                                  : choose_bare(m, err));
    m->architecture = m->implementation->name;
    DMX_RETURN_IF(
        m->checkpoint->quantized != NULL && !m->implementation->quantized, err,
        DMX_ERROR_UNSUPPORTED,
        "%s: quantized weights (DiffQ) of class %s are not supported; "
        "use the model that is not quantized",
        m->checkpoint->path, m->implementation->klass_name);
    return DMX_OK;
}
