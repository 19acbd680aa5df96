/* Elementary functions that have the same bits everywhere: additions, products
 * and quotients of doubles in a fixed order, for constants that are written
 * into files. The C library's differ in the last bit between systems, and
 * between processors where it has several of each; beyond the ranges below it
 * is what answers. Errors are below 2^-50 of the result (of 1 for sines and
 * cosines). */
#ifndef DMX_BASE_ELEMENTARY_H
#define DMX_BASE_ELEMENTARY_H

/* ln x, x > 0 */
double dmx_ln(double x);
/* e^x, |x| <= 700 */
double dmx_exp(double x);
/* of an angle in radians, |x| <= 2^24 */
double dmx_sin(double x);
double dmx_cos(double x);

#endif
