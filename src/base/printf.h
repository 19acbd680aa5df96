/* Functions that take a format as printf does. */
#ifndef DMX_BASE_PRINTF_H
#define DMX_BASE_PRINTF_H

#if defined(__GNUC__)
#define DMX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define DMX_PRINTF(fmt, args)
#endif

#endif
