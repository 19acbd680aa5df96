/* The usual export as a contestant of the benchmark, for programs that link it
 * in addition to the library. */
#ifndef DMX_USUAL_OFFER_H
#define DMX_USUAL_OFFER_H

/* Its recipes, for dmx_onnx_options. */
extern const struct dmx_recipe_table dmx_usual_recipes;

/* Makes the contestant "usual" available to dmx_bench. */
void dmx_usual_offer(void);

#endif
