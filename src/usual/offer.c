#include "usual/offer.h"
#include "bench/contestant.h"

void dmx_usual_offer(void)
{
    dmx_contestant_offer("usual", &dmx_usual_recipes);
}
