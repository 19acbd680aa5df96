/* The arithmetic types that the engine can multiply in. */
#ifndef DMX_BASE_ARITHMETIC_H
#define DMX_BASE_ARITHMETIC_H

typedef enum dmx_number {
    DMX_FLOAT32,
    DMX_INT16,
    DMX_INT8,
    DMX_NUMBERS
} dmx_number;

#endif
