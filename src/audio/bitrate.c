#include "audio/bitrate.h"

#include <stdbool.h>
#include <stdio.h>

/* Layer III's, by the sampling frequency: MPEG-1 from 32 kHz on, MPEG-2 from
 * 16 kHz on (ISO/IEC 11172-3 and 13818-3, 2.4.2.3), and what LAME gives to the
 * rates below, which have MPEG-2's table but a smaller buffer. */
static const int mpeg1[] = {32,  40,  48,  56,  64,  80,  96, 112,
                            128, 160, 192, 224, 256, 320, 0};
static const int mpeg2[] = {8,  16, 24,  32,  40,  48,  56, 64,
                            80, 96, 112, 128, 144, 160, 0};
static const int mpeg25[] = {8, 16, 24, 32, 40, 48, 56, 64, 0};

static dmx_status check_mp3(int rate, int kbps, dmx_error *err)
{
    const int *allowed = rate >= 32000 ? mpeg1 : rate >= 16000 ? mpeg2 : mpeg25;
    char list[128] = "";
    size_t used = 0;
    for (const int *k = allowed; *k != 0; k++) {
        if (*k == kbps)
            return DMX_OK;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%d",
                                 k == allowed ? "" : ", ", *k);
    }
    DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT,
                     "MP3 at %d Hz has no %d kbit/s; it has %s", rate, kbps,
                     list);
}

dmx_status dmx_audio_check_bitrate(dmx_audio_format format, int rate,
                                   int channels, int kbps, dmx_error *err)
{
    if (kbps == 0)
        return DMX_OK;
    if (format == DMX_AUDIO_MP3)
        return check_mp3(rate, kbps, err);
    /* A packet of AAC is at most 6144 bits a channel for 1024 samples
     * (ISO/IEC 14496-3, 4.5.3); Opus ends at 256 kbit/s a channel. */
    const bool aac = format == DMX_AUDIO_M4A || format == DMX_AUDIO_STEM_MP4;
    if (format == DMX_AUDIO_STEM_MP4)
        channels = 2; /* of each track */
    const int most = aac                        ? 6 * rate / 1000 * channels
                     : format == DMX_AUDIO_OPUS ? 256 * channels
                                                : kbps;
    DMX_RETURN_IF(kbps > most, err, DMX_ERROR_ARGUMENT,
                  "%s at %d Hz, %d channels has at most %d kbit/s, not %d",
                  aac ? "M4A" : "Opus", rate, channels, most, kbps);
    return DMX_OK;
}
