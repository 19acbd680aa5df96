#include "arch/arch.h"

dmx_identity dmx_model_identity(const struct dmx_model *m)
{
    return (dmx_identity){
        .architecture = m->architecture,
        .arguments = m->arguments,
        .source = (const char *const *)m->source,
        .n_source = m->n_source,
        .samplerate = m->samplerate,
        .segment = {m->segment[0], m->segment[1]},
        .training_samples = m->training_samples,
        .pads_to_segment = m->use_train_segment,
        .checkpoint_sha256 = m->checkpoint->sha256,
        .weights = m->checkpoint->weights,
    };
}
