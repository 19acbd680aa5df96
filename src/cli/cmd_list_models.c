#include "hub_options.h"
#include "json_field.h"

#include <cJSON.h>
#include <string.h>

typedef struct list_options {
    cli_hub_options hub;
} list_options;

static const cli_option options[] = {
    CLI_HUB_OPTIONS(list_options, hub),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

static void size_text(char text[16], const cJSON *model)
{
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(model, "bytes");
    if (cJSON_IsNumber(bytes))
        snprintf(text, 16, "%.0f MB", bytes->valuedouble / 1e6);
    else
        snprintf(text, 16, "?");
}

static void cached_text(char text[16], const cJSON *model)
{
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(model, "members");
    const cJSON *cached =
        cJSON_GetObjectItemCaseSensitive(model, "cached_members");
    const int all = cJSON_GetArraySize(members);
    const int n = cJSON_IsNumber(cached) ? cached->valueint : 0;
    if (n == all)
        snprintf(text, 16, "yes");
    else if (n == 0)
        snprintf(text, 16, "no");
    else
        snprintf(text, 16, "%d of %d", n, all);
}

/* The other name of a source, or NULL. */
static const char *alias_of(const cJSON *model, const char *source)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(model, "aliases"))
    {
        if (strcmp(cJSON_GetStringValue(item), source) == 0)
            return item->string;
    }
    return NULL;
}

/* "bombo (kick) toms" */
static void sources_text(char *text, size_t size, const cJSON *model)
{
    const cJSON *item;
    size_t used = 0;
    text[0] = '\0';
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(model, "sources"))
    {
        const char *name = item->valuestring != NULL ? item->valuestring : "";
        const char *alias = alias_of(model, name);
        snprintf(text + used, size - used, "%s%s%s%s%s", used > 0 ? " " : "",
                 name, alias != NULL ? " (" : "", alias != NULL ? alias : "",
                 alias != NULL ? ")" : "");
        used = strlen(text);
    }
}

static bool is_community(const cJSON *model)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(model, "community"));
}

static void print_model(cli_terminal *t, const cJSON *model)
{
    char size[16], cached[16], sources[256];
    const bool runs =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(model, "runnable"));
    size_text(size, model);
    cached_text(cached, model);
    sources_text(sources, sizeof sources, model);
    cli_print(t, "%-24s %7s  %-6s  %-7s  %s", cli_field_text(model, "name"),
              size, cached, runs ? "yes" : "not yet", sources);
    if (is_community(model))
        cli_print(t, "  %s; licence: %s", cli_field_text(model, "kind"),
                  cli_field_text(model, "licence"));
    else
        cli_detail(t, "  %s; licence: %s", cli_field_text(model, "kind"),
                   cli_field_text(model, "licence"));
}

static void print_models(cli_terminal *t, const cJSON *models, bool community)
{
    const cJSON *model;
    cJSON_ArrayForEach(model, models) if (is_community(model) == community)
        print_model(t, model);
}

static void print_list(cli_terminal *t, const cJSON *list)
{
    const cJSON *models = cJSON_GetObjectItem(list, "models");
    cli_print(t, "%-24s %7s  %-6s  %-7s  %s", "name", "size", "cached", "runs",
              "sources");
    print_models(t, models, false);
    cli_print(t, "trained and published by others:");
    print_models(t, models, true);
    const char *cache = cli_field_text(list, "cache");
    cli_say(t, "cache: %s",
            cache[0] != '\0' ? cache : "none, there is no home");
    cli_say(t, "The weights were provided by their author for research "
               "purposes; the MIT licence of");
    cli_say(t, "Demucs' code does not cover them (docs/models.md).");
}

static int show(cli_terminal *t, const char *json)
{
    cJSON *list = t->json ? NULL : cJSON_Parse(json);
    if (t->json)
        cli_print_document(t, json);
    else
        print_list(t, list);
    cJSON_Delete(list);
    return CLI_DONE;
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    (void)n;
    (void)operand;
    const list_options *o = values;
    dmx_error err = DMX_ERROR_INIT;
    dmx_hub *hub;
    const dmx_status status = cli_hub_open(&hub, t, &o->hub, &err);
    if (status != DMX_OK)
        return cli_finish(t, status, &err);
    char *json = dmx_hub_list_json(hub);
    int code = CLI_FAILED;
    if (json != NULL)
        code = show(t, json);
    else
        cli_error(t, "no memory");
    dmx_free(json);
    dmx_hub_close(hub);
    return code;
}

const cli_command cli_command_list_models = {
    .name = "list-models",
    .operands = "",
    .summary = "list the models that can be used by name",
    .details =
        "Name, size of the download, whether it is in the cache, whether this "
        "version can run it, sources. With -v what each model is and what is "
        "known of its licence (of others' models always); with --json also "
        "URLs, hashes, and weights.",
    .option = options,
    .options_size = sizeof(list_options),
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
