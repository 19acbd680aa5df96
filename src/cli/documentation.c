/* The man page and the shell completions. */
#include "help.h"

#include <ctype.h>
#include <string.h>

/* --------------------------------------------------------------- man page */

/* Text for troff: hyphens and backslashes are escaped, and no line may begin
 * with a control character. */
static void roff(FILE *stream, const char *text)
{
    bool start = true;
    for (; *text != '\0'; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", stream);
        start = *text == '\n';
        if (*text == '-')
            fputs("\\-", stream);
        else if (*text == '\\')
            fputs("\\e", stream);
        else
            fputc(*text, stream);
    }
}

static void man_options(FILE *stream, const cli_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        fputs(".TP\n.B ", stream);
        if (o->letter != 0)
            fprintf(stream, "\\-%c\\fR, \\fB", o->letter);
        fputs("\\-\\-", stream);
        roff(stream, o->name);
        if (o->argument != NULL) {
            fputs(" \\fI", stream);
            roff(stream, o->argument);
            fputs("\\fR", stream);
        }
        fputc('\n', stream);
        roff(stream, o->help);
        fputs(".\n", stream);
    }
}

static void man_command(FILE *stream, const cli_command *c)
{
    fputs(".SS ", stream);
    roff(stream, c->name);
    fputs("\n.B demucs\\-onnx ", stream);
    roff(stream, c->name);
    fputs(c->option != NULL ? "\\fR[\\fIOPTION\\fR...] \\fI" : " \\fI", stream);
    roff(stream, c->operands);
    fprintf(stream, "\\fR\n.PP\n%c", toupper((unsigned char)c->summary[0]));
    roff(stream, c->summary + 1);
    fputs(".\n", stream);
    if (c->details != NULL) {
        fputs(".PP\n", stream);
        roff(stream, c->details);
        fputc('\n', stream);
    }
    man_options(stream, c->option);
}

static void man(FILE *stream)
{
    fprintf(stream, ".TH DEMUCS\\-ONNX 1 \"\" \"demucs\\-onnx %s\"\n",
            dmx_version());
    fputs(".SH NAME\ndemucs\\-onnx \\- Demucs checkpoints to ONNX, songs to "
          "stems\n.SH SYNOPSIS\n.B demucs\\-onnx\n.I COMMAND\n"
          "[\\fIOPTION\\fR...] ...\n.SH DESCRIPTION\n"
          "Reads checkpoints of Demucs music\\-separation models without "
          "executing them, writes verified ONNX files, and separates songs.\n"
          ".SH OPTIONS OF EVERY COMMAND\n",
          stream);
    man_options(stream, cli_global_options);
    fputs(".SH COMMANDS\n", stream);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        man_command(stream, *c);
    fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 130 "
          "interrupted.\n.SH ENVIRONMENT\n.TP\n.B DEMUCS_ONNXRUNTIME\n"
          "ONNX Runtime's shared library, or the folder that holds it.\n"
          ".TP\n.B NO_COLOR\nWhen set and not empty, messages are not "
          "coloured.\n.SH FILES\nA file being written is called "
          "\\fINAME.PID\\-N.dmx\\-part\\fR until it is complete and, for a "
          "model, verified. What a killed process leaves behind is removed "
          "by the next run that writes the same file.\n",
          stream);
}

/* ------------------------------------------------------------ completions */

static void bash_words(FILE *stream, const cli_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        if (o->letter != 0)
            fprintf(stream, " -%c", o->letter);
        fprintf(stream, " --%s", o->name);
    }
}

static void spaced(FILE *stream, const char *choices)
{
    for (; *choices != '\0'; choices++)
        fputc(*choices == '|' ? ' ' : *choices, stream);
}

static void bash_choices(FILE *stream, const cli_command *c)
{
    const cli_option *o = c->option;
    for (; o != NULL && o->name != NULL; o++)
        if (o->type == CLI_CHOICE || o->type == CLI_WORD) {
            fprintf(stream, "    %s:--%s) COMPREPLY=($(compgen -W \"", c->name,
                    o->name);
            spaced(stream, o->argument);
            fputs("\" -- \"$word\")); return ;;\n", stream);
        }
}

static void bash(FILE *stream)
{
    fputs("_demucs_onnx() {\n  local word=${COMP_WORDS[COMP_CWORD]}\n"
          "  local before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "  local command=${COMP_WORDS[1]}\n  local options\n"
          "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    options=\"",
          stream);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        fprintf(stream, "%s ", (*c)->name);
    fputs("--help --version\"\n    COMPREPLY=($(compgen -W \"$options\" -- "
          "\"$word\"))\n    return\n  fi\n  case $command:$before in\n",
          stream);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        bash_choices(stream, *c);
    fputs("  esac\n  case $command in\n", stream);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++) {
        fprintf(stream, "    %s) options=\"", (*c)->name);
        bash_words(stream, (*c)->option);
        bash_words(stream, cli_global_options);
        fputs("\" ;;\n", stream);
    }
    fputs("  esac\n  case $word in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
          "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n  esac\n}\n"
          "complete -o filenames -F _demucs_onnx demucs-onnx\n",
          stream);
}

/* Text for a shell's '...', without the characters that are special to zsh's
 * _arguments. */
static void quoted(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", stream);
        else if (strchr("[]:\\", *text) != NULL)
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
}

static void zsh_options(FILE *stream, const cli_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        if (o->letter != 0)
            fprintf(stream, "        '(-%c --%s)'{-%c,--%s}'[", o->letter,
                    o->name, o->letter, o->name);
        else
            fprintf(stream, "        '%s--%s[", o->type == CLI_LIST ? "*" : "",
                    o->name);
        quoted(stream, o->help);
        fputc(']', stream);
        if (o->type == CLI_CHOICE || o->type == CLI_WORD) {
            fputs(":value:(", stream);
            spaced(stream, o->argument);
            fputc(')', stream);
        } else if (o->type != CLI_FLAG) {
            fputc(':', stream);
            quoted(stream, o->argument);
            fputs(o->type == CLI_INT || o->type == CLI_REAL ? ": " : ":_files",
                  stream);
        }
        fputs("' \\\n", stream);
    }
}

static void zsh(FILE *stream)
{
    fputs("#compdef demucs-onnx\n_demucs_onnx() {\n  local -a commands\n"
          "  commands=(\n",
          stream);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++) {
        fprintf(stream, "    '%s:", (*c)->name);
        quoted(stream, (*c)->summary);
        fputs("'\n", stream);
    }
    fputs("  )\n  if (( CURRENT == 2 )); then\n"
          "    _describe command commands\n    return\n  fi\n"
          "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
          "  case $command in\n",
          stream);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++) {
        fprintf(stream, "    %s)\n      _arguments -s \\\n", (*c)->name);
        zsh_options(stream, (*c)->option);
        zsh_options(stream, cli_global_options);
        fputs("        '*:file:_files' ;;\n", stream);
    }
    fputs("  esac\n}\n_demucs_onnx \"$@\"\n", stream);
}

static void fish_quoted(FILE *stream, const char *text)
{
    fputc('\'', stream);
    for (; *text != '\0'; text++)
        if (*text == '\'' || *text == '\\')
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
    fputc('\'', stream);
}

static void fish_options(FILE *stream, const cli_option *o, const char *command)
{
    for (; o != NULL && o->name != NULL; o++) {
        fputs("complete -c demucs-onnx", stream);
        if (command != NULL)
            fprintf(stream, " -n '__fish_seen_subcommand_from %s'", command);
        fprintf(stream, " -l %s", o->name);
        if (o->letter != 0)
            fprintf(stream, " -s %c", o->letter);
        if (o->type == CLI_CHOICE || o->type == CLI_WORD) {
            fputs(" -x -a '", stream);
            spaced(stream, o->argument);
            fputc('\'', stream);
        } else if (o->type != CLI_FLAG) {
            fputs(" -r", stream);
        }
        fputs(" -d ", stream);
        fish_quoted(stream, o->help);
        fputc('\n', stream);
    }
}

static void fish(FILE *stream)
{
    for (const cli_command *const *c = cli_commands; *c != NULL; c++) {
        fprintf(stream,
                "complete -c demucs-onnx -n __fish_use_subcommand -f -a %s "
                "-d ",
                (*c)->name);
        fish_quoted(stream, (*c)->summary);
        fputc('\n', stream);
        fish_options(stream, (*c)->option, (*c)->name);
    }
    fish_options(stream, cli_global_options, NULL);
}

void cli_documentation(FILE *stream, const char *kind)
{
    if (strcmp(kind, "man") == 0)
        man(stream);
    else if (strcmp(kind, "bash") == 0)
        bash(stream);
    else if (strcmp(kind, "zsh") == 0)
        zsh(stream);
    else
        fish(stream);
}
