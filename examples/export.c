/* Exports a checkpoint, verified:  export CHECKPOINT OUTPUT */
#include <demucs_onnx.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *checkpoint = NULL;
    dmx_model *model = NULL;
    if (argc == 3 &&
        dmx_checkpoint_open(&checkpoint, argv[1], NULL, &err) == DMX_OK &&
        dmx_model_open(&model, checkpoint, NULL, &err) == DMX_OK &&
        dmx_export(model, argv[2], NULL, NULL, &err) == DMX_OK)
        puts("exported");
    else
        fprintf(stderr, "%s\n", err.message);
    dmx_model_close(model);
    dmx_checkpoint_close(checkpoint);
    return err.code == DMX_OK && argc == 3 ? 0 : 1;
}
