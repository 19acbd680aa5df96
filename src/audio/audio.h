/* Reading and writing of sound files: the header that the rest of the library
 * includes. Everything streams: memory does not grow with the length of a song.
 *
 *   reader    any container and codec -> float32 planes
 *   downmix   its channels -> the model's
 *   resample  its rate -> the model's, and back, without shifting anything
 *   writer    float32 or integer planes -> WAV, FLAC, MP3, OGG, Opus, M4A
 *   tags      title, artist, cover ... from the one to the other
 *   plot      the picture of a song and its stems
 *
 * A "frame" is one sample of every channel. Audio is planar everywhere:
 * planes[channel][frame], full scale 1.0. A handle belongs to one thread at a
 * time; different handles are independent. */
#ifndef DMX_AUDIO_AUDIO_H
#define DMX_AUDIO_AUDIO_H

#include "audio/downmix.h"
#include "audio/raw.h"
#include "audio/reader.h"
#include "audio/resample.h"
#include "audio/tags.h"
#include "audio/writer.h"

#endif
