/* A restricted pickle machine: it builds plain values, knows the handful of
 * constructors that weights are made of, and never imports or calls anything.
 * Every other GLOBAL is a symbol, every other construction an opaque value.
 *
 * Source: the opcode comments of CPython's pickletools, PyTorch's
 * torch/_utils.py (rebuild functions) and torch/serialization.py. */
#ifndef DMX_CHECKPOINT_PICKLE_H
#define DMX_CHECKPOINT_PICKLE_H

#include "base/memory.h"
#include "base/tensor.h"

/* Budgets: far above what a training run saves, far below what hurts. */
#define DMX_PICKLE_MAX_BYTES   ((size_t)64 << 20)  /* one pickle */
#define DMX_PICKLE_MAX_OPCODES ((size_t)8 << 20)   /* all pickles of a file */
#define DMX_PICKLE_MAX_MEMO    ((size_t)2 << 20)   /* entries of one pickle */
#define DMX_PICKLE_MAX_STACK   ((size_t)1 << 20)   /* values at once */
#define DMX_PICKLE_MAX_DEPTH   ((uint32_t)256)     /* values, open marks */
#define DMX_PICKLE_MAX_STRING  ((size_t)16 << 20)  /* bytes of one string */
#define DMX_PICKLE_MAX_SYMBOLS ((size_t)512)       /* distinct GLOBALs */
#define DMX_PICKLE_MAX_NAME    ((size_t)256)       /* bytes of "module.name" */
#define DMX_PICKLE_MAX_MEMORY  ((size_t)192 << 20) /* bytes of all values */

typedef enum dmx_pickled_kind {
    DMX_PICKLED_NONE,
    DMX_PICKLED_BOOL,
    DMX_PICKLED_INT,
    DMX_PICKLED_FLOAT,
    DMX_PICKLED_STRING, /* bytes as pickled, not checked to be UTF-8 */
    DMX_PICKLED_BYTES,
    DMX_PICKLED_LIST,
    DMX_PICKLED_TUPLE,
    DMX_PICKLED_DICT,
    DMX_PICKLED_FRACTION,
    DMX_PICKLED_SYMBOL, /* a GLOBAL: a class or function by name */
    DMX_PICKLED_STORAGE,
    DMX_PICKLED_TENSOR,
    DMX_PICKLED_CONFIG, /* an OmegaConf node: its state, nothing is called */
    DMX_PICKLED_OPAQUE, /* anything else, by the name of its constructor */
} dmx_pickled_kind;

/* "demucs.htdemucs" + "HTDemucs"; clean printable text, terminated. */
typedef struct dmx_symbol {
    const char *module, *name, *full; /* full: "demucs.htdemucs.HTDemucs" */
    size_t full_size;
} dmx_symbol;

/* What a persistent id says about a block of numbers somewhere else. */
typedef struct dmx_storage {
    const char *key; /* not terminated */
    size_t key_size;
    const char *type;  /* "HalfStorage" */
    int item_size;     /* bytes, or 0: a type we do not know */
    int dtype;         /* a dmx_dtype, or -1: no tensor of ours has it */
    int64_t count;     /* elements of the whole storage */
    int64_t view;      /* first element of a view of it (legacy), else 0 */
    int64_t view_size; /* elements of the view, else count */
    size_t at;         /* file offset of the opcode that named it */
} dmx_storage;

typedef struct dmx_pickled dmx_pickled;
struct dmx_pickled {
    uint8_t kind;
    uint32_t depth; /* of nested containers; at least 1 for a container */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *data; /* often inside the file image */
            size_t size;
        } text;
        struct {
            dmx_pickled **item; /* a dict alternates keys and values */
            uint32_t count, capacity;
        } list;
        struct {
            int64_t numerator, denominator; /* denominator > 0, reduced */
        } fraction;
        const dmx_symbol *symbol; /* SYMBOL */
        const char *opaque;       /* OPAQUE: constructor, never NULL */
        struct {
            const char *name;   /* its class */
            dmx_pickled *state; /* a dict, or NULL; may lead back to it */
        } config;
        const dmx_storage *storage; /* STORAGE */
        struct {
            const dmx_storage *storage;
            dmx_pickled *arguments; /* (storage, offset, sizes, strides, ...) */
        } tensor;
    } as;
};

/* Everything that the pickles of one file leave behind. Start with zeros and
 * dmx_pickle_open; values live until dmx_pickle_close. */
typedef struct dmx_pickle {
    dmx_arena arena;
    size_t opcodes; /* run so far */
    size_t base;    /* file offset of data[0], for messages */
    int protocol;   /* of the last pickle */
    dmx_symbol *symbol[DMX_PICKLE_MAX_SYMBOLS];
    size_t n_symbol;
    dmx_storage **storage; /* one per persistent id, in file order */
    size_t n_storage, storage_capacity;
} dmx_pickle;

void dmx_pickle_open(dmx_pickle *p);
void dmx_pickle_close(dmx_pickle *p);

/* Runs the pickle that starts at data[*at] and ends before data[end]; *at
 * becomes the offset behind its STOP. Error offsets are indices of data, plus
 * p->base. *out belongs to p. Fails with FORMAT, LIMIT, UNSUPPORTED or MEMORY.
 */
DMX_MUST_CHECK dmx_status dmx_pickle_run(dmx_pickled **out, dmx_pickle *p,
                                         const unsigned char *data, size_t *at,
                                         size_t end, dmx_error *err);

/* The value of a string key, or NULL (also when v is no dict). The last one
 * wins, as in Python. */
const dmx_pickled *dmx_pickled_get(const dmx_pickled *v, const char *key);
bool dmx_pickled_is(const dmx_pickled *v, const char *text);

/* What a configuration node holds: its value, dict or list; v itself when it
 * is no such node, NULL when it leads nowhere. */
const dmx_pickled *dmx_pickled_plain(const dmx_pickled *v);

/* "a list", "demucs.model.Demucs", ... for messages: plain ASCII, short. */
const char *dmx_pickled_describe(const dmx_pickled *v);

#endif
