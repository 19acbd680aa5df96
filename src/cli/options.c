#include "options.h"
#include "demucs_onnx.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD 40

/* The state of cli_parse. */
typedef struct parser {
    char *message;
    size_t size;
    const cli_target *target; /* two */
    char **argv;
    int argc, next;
} parser;

/* ---------------------------------------------------------- nearest name */

const char *cli_nearest(const char *word,
                        const char *(*name)(const void *, int),
                        const void *table)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;
    for (int i = 0; name(table, i) != NULL; i++) {
        const size_t distance = dmx_text_distance(word, name(table, i));
        if (distance < best_distance) {
            best = name(table, i);
            best_distance = distance;
        }
    }
    return best;
}

static const char *option_name(const void *table, int i)
{
    return ((const cli_option *)table)[i].name;
}

/* ---------------------------------------------------------------- values */

static const char *wrong(const parser *p, const cli_option *o, const char *text,
                         const char *wanted)
{
    snprintf(p->message, p->size, "--%s: '%s' is not %s", o->name, text,
             wanted);
    return p->message;
}

static const char *check_range(const parser *p, const cli_option *o,
                               const char *text, double value)
{
    if ((o->min != 0 || o->max != 0) && !(value >= o->min && value <= o->max)) {
        char wanted[80];
        snprintf(wanted, sizeof wanted, "in the range %.15g to %.15g", o->min,
                 o->max);
        return wrong(p, o, text, wanted);
    }
    return NULL;
}

static const char *store_int(const parser *p, const cli_option *o,
                             const char *text, void *slot)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return wrong(p, o, text, "a whole number");
    *(int64_t *)slot = value;
    return check_range(p, o, text, (double)value);
}

static const char *store_real(const parser *p, const cli_option *o,
                              const char *text, void *slot)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value))
        return wrong(p, o, text, "a number");
    *(double *)slot = value;
    return check_range(p, o, text, value);
}

static bool is_choice(const cli_option *o, const char *text)
{
    const size_t length = strlen(text);
    const char *word = o->argument;
    while (word != NULL && length != 0) {
        if (strncmp(word, text, length) == 0 &&
            (word[length] == '|' || word[length] == '\0'))
            return true;
        word = strchr(word, '|');
        if (word != NULL)
            word++;
    }
    return false;
}

static const char *store_choice(const parser *p, const cli_option *o,
                                const char *text, void *slot)
{
    if (text == NULL || is_choice(o, text)) {
        *(const char **)slot = text != NULL ? text : "";
        return NULL;
    }
    char wanted[200];
    snprintf(wanted, sizeof wanted, "one of %s", o->argument);
    return wrong(p, o, text, wanted);
}

static const char *store_item(const parser *p, const char *text, cli_list *list)
{
    const char **grown = realloc(list->item, (list->count + 2) * sizeof *grown);
    if (grown == NULL) {
        snprintf(p->message, p->size, "no memory");
        return p->message;
    }
    list->item = grown;
    grown[list->count++] = text;
    grown[list->count] = NULL;
    return NULL;
}

static const char *store(const parser *p, const cli_target *t,
                         const cli_option *o, const char *text)
{
    void *slot = (char *)t->values + o->offset;
    /* probably an unset variable in a script: it must not mean the root folder
     */
    if (text != NULL && text[0] == '\0') {
        snprintf(p->message, p->size, "--%s: the value is empty", o->name);
        return p->message;
    }
    switch (o->type) {
    case CLI_FLAG:
        ++*(int *)slot;
        return NULL;
    case CLI_STRING:
        *(const char **)slot = text;
        return NULL;
    case CLI_CHOICE:
    case CLI_WORD:
        return store_choice(p, o, text, slot);
    case CLI_INT:
        return store_int(p, o, text, slot);
    case CLI_REAL:
        return store_real(p, o, text, slot);
    case CLI_LIST:
        return store_item(p, text, slot);
    }
    return NULL;
}

/* --------------------------------------------------------------- parsing */

/* The option of that long name (length characters) or letter. */
static const cli_option *find(const parser *p, const char *name, size_t length,
                              char letter, const cli_target **target)
{
    for (int t = 0; t < 2; t++) {
        const cli_option *o = p->target[t].option;
        for (; o != NULL && o->name != NULL; o++) {
            const bool same = name != NULL ? strlen(o->name) == length &&
                                                 !strncmp(o->name, name, length)
                                           : o->letter == letter;
            if (same) {
                *target = &p->target[t];
                return o;
            }
        }
    }
    return NULL;
}

static const char *unknown(const parser *p, const char *word, size_t length)
{
    char name[MAX_WORD] = {0};
    memcpy(name, word, length < MAX_WORD ? length : MAX_WORD - 1);
    const char *near = NULL;
    for (int t = 0; t < 2 && near == NULL; t++)
        if (p->target[t].option != NULL)
            near = cli_nearest(name, option_name, p->target[t].option);
    if (near != NULL)
        snprintf(p->message, p->size, "unknown option --%s; did you mean --%s?",
                 name, near);
    else
        snprintf(p->message, p->size, "unknown option --%s", name);
    return p->message;
}

static const char *take_value(parser *p, const cli_target *t,
                              const cli_option *o, const char *joined)
{
    if (joined != NULL)
        return store(p, t, o, joined);
    if (o->type == CLI_WORD &&
        (p->next >= p->argc || !is_choice(o, p->argv[p->next])))
        return store(p, t, o, NULL);
    if (p->next >= p->argc) {
        snprintf(p->message, p->size, "--%s needs a value: %s", o->name,
                 o->argument);
        return p->message;
    }
    return store(p, t, o, p->argv[p->next++]);
}

static const char *parse_long(parser *p, const char *word)
{
    const char *equals = strchr(word, '=');
    const size_t length =
        equals != NULL ? (size_t)(equals - word) : strlen(word);
    const cli_target *t;
    const cli_option *o = find(p, word, length, 0, &t);
    if (o == NULL)
        return unknown(p, word, length);
    if (o->type != CLI_FLAG)
        return take_value(p, t, o, equals != NULL ? equals + 1 : NULL);
    if (equals != NULL) {
        snprintf(p->message, p->size, "--%s takes no value", o->name);
        return p->message;
    }
    return store(p, t, o, NULL);
}

static const char *parse_letters(parser *p, const char *letter)
{
    while (*letter != '\0') {
        const cli_target *t;
        const cli_option *o = find(p, NULL, 0, *letter, &t);
        if (o == NULL) {
            snprintf(p->message, p->size, "unknown option -%c", *letter);
            return p->message;
        }
        letter++;
        if (o->type != CLI_FLAG)
            return take_value(p, t, o, *letter != '\0' ? letter : NULL);
        store(p, t, o, NULL);
    }
    return NULL;
}

const char *cli_parse(char *message, size_t size, const cli_target target[2],
                      int argc, char **argv, int *operands)
{
    parser p = {message, size, target, argv, argc, 0};
    bool options = true;
    *operands = 0;
    while (p.next < argc) {
        char *word = argv[p.next++];
        const char *problem = NULL;
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && word[0] == '-' && word[1] == '-')
            problem = parse_long(&p, word + 2);
        else if (options && word[0] == '-' && word[1] != '\0')
            problem = parse_letters(&p, word + 1);
        else
            argv[(*operands)++] = word;
        if (problem != NULL)
            return problem;
    }
    return NULL;
}

void cli_free_lists(const cli_target *target)
{
    const cli_option *o = target->option;
    for (; o != NULL && o->name != NULL; o++)
        if (o->type == CLI_LIST)
            free(((cli_list *)((char *)target->values + o->offset))->item);
}
