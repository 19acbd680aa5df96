/* A small RGB picture with text, and its PNG. */
#ifndef DMX_AUDIO_CANVAS_H
#define DMX_AUDIO_CANVAS_H

#include "base/error.h"

typedef struct dmx_colour {
    unsigned char r, g, b;
} dmx_colour;

typedef struct dmx_canvas {
    int width, height;
    unsigned char *rgb; /* [height][width][3] */
} dmx_canvas;

#define DMX_TEXT_WIDTH  12 /* from one letter to the next */
#define DMX_TEXT_HEIGHT 16

DMX_MUST_CHECK dmx_status dmx_canvas_open(dmx_canvas *canvas, int width,
                                          int height, dmx_colour background,
                                          dmx_error *err);
void dmx_canvas_close(dmx_canvas *canvas);

/* Blends the colour in with alpha 0..1; does nothing outside the picture. */
void dmx_canvas_blend(dmx_canvas *canvas, int x, int y, dmx_colour colour,
                      double alpha);
void dmx_canvas_fill(dmx_canvas *canvas, int x, int y, int width, int height,
                     dmx_colour colour, double alpha);
/* A column from y0 to y1 (y0 <= y1), smooth at its ends. */
void dmx_canvas_column(dmx_canvas *canvas, int x, double y0, double y1,
                       dmx_colour colour, double alpha);

/* UTF-8 text whose upper left corner is (x, y). Letters beyond Latin-1 are
 * drawn as '?'. Returns the x after the last letter. */
int dmx_canvas_text(dmx_canvas *canvas, int x, int y, const char *text,
                    dmx_colour colour);
/* Width of such a text in pixels. */
int dmx_canvas_text_width(const char *text);

dmx_colour dmx_colour_mix(dmx_colour a, dmx_colour b, double t);

/* The picture as a PNG in memory; *out is malloc'd. */
DMX_MUST_CHECK dmx_status dmx_canvas_png(unsigned char **out, size_t *size,
                                         const dmx_canvas *canvas,
                                         dmx_error *err);

#endif
