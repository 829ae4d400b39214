/*
 * Digits of base 16.
 * Thread rule: pure functions.
 */
#ifndef KL_BASE_HEX_H
#define KL_BASE_HEX_H

#include <stdint.h>

/** The value of a digit of either case; -1: it is none. */
static inline int kl_hex_value(uint8_t c)
{
    uint8_t low = c | 0x20;

    return (uint8_t)(c - '0') < 10 ? c - '0' : (uint8_t)(low - 'a') < 6 ? low - 'a' + 10 : -1;
}

#endif
