/* Options of the commands that check a model file, and printing of the report.
 */
#ifndef DMX_CLI_CHECK_OPTIONS_H
#define DMX_CLI_CHECK_OPTIONS_H

#include "command.h"

typedef struct cli_check_options {
    double tolerance; /* 0: the default */
    double min_snr;   /* 0: the default */
    int no_parity;
    const char *report;
    int64_t threads;
    const char *onnxruntime;
    const char *providers;
} cli_check_options;

#define CLI_CHECK_OPTIONS(S, m)                                                \
    {"parity-tolerance",                                                       \
     0,                                                                        \
     CLI_REAL,                                                                 \
     "X",                                                                      \
     "largest difference allowed, relative to each source's peak (1e-5)",      \
     offsetof(S, m.tolerance),                                                 \
     1e-12,                                                                    \
     1},                                                                       \
        {"min-snr",                                                            \
         0,                                                                    \
         CLI_REAL,                                                             \
         "DB",                                                                 \
         "smallest signal-to-noise ratio of each source, in place of the "     \
         "tolerance (45 of int8 files)",                                       \
         offsetof(S, m.min_snr),                                               \
         1,                                                                    \
         200},                                                                 \
        {"no-parity-check",                                                    \
         0,                                                                    \
         CLI_FLAG,                                                             \
         NULL,                                                                 \
         "do not compare the numbers with the reference",                      \
         offsetof(S, m.no_parity),                                             \
         0,                                                                    \
         0},                                                                   \
        {"report",                                                             \
         0,                                                                    \
         CLI_STRING,                                                           \
         "FILE.json",                                                          \
         "write every figure of the checks to a file (of a bag: one a model, " \
         "FILE_<name>.json)",                                                  \
         offsetof(S, m.report),                                                \
         0,                                                                    \
         0},                                                                   \
        {"threads",                                                            \
         0,                                                                    \
         CLI_INT,                                                              \
         "N",                                                                  \
         "threads to use (every core this process may use)",                   \
         offsetof(S, m.threads),                                               \
         1,                                                                    \
         1024},                                                                \
        {"onnxruntime",                                                        \
         0,                                                                    \
         CLI_STRING,                                                           \
         "PATH",                                                               \
         "ONNX Runtime's library, or the folder that holds it",                \
         offsetof(S, m.onnxruntime),                                           \
         0,                                                                    \
         0},                                                                   \
    {                                                                          \
        "providers", 0, CLI_STRING, "LIST",                                    \
            "execution providers in order of preference, or auto (cpu)",       \
            offsetof(S, m.providers), 0, 0                                     \
    }

dmx_verify_options cli_verify_options(const cli_terminal *t,
                                      const cli_check_options *o);

/* Shows the comparisons and findings of a report (as text, or as one JSON
 * document), and writes it to --report. `name` heads the text. Returns an exit
 * code: CLI_FAILED when the file can't be written. */
int cli_show_report(cli_terminal *t, const cli_check_options *o,
                    const char *name, const dmx_report *report);

#endif
