/* A folder that NVIDIA Triton serves: DIR/NAME/config.pbtxt and
 * DIR/NAME/1/model.onnx. */
#ifndef DMX_CLI_EXPORT_TRITON_H
#define DMX_CLI_EXPORT_TRITON_H

#include "export_bag.h"

/* Makes the folders for the model that `checkpoint` (a file or a name) is; its
 * paths into *place, which is freed with cli_triton_free. Returns an exit
 * code. */
int cli_triton_prepare(cli_triton *place, cli_terminal *t, const char *folder,
                       const char *checkpoint);

/* Removes those of the folders that this run made and that are empty. */
void cli_triton_withdraw(const cli_triton *place);
void cli_triton_free(cli_triton *place);

/* Writes config.pbtxt for the file that was exported. Returns an exit code. */
int cli_triton_config(cli_terminal *t, const export_options *o,
                      const dmx_model *model);

#endif
