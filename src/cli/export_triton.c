#include "export_triton.h"
#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_AT_ONCE = 8, QUEUE_MICROSECONDS = 5000 };

/* Letters, digits, '-', '_' and '.' of a file's name without its extension:
 * Triton's clients put it into URLs. */
static void model_name(char name[DMX_FILE_NAME_SIZE], const char *checkpoint)
{
    const char *slash = strrchr(checkpoint, '/');
    const char *base = slash != NULL ? slash + 1 : checkpoint;
    const char *dot = strrchr(base, '.');
    size_t n = dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
    if (n > 64)
        n = 64;
    for (size_t i = 0; i < n; i++)
        name[i] = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789-_.",
                         base[i]) != NULL
                      ? base[i]
                      : '_';
    name[n] = '\0';
    if (n == 0 || name[0] == '.')
        snprintf(name, DMX_FILE_NAME_SIZE, "model");
}

static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static int make_folder(cli_terminal *t, const char *path, bool *made)
{
    if (cli_is_folder(path))
        return CLI_DONE;
    if (mkdir(path, 0777) == 0) {
        *made = true;
        return CLI_DONE;
    }
    cli_error(t, "%s: can't make this folder: %s", path, strerror(errno));
    return CLI_FAILED;
}

int cli_triton_prepare(cli_triton *p, cli_terminal *t, const char *folder,
                       const char *checkpoint)
{
    char name[DMX_FILE_NAME_SIZE];
    model_name(name, checkpoint);
    p->folder[0] = strdup(folder);
    p->folder[1] = join(folder, name);
    p->folder[2] = p->folder[1] != NULL ? join(p->folder[1], "1") : NULL;
    p->config =
        p->folder[1] != NULL ? join(p->folder[1], "config.pbtxt") : NULL;
    p->model = p->folder[2] != NULL ? join(p->folder[2], "model.onnx") : NULL;
    if (p->folder[0] == NULL || p->config == NULL || p->model == NULL) {
        cli_error(t, "no memory");
        return CLI_FAILED;
    }
    int code = CLI_DONE;
    for (int i = 0; i < 3 && code == CLI_DONE; i++)
        code = make_folder(t, p->folder[i], &p->made[i]);
    return code;
}

void cli_triton_withdraw(const cli_triton *p)
{
    for (int i = 2; i >= 0; i--)
        if (p->made[i])
            (void)rmdir(p->folder[i]); /* fails unless it is empty */
}

void cli_triton_free(cli_triton *p)
{
    for (int i = 0; i < 3; i++)
        free(p->folder[i]);
    free(p->config);
    free(p->model);
    *p = (cli_triton){0};
}

/* The number of sources in the output. */
static size_t rows_of(const export_options *o, const dmx_model *model)
{
    const char *list = o->stems != NULL ? o->stems : o->stem;
    size_t rows = 0;
    if (!o->prune || list == NULL)
        return dmx_model_sources(model);
    const char **wanted = cli_split(list);
    for (size_t i = 0; i < dmx_model_sources(model); i++)
        for (const char **s = wanted; s != NULL && *s != NULL; s++)
            if (strcmp(*s, dmx_model_source(model, i)) == 0) {
                rows++;
                break;
            }
    free(wanted);
    return rows;
}

int cli_triton_config(cli_terminal *t, const export_options *o,
                      const dmx_model *model)
{
    const cli_triton *p = o->place;
    const char *name = strrchr(p->folder[1], '/') + 1;
    const long long channels = dmx_model_channels(model);
    const long long segment =
        o->samples > 0 ? o->samples : dmx_model_samples(model);
    const bool any = o->dynamic == NULL || strcmp(o->dynamic, "batch") != 0;
    const long long samples = any ? -1 : segment;
    char text[2048];
    snprintf(text, sizeof text,
             "name: \"%s\"\n"
             "backend: \"onnxruntime\"\n"
             "max_batch_size: %d\n"
             "input [\n"
             "  { name: \"mix\" data_type: TYPE_FP32 dims: [ %lld, %lld ] }\n"
             "]\n"
             "output [\n"
             "  { name: \"stems\" data_type: TYPE_FP32"
             " dims: [ %zu, %lld, %lld ] }\n"
             "]\n"
             "dynamic_batching { max_queue_delay_microseconds: %d }\n"
             "instance_group [ { count: 1 kind: KIND_AUTO } ]\n"
             "model_warmup [\n"
             "  {\n"
             "    name: \"one segment\"\n"
             "    batch_size: 1\n"
             "    inputs {\n"
             "      key: \"mix\"\n"
             "      value { data_type: TYPE_FP32 dims: [ %lld, %lld ]"
             " zero_data: true }\n"
             "    }\n"
             "  }\n"
             "]\n",
             name, MOST_AT_ONCE, channels, samples, rows_of(o, model), channels,
             samples, QUEUE_MICROSECONDS, channels, segment);
    return cli_write_text(t, p->config, text);
}
