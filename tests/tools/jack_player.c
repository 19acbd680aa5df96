/* jack_player SONG RECORDING FRAMES IN... - OUT...: plays a song of interleaved
 * 32-bit floats, a channel to each port IN, and records FRAMES frames of the
 * ports OUT from the song's first frame on, interleaved. Two clients of JACK,
 * so that nothing is connected in a circle; libjack is loaded. The server must
 * wait for its clients (jackd -S), so that no block is left out. */
#include <dlfcn.h>
#include <jack/jack.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* SETTLED: cycles after which new connections surely sound. */
enum { MOST_PORTS = 16, PATIENCE_S = 120, SETTLED = 16 };

#define FUNCTIONS(X)                                                           \
    X(client_open)                                                             \
    X(client_close)                                                            \
    X(set_process_callback)                                                    \
    X(set_xrun_callback)                                                       \
    X(activate)                                                                \
    X(port_register)                                                           \
    X(port_name)                                                               \
    X(port_get_buffer)                                                         \
    X(connect)

static struct {
#define MEMBER(name) __typeof__(&jack_##name) name;
    FUNCTIONS(MEMBER)
} jack;

typedef struct side {
    jack_client_t *handle;
    jack_port_t *port[MOST_PORTS];
    int ports;
} side;

static side source, sink;
static float *song, *recording; /* interleaved */
static long song_frames, frames;
static _Atomic bool connected, done;
static _Atomic long xruns;
static _Atomic long now; /* frame of the song in this cycle, -1 before it */
static long next;
static int cycles; /* since all was connected */

static void fail(const char *what)
{
    fprintf(stderr, "jack_player: %s\n", what);
    exit(1);
}

/* ------------------------------------------------------------------- audio */

/* Before `record` in each cycle: what it sends comes there. */
static int play(jack_nframes_t n, void *user)
{
    (void)user;
    cycles += atomic_load(&connected);
    const bool plays = cycles > SETTLED;
    for (int c = 0; c < source.ports; c++) {
        float *out = jack.port_get_buffer(source.port[c], n);
        for (long i = 0; i < (long)n; i++)
            out[i] = plays && next + i < song_frames
                         ? song[(next + i) * source.ports + c]
                         : 0;
    }
    atomic_store(&now, plays ? next : -1);
    next += plays ? (long)n : 0;
    return 0;
}

static int record(jack_nframes_t n, void *user)
{
    (void)user;
    const long from = atomic_load(&now);
    if (from < 0 || atomic_load(&done))
        return 0;
    for (int c = 0; c < sink.ports; c++) {
        const float *in = jack.port_get_buffer(sink.port[c], n);
        for (long i = 0; i < (long)n && from + i < frames; i++)
            recording[(from + i) * sink.ports + c] = in[i];
    }
    if (from + (long)n >= frames)
        atomic_store(&done, true);
    return 0;
}

static int count_xrun(void *user)
{
    (void)user;
    atomic_fetch_add(&xruns, 1);
    return 0;
}

/* ------------------------------------------------------------------- files */

static float *read_song(const char *path, long *count)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        fail(path);
    *count = ftell(f) / (long)sizeof(float);
    rewind(f);
    float *all = malloc((size_t)(*count + 1) * sizeof *all);
    if (all == NULL ||
        fread(all, sizeof *all, (size_t)*count, f) != (size_t)*count)
        fail(path);
    fclose(f);
    return all;
}

static void write_recording(const char *path)
{
    FILE *f = fopen(path, "wb");
    const size_t count = (size_t)(frames * sink.ports);
    if (f == NULL || fwrite(recording, sizeof *recording, count, f) != count ||
        fclose(f) != 0)
        fail(path);
}

/* ------------------------------------------------------------------- setup */

static void load(void)
{
    void *library = dlopen("libjack.so.0", RTLD_NOW);
    if (library == NULL)
        fail("no libjack");
    void *address;
#define FIND(name)                                                             \
    address = dlsym(library, "jack_" #name);                                   \
    memcpy(&jack.name, &address, sizeof address);
    FUNCTIONS(FIND)
}

static void open_side(side *s, const char *name, JackProcessCallback process,
                      int ports, unsigned long flags)
{
    s->handle = jack.client_open(name, JackNoStartServer, NULL);
    if (s->handle == NULL)
        fail("no server");
    jack.set_process_callback(s->handle, process, NULL);
    for (int i = 0; i < ports; i++) {
        char port[16];
        snprintf(port, sizeof port, "p%d", i);
        s->port[i] = jack.port_register(s->handle, port,
                                        JACK_DEFAULT_AUDIO_TYPE, flags, 0);
        if (s->port[i] == NULL)
            fail("no port");
    }
    s->ports = ports;
}

static void connect_all(char **in, char **out)
{
    for (int i = 0; i < source.ports; i++)
        if (jack.connect(source.handle, jack.port_name(source.port[i]),
                         in[i]) != 0)
            fail(in[i]);
    for (int i = 0; i < sink.ports; i++)
        if (jack.connect(sink.handle, out[i], jack.port_name(sink.port[i])) !=
            0)
            fail(out[i]);
    atomic_store(&connected, true);
}

int main(int argc, char **argv)
{
    int dash = 4;
    while (dash < argc && strcmp(argv[dash], "-") != 0)
        dash++;
    const int ins = dash - 4, outs = argc - dash - 1;
    if (ins < 1 || outs < 1 || ins > MOST_PORTS || outs > MOST_PORTS)
        fail("usage: SONG RECORDING FRAMES IN... - OUT...");
    long count;
    song = read_song(argv[1], &count);
    song_frames = count / ins;
    frames = strtol(argv[3], NULL, 10);
    recording = calloc((size_t)(frames * outs), sizeof *recording);
    if (frames < 1 || recording == NULL)
        fail("no frames");
    load();
    open_side(&source, "dmx-source", play, ins, JackPortIsOutput);
    open_side(&sink, "dmx-sink", record, outs, JackPortIsInput);
    atomic_store(&now, -1);
    jack.set_xrun_callback(sink.handle, count_xrun, NULL);
    if (jack.activate(source.handle) != 0 || jack.activate(sink.handle) != 0)
        fail("not activated");
    connect_all(argv + 4, argv + dash + 1);
    for (int i = 0; i < 50 * PATIENCE_S && !atomic_load(&done); i++)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    jack.client_close(sink.handle);
    jack.client_close(source.handle);
    if (!atomic_load(&done))
        fail("the server does not go on");
    write_recording(argv[2]);
    printf("%ld xruns\n", atomic_load(&xruns));
    free(song);
    free(recording);
    return 0;
}
