/* ONNX files, whose networks the host runs: what stands in for ONNX Runtime. */
#ifndef WEB_GRAPH_H
#define WEB_GRAPH_H

#include "base/json.h"

/* What the host says about its files, {name: {inputs, outputs, metadata}}, as
 * web_open takes it; borrowed until it is set again. NULL: there are none. */
void web_set_graphs(const dmx_json *graphs);

/* Forgets a run that was asked for. */
void web_forget_request(void);

#endif
