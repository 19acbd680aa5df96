/* Bag files, YAML or JSON. */
#include "fuzz_open.h"

#include "hub/bag.h"

#include <math.h>
#include <stdlib.h>

static void check(const struct dmx_bag *bag)
{
    const size_t members = dmx_bag_members(bag);
    if (members < 1 || members > DMX_BAG_MEMBERS ||
        dmx_bag_sources(bag) > DMX_BAG_SOURCES)
        abort();
    for (size_t m = 0; m < members; m++) {
        if (!dmx_is_file_name(dmx_bag_signature(bag, m)))
            abort();
        for (size_t s = 0; s < dmx_bag_sources(bag); s++)
            if (!isfinite(dmx_bag_weight(bag, m, s)))
                abort();
    }
    for (size_t s = 0; s < dmx_bag_sources(bag); s++)
        dmx_bag_specialist(bag, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dmx_bag *bag;
    dmx_error err = DMX_ERROR_INIT;
    if (dmx_bag_parse(&bag, data, size, "bag.yaml", &err) == DMX_OK)
        check(bag);
    else if (bag != NULL || err.code == DMX_OK || err.message[0] == '\0')
        abort();
    dmx_bag_close(bag);
    return 0;
}
