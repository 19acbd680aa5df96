/* Recordings of Hybrid Demucs, Demucs and HTDemucs of any length: every
 * network at several lengths. Shortened copies are in tests/data/family; the
 * full recordings are used where available. */
#ifndef DMX_FAMILY_H
#define DMX_FAMILY_H

#include "golden.h"

/* Folders of recordings, relative to the tests' data. */
#define FAMILY_SHORT     "family/"
#define FAMILY_QUANTIZED "quantized/"
#define FAMILY_WHOLE     "../../../shared/fixtures/"

/* Calls check for every recording in a folder, `name` being the network and
 * its file; returns how many checks failed. The golden case is closed
 * afterwards. */
int family_each(const char *base, bool (*check)(golden *g, const char *name));
/* The same for the networks whose names have a part. */
int family_some(const char *base, const char *part,
                bool (*check)(golden *g, const char *name));

#endif
