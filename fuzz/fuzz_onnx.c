/* .onnx files: the scan, the parser behind it, the promises and the JSON. A
 * file in memory stands for one on disk, since ONNX files are read by path. */
#include "fuzz_file.h"

#include "fuzz_open.h"

#include "runtime/growth_scan.h"
#include "runtime/wire_scan.h"
#include "verify/model_file.h"
#include "verify/promises.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void require(int promise)
{
    if (!promise)
        abort();
}

static void check_error(dmx_status status, const dmx_error *err)
{
    require(status == err->code);
    require((status == DMX_OK) == (err->message[0] == '\0'));
    require(strchr(err->message, '\n') == NULL);
}

static void check_promises(const dmx_model_file *file)
{
    const dmx_gate gate = {1e-5, -INFINITY};
    dmx_report *report;
    dmx_contract contract;
    dmx_error err = DMX_ERROR_INIT;
    require(dmx_report_open(&report, file, gate, &err) == DMX_OK);
    require(dmx_promises_check(report, &contract, file, &err) == DMX_OK);
    dmx_report_close(report);
}

static void read_file(const char *path, dmx_status scanned)
{
    dmx_model_file file;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status =
        dmx_model_file_open(&file, path, "fuzz.onnx", NULL, &err);
    check_error(status, &err);
    require(scanned == DMX_OK || status != DMX_OK);
    if (status != DMX_OK)
        return;
    check_promises(&file);
    dmx_model_file_close(&file);
    char *json;
    require(dmx_onnx_json(&json, path, 1, &err) == DMX_OK);
    dmx_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status scanned = dmx_wire_scan(data, size, NULL, &err);
    check_error(scanned, &err);
    /* Safe for any bytes, though it is asked only about scanned ones. */
    err = (dmx_error)DMX_ERROR_INIT;
    check_error(dmx_growth_scan(data, size, NULL, &err), &err);
    char path[64];
    const int fd = fuzz_file(path, data, size);
    read_file(path, scanned);
    close(fd);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    (void)seed;
    return LLVMFuzzerMutate(data, size, max_size);
}
