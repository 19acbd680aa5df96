/* A bag of models: its checkpoint files, and how their outputs are averaged. */
#ifndef DMX_HUB_BAG_H
#define DMX_HUB_BAG_H

#include "base/error.h"
#include "base/memory.h"

/* Limits; a bag file beyond any of them is refused. */
enum {
    DMX_BAG_FILE_BYTES = 1 << 20,
    DMX_BAG_MEMBERS = 64,
    DMX_BAG_SOURCES = 64,
};

struct dmx_bag {
    dmx_arena arena; /* owns everything below */
    char *name;
    size_t n_member;
    char **signature; /* [member] */
    char **path;      /* [member], NULL until the file is found */
    size_t *left_out; /* [member], how many were left out just before it */
    size_t n_source;  /* columns of weight, 0: no matrix */
    double *weight;   /* [member][source] */
    double segment;   /* seconds, 0: not given */
    char *config;     /* constructor arguments of bare weights, or NULL */
    char **alias;     /* name, source, name, source, ..., NULL; or NULL */
};

/* Whether the path has the extension of a bag file (.yaml, .yml, .json). */
bool dmx_is_bag_file(const char *path);

/* An empty bag: no signature, no path, all weights 0. Close with
 * dmx_bag_close. */
DMX_MUST_CHECK dmx_status dmx_bag_new(struct dmx_bag **out, const char *name,
                                      size_t members, size_t sources,
                                      dmx_error *err);

/* A bag of this one file, named after it. Does not open the file. */
DMX_MUST_CHECK dmx_status dmx_bag_of_file(struct dmx_bag **out,
                                          const char *path, dmx_error *err);

/* Removes the members that contribute nothing to column `source` and counts
 * them in left_out. */
void dmx_bag_keep_source(struct dmx_bag *bag, size_t source);

/* Parses YAML or JSON: `models`, `weights`, `segment`; other keys are ignored.
 * `name` (of the bag, and in messages) is the file's. Aliases, anchors, second
 * documents and duplicate keys are refused; no file is touched. */
DMX_MUST_CHECK dmx_status dmx_bag_parse(struct dmx_bag **out, const void *text,
                                        size_t size, const char *name,
                                        dmx_error *err);

/* Whether the text is safe as the name of a file in a given folder. */
bool dmx_is_file_name(const char *text);

#endif
