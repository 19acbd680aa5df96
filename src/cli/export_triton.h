/* A folder that NVIDIA Triton serves: DIR/NAME/config.pbtxt and
 * DIR/NAME/1/model.onnx. */
#ifndef DMX_CLI_EXPORT_TRITON_H
#define DMX_CLI_EXPORT_TRITON_H

#include "export_bag.h"

/* Creates the folders for the model `checkpoint` (a file or a name) and stores
 * their paths in *place, which is freed with cli_triton_free. Returns an exit
 * code. */
int cli_triton_prepare(cli_triton *place, cli_terminal *t, const char *folder,
                       const char *checkpoint);

/* Removes the folders that this run created, if they are empty. */
void cli_triton_withdraw(const cli_triton *place);
void cli_triton_free(cli_triton *place);

/* Writes config.pbtxt for the exported file. Returns an exit code. */
int cli_triton_config(cli_terminal *t, const export_options *o,
                      const dmx_model *model);

#endif
