#include "export_bag.h"
#include "text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The export of one bag to a folder. */
typedef struct bag_export {
    cli_terminal *t;
    const export_options *o;
    const dmx_bag *bag;
    const char *output;
    bool made_folder; /* created by this run: removed again if it stays empty */
    bool several;     /* models */
} bag_export;

/* "<bag>_<what>.onnx" */
static void member_name(char name[DMX_FILE_NAME_SIZE], const bag_export *b,
                        const char *what, const char *extension)
{
    char bag[DMX_FILE_NAME_SIZE], text[3 * DMX_FILE_NAME_SIZE];
    dmx_safe_file_name(bag, dmx_bag_name(b->bag), 128);
    snprintf(text, sizeof text, "%s%s%.100s.%s", bag,
             what[0] != '\0' ? "_" : "", what, extension);
    dmx_safe_file_name(name, text, DMX_FILE_NAME_SIZE - 1);
}

/* The same in the folder; malloc'd. */
static char *member_path(const bag_export *b, const char *what,
                         const char *extension)
{
    char name[DMX_FILE_NAME_SIZE];
    member_name(name, b, what, extension);
    const size_t size = strlen(b->output) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s/%s", b->output, name);
    return path;
}

static int no_memory(cli_terminal *t)
{
    cli_error(t, "no memory");
    return CLI_FAILED;
}

/* "checks.json" as "checks_<what>.json"; malloc'd. */
static char *report_path(const char *report, const char *what)
{
    const char *name = strrchr(report, '/');
    const char *dot = strrchr(name != NULL ? name : report, '.');
    const size_t lead = dot != NULL ? (size_t)(dot - report) : strlen(report);
    char safe[DMX_FILE_NAME_SIZE];
    dmx_safe_file_name(safe, what, 100);
    const size_t size = strlen(report) + strlen(safe) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%.*s_%s%s", (int)lead, report, safe,
                 report + lead);
    return path;
}

/* Exports one of several models, with its own report beside those of the
 * others. */
static int export_to(const bag_export *b, size_t member, const char *what,
                     const char *stem)
{
    export_options o = *b->o;
    char *path = member_path(b, what, "onnx"), *report = NULL;
    if (o.check.report != NULL && b->several)
        o.check.report = report = report_path(o.check.report, what);
    const bool lost =
        path == NULL || (b->several && b->o->check.report && report == NULL);
    const int code =
        lost ? no_memory(b->t)
             : cli_export_one(b->t, &o, dmx_bag_path(b->bag, member), path,
                              stem, 1);
    free(report);
    free(path);
    return code;
}

/* ------------------------------------------------------- one-hot weights */

/* Whether every source comes from exactly one member. */
static bool is_one_hot(const dmx_bag *bag)
{
    for (size_t s = 0; s < dmx_bag_sources(bag); s++)
        if (dmx_bag_specialist(bag, s) < 0)
            return false;
    return dmx_bag_sources(bag) > 0;
}

/* Names of the sources, from the first member's model. */
static dmx_status open_first(cli_model *m, const bag_export *b, dmx_error *err)
{
    const dmx_status status =
        cli_model_open(m, b->t, dmx_bag_path(b->bag, 0), 1, &b->o->model, err);
    if (status != DMX_OK ||
        dmx_model_sources(m->model) == dmx_bag_sources(b->bag))
        return status;
    err->code = DMX_ERROR_MODEL;
    snprintf(err->message, sizeof err->message,
             "%s: weights for %zu sources, but the models have %zu",
             dmx_bag_name(b->bag), dmx_bag_sources(b->bag),
             dmx_model_sources(m->model));
    cli_model_close(m);
    return err->code;
}

static int64_t find_source(const dmx_model *model, const char *name)
{
    for (size_t i = 0; i < dmx_model_sources(model); i++)
        if (strcmp(dmx_model_source(model, i), name) == 0)
            return (int64_t)i;
    return -1;
}

/* Exports the specialist model of one source. A single stem may be written to a
 * file. */
static int export_stem(const bag_export *b, const dmx_model *model,
                       const char *stem, bool to_file)
{
    const int64_t source = find_source(model, stem);
    if (source < 0)
        return cli_misuse(b->t, "export", "the bag has no source '%s'", stem);
    const size_t member = (size_t)dmx_bag_specialist(b->bag, (size_t)source);
    if (to_file)
        return cli_export_one(b->t, b->o, dmx_bag_path(b->bag, member),
                              b->output, stem, 1);
    return export_to(b, member, stem, stem);
}

static bool names_a_file(const char *path)
{
    const size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".onnx") == 0 && !cli_is_folder(path);
}

static int make_folder(bag_export *b)
{
    if (cli_is_folder(b->output))
        return CLI_DONE;
    b->made_folder = mkdir(b->output, 0777) == 0;
    if (b->made_folder)
        return CLI_DONE;
    cli_error(b->t, "%s: can't make this folder: %s", b->output,
              strerror(errno));
    return CLI_FAILED;
}

const char **cli_wanted_stems(const export_options *o)
{
    const char *text = o->stems != NULL ? o->stems : o->stem;
    const char **stem = text != NULL ? cli_split(text) : NULL;
    for (size_t i = 0; stem != NULL && stem[i] != NULL; i++)
        stem[i] = dmx_bag_stem(o->bag, stem[i]);
    return stem;
}

static int export_stems(bag_export *b, const dmx_model *model,
                        const char *const *stem)
{
    b->several = stem[0] != NULL && stem[1] != NULL;
    const bool to_file =
        stem[0] != NULL && !b->several && names_a_file(b->output);
    int code = to_file ? CLI_DONE : make_folder(b);
    for (; code == CLI_DONE && *stem != NULL; stem++)
        code = export_stem(b, model, *stem, to_file);
    return code;
}

static const char **all_sources(const dmx_model *model)
{
    const size_t n = dmx_model_sources(model);
    const char **list = calloc(n + 1, sizeof *list);
    for (size_t i = 0; list != NULL && i < n; i++)
        list[i] = dmx_model_source(model, i);
    return list;
}

/* Exports the one model of a bag that --stem selects. */
static int export_specialist(bag_export *b)
{
    const char *stem = b->o->stem;
    if (names_a_file(b->output))
        return cli_export_one(b->t, b->o, dmx_bag_path(b->bag, 0), b->output,
                              stem, 1);
    const int code = make_folder(b);
    return code == CLI_DONE ? export_to(b, 0, stem, stem) : code;
}

static int export_one_hot(bag_export *b)
{
    cli_model first;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = open_first(&first, b, &err);
    if (status != DMX_OK)
        return cli_finish(b->t, status, &err);
    const char **stem = b->o->stems != NULL || b->o->stem != NULL
                            ? cli_wanted_stems(b->o)
                            : all_sources(first.model);
    const int code =
        stem != NULL ? export_stems(b, first.model, stem) : no_memory(b->t);
    free(stem);
    cli_model_close(&first);
    return code;
}

/* ------------------------------------------------------- general weights */

/* The names of the members' files and the description that `separate` reads;
 * free both with free_names. */
static char **member_names(const bag_export *b)
{
    const size_t n = dmx_bag_members(b->bag);
    char **name = calloc(n + 1, sizeof *name);
    for (size_t m = 0; name != NULL && m < n; m++) {
        char text[DMX_FILE_NAME_SIZE], index[32];
        snprintf(index, sizeof index, "%zu", m);
        member_name(text, b, index, "onnx");
        name[m] = strdup(text);
    }
    return name;
}

static void free_names(char **name, size_t n)
{
    for (size_t m = 0; name != NULL && m < n; m++)
        free(name[m]);
    free(name);
}

static int write_description(const bag_export *b)
{
    char *path = member_path(b, "", "json");
    char **name = member_names(b);
    dmx_error err = DMX_ERROR_INIT;
    const int code =
        path == NULL || name == NULL
            ? no_memory(b->t)
            : cli_finish(
                  b->t,
                  dmx_bag_write(path, b->bag, (const char *const *)name, &err),
                  &err);
    free(path);
    free_names(name, dmx_bag_members(b->bag));
    return code;
}

static int export_members(bag_export *b)
{
    int code = make_folder(b);
    b->several = dmx_bag_members(b->bag) > 1;
    for (size_t m = 0; code == CLI_DONE && m < dmx_bag_members(b->bag); m++) {
        char index[32];
        snprintf(index, sizeof index, "%zu", m);
        code = export_to(b, m, index, NULL);
    }
    return code == CLI_DONE ? write_description(b) : code;
}

static int export_any(bag_export *b)
{
    const export_options *o = b->o;
    if (dmx_bag_members(b->bag) == 1 && dmx_bag_sources(b->bag) == 0)
        return cli_export_one(b->t, o, dmx_bag_path(b->bag, 0), b->output, NULL,
                              1);
    if (dmx_bag_members(b->bag) == 1 && o->stem != NULL)
        return export_specialist(b);
    if (is_one_hot(b->bag))
        return export_one_hot(b);
    if (!o->prune && (o->stem != NULL || o->stems != NULL))
        return cli_misuse(b->t, "export",
                          "several models of %s share each source; --stem "
                          "needs a bag with one model per source, or --prune",
                          dmx_bag_name(b->bag));
    return export_members(b);
}

int cli_export_bag(cli_terminal *t, const export_options *o, const dmx_bag *bag,
                   const char *output)
{
    bag_export b = {t, o, bag, output, false, false};
    const int code = export_any(&b);
    if (code != CLI_DONE && b.made_folder)
        rmdir(output); /* fails unless it is empty */
    return code;
}
