#include "audio/canvas.h"

#include <math.h>
#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GLYPH_WIDTH  5
#define GLYPH_HEIGHT 8

/* Letters from ' ' to '~': eight rows of five dots, each row one digit of base
 * 32 whose highest bit is the leftmost dot. */
static const char glyphs[95][GLYPH_HEIGHT + 1] = {
    "00000000", "44444040", "AA000000", "AAVAVAA0", "4FKE5U40", "OP248J30",
    "CIK8LID0", "44000000", "24888420", "84222480", "04LEL400", "044V4400",
    "00000448", "000V0000", "00000CC0", "01248G00", "EHJLPHE0", "4C4444E0",
    "EH1248V0", "V2421HE0", "26AIV220", "VGU11HE0", "68GUHHE0", "V1248880",
    "EHHEHHE0", "EHHF12C0", "0CC0CC00", "0CC0C480", "248G8420", "00V0V000",
    "84212480", "EH124040", "EH1DLLE0", "EHHVHHH0", "UHHUHHU0", "EHGGGHE0",
    "SIHHHIS0", "VGGUGGV0", "VGGUGGG0", "EHGNHHF0", "HHHVHHH0", "E44444E0",
    "72222IC0", "HIKOKIH0", "GGGGGGV0", "HRLLHHH0", "HHPLJHH0", "EHHHHHE0",
    "UHHUGGG0", "EHHHLID0", "UHHUKIH0", "FGGE11U0", "V4444440", "HHHHHHE0",
    "HHHHHA40", "HHHLLLA0", "HHA4AHH0", "HHHA4440", "V1248GV0", "E88888E0",
    "0G842100", "E22222E0", "4AH00000", "000000V0", "84000000", "00E1FHF0",
    "GGMPHHU0", "00EGGHE0", "11DJHHF0", "00EHVGE0", "698S8880", "00FHHF1E",
    "GGMPHHH0", "40C444E0", "206222IC", "GGIKOKI0", "C44444E0", "00QLLHH0",
    "00MPHHH0", "00EHHHE0", "00UHHUGG", "00FHHF11", "00MPGGG0", "00FGE1U0",
    "88S88960", "00HHHJD0", "00HHHA40", "00HHLLA0", "00HA4AH0", "00HHHF1E",
    "00V248V0", "24484420", "44444440", "84424480", "008L2000",
};

/* Latin-1 letters from U+00C0 on, without their accents. */
static const char plain[] = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYPs"
                            "aaaaaaaceeeeiiiidnooooo/ouuuuypy";

dmx_status dmx_canvas_open(dmx_canvas *canvas, int width, int height,
                           dmx_colour background, dmx_error *err)
{
    *canvas = (dmx_canvas){.width = width, .height = height};
    const size_t pixels = (size_t)width * (size_t)height;
    canvas->rgb = malloc(3 * pixels);
    DMX_RETURN_IF(canvas->rgb == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a picture of %d x %d", width, height);
    for (size_t i = 0; i < pixels; i++)
        memcpy(canvas->rgb + 3 * i, &background, 3);
    return DMX_OK;
}

void dmx_canvas_close(dmx_canvas *canvas)
{
    free(canvas->rgb);
    *canvas = (dmx_canvas){0};
}

static unsigned char mix_byte(unsigned char a, unsigned char b, double t)
{
    return (unsigned char)lround(a + (b - a) * t);
}

dmx_colour dmx_colour_mix(dmx_colour a, dmx_colour b, double t)
{
    return (dmx_colour){mix_byte(a.r, b.r, t), mix_byte(a.g, b.g, t),
                        mix_byte(a.b, b.b, t)};
}

void dmx_canvas_blend(dmx_canvas *canvas, int x, int y, dmx_colour colour,
                      double alpha)
{
    if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height)
        return;
    unsigned char *p =
        canvas->rgb + 3 * ((size_t)y * (size_t)canvas->width + (size_t)x);
    const dmx_colour old = {p[0], p[1], p[2]};
    const dmx_colour mixed = dmx_colour_mix(old, colour, alpha);
    memcpy(p, &mixed, 3);
}

void dmx_canvas_fill(dmx_canvas *canvas, int x, int y, int width, int height,
                     dmx_colour colour, double alpha)
{
    for (int j = y; j < y + height; j++)
        for (int i = x; i < x + width; i++)
            dmx_canvas_blend(canvas, i, j, colour, alpha);
}

void dmx_canvas_column(dmx_canvas *canvas, int x, double y0, double y1,
                       dmx_colour colour, double alpha)
{
    for (int y = (int)floor(y0); y < y1; y++) {
        const double covered = fmin(y1, y + 1) - fmax(y0, y);
        if (covered > 0)
            dmx_canvas_blend(canvas, x, y, colour, alpha * covered);
    }
}

/* One character of UTF-8; advances *text. */
static unsigned next_character(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    unsigned code = p[0];
    int length = 1;
    while ((p[length] & 0xC0) == 0x80)
        length++;
    if (length > 1)
        code &= 0x7Fu >> length;
    for (int i = 1; i < length && i < 4; i++)
        code = code << 6 | (p[i] & 0x3Fu);
    *text += length;
    return code;
}

/* The glyph of a character, or of one that looks like it. */
static int glyph_of(unsigned code)
{
    if (code >= 0xC0 && code <= 0xFF)
        return plain[code - 0xC0] - ' ';
    if (code >= 0x2010 && code <= 0x2015) /* dashes */
        code = '-';
    else if (code == 0x2018 || code == 0x2019)
        code = '\'';
    else if (code >= 0x201C && code <= 0x201E)
        code = '"';
    return code >= ' ' && code <= '~' ? (int)code - ' ' : '?' - ' ';
}

static bool dot(int glyph, int x, int y)
{
    if (x < 0 || y < 0 || x >= GLYPH_WIDTH || y >= GLYPH_HEIGHT)
        return false;
    const char c = glyphs[glyph][y];
    const int row = c <= '9' ? c - '0' : c - 'A' + 10;
    return row >> (GLYPH_WIDTH - 1 - x) & 1;
}

/* Each dot becomes 2 x 2; a corner whose two neighbours agree against the
 * opposite ones takes their value, which rounds the diagonals (Scale2x). */
static void draw_dot(dmx_canvas *canvas, int x, int y, int glyph, int i, int j,
                     dmx_colour colour)
{
    const bool up = dot(glyph, i, j - 1), down = dot(glyph, i, j + 1);
    const bool left = dot(glyph, i - 1, j), right = dot(glyph, i + 1, j);
    const bool self = dot(glyph, i, j);
    for (int k = 0; k < 4; k++) {
        const bool vertical = k < 2 ? up : down;
        const bool side = k % 2 == 0 ? left : right;
        const bool other_vertical = k < 2 ? down : up;
        const bool other_side = k % 2 == 0 ? right : left;
        const bool corner = vertical == side && vertical != other_vertical &&
                            side != other_side;
        if (corner ? vertical : self)
            dmx_canvas_blend(canvas, x + 2 * i + k % 2, y + 2 * j + k / 2,
                             colour, 1);
    }
}

int dmx_canvas_text(dmx_canvas *canvas, int x, int y, const char *text,
                    dmx_colour colour)
{
    while (*text != '\0') {
        const int glyph = glyph_of(next_character(&text));
        for (int j = 0; j < GLYPH_HEIGHT; j++)
            for (int i = 0; i < GLYPH_WIDTH; i++)
                draw_dot(canvas, x, y, glyph, i, j, colour);
        x += DMX_TEXT_WIDTH;
    }
    return x;
}

int dmx_canvas_text_width(const char *text)
{
    int count = 0;
    while (*text != '\0') {
        next_character(&text);
        count++;
    }
    return count * DMX_TEXT_WIDTH;
}

dmx_status dmx_canvas_png(unsigned char **out, size_t *size,
                          const dmx_canvas *canvas, dmx_error *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)canvas->width,
                       .height = (png_uint_32)canvas->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    *out = malloc(bytes);
    DMX_RETURN_IF(*out == NULL, err, DMX_ERROR_MEMORY, "no memory for a PNG");
    if (!png_image_write_to_memory(&image, *out, &bytes, 0, canvas->rgb, 0,
                                   NULL)) {
        free(*out);
        *out = NULL;
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "can't make the PNG: %s",
                         image.message);
    }
    *size = bytes;
    return DMX_OK;
}
