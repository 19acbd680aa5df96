/* A model's description of itself. */
#include "arch/arch.h"

size_t dmx_model_sources(const dmx_model *m)
{
    return m != NULL ? m->n_source : 0;
}

const char *dmx_model_source(const dmx_model *m, size_t index)
{
    return m != NULL && index < m->n_source ? m->source[index] : NULL;
}

int64_t dmx_model_channels(const dmx_model *m)
{
    return m != NULL ? m->audio_channels : 0;
}

int64_t dmx_model_samplerate(const dmx_model *m)
{
    return m != NULL ? m->samplerate : 0;
}

int64_t dmx_model_samples(const dmx_model *m)
{
    return m != NULL ? m->training_samples : 0;
}

int dmx_model_pads_to_segment(const dmx_model *m)
{
    if (m == NULL)
        return 0;
    return m->use_train_segment ? 1 : 0;
}
