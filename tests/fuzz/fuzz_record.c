/*
 * Byte 0: bit 0 table, bit 1: 40 times the text on one line (a dump without line ends).
 * Targets: kl_record_find, kl_record_split.
 * Properties: the record of a point holds it, is short enough and inside its line; lines tile
 * the text; a point of a short record has the same record; units lie inside, in order, apart,
 * each with a letter or digit, and their numbers grow.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "match/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TIMES 40u

static void check_units(struct kl_span rec, bool is_table)
{
    struct kl_unit u[KL_MAX_UNITS];
    size_t n = kl_record_split(rec, is_table, u);
    size_t end = 0;

    assert(n <= KL_MAX_UNITS);
    for (size_t i = 0; i < n; i++) {
        bool value = false;
        bool digit = false;
        assert(u[i].len > 0 && u[i].at >= end && u[i].at + (size_t)u[i].len <= rec.len);
        assert(i == 0 || u[i].at > end);
        assert(i == 0 || u[i].ordinal > u[i - 1].ordinal || u[i].ordinal == 255);
        for (size_t k = u[i].at; k < u[i].at + (size_t)u[i].len; k++) {
            uint8_t c = rec.ptr[k];
            digit |= (uint8_t)(c - '0') < 10;
            value |= (uint8_t)((c | 0x20) - 'a') < 26 || c >= 0x80;
            assert(!is_table || c != '\t');
        }
        assert((value || digit) && digit == u[i].has_digit);
        end = u[i].at + (size_t)u[i].len;
    }
}

/* The record of a point. */
static void check_point(struct kl_span t, size_t at, bool is_table)
{
    size_t from = 0;
    size_t to = 0;

    kl_record_find(t, at, &from, &to);
    assert(from <= at && at <= to && to <= t.len && to - from <= 2 * (size_t)KL_RECORD_MAX);
    assert(memchr(t.ptr + from, '\n', at - from) == NULL);
    assert(to == at || memchr(t.ptr + at, '\n', to - at) == NULL);
    check_units(kl_span_part(t, from, to), is_table);
}

/* Lines that are records as they stand. */
static void check_lines(struct kl_span t)
{
    for (size_t at = 0; at < t.len;) {
        const uint8_t *nl = memchr(t.ptr + at, '\n', t.len - at);
        size_t end = nl != NULL ? (size_t)(nl - t.ptr) : t.len;
        size_t from = 0;
        size_t to = 0;
        if (end - at <= KL_RECORD_MAX) {
            kl_record_find(t, at + (end - at) / 2, &from, &to);
            assert(from == at && to == end);
        }
        at = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t n = size - 1;
    unsigned times = (data[0] & 2) != 0 ? TIMES : 1;
    uint8_t *text = malloc(n * times);
    assert(text != NULL);
    for (unsigned i = 0; i < times; i++) {
        memcpy(text + i * n, data + 1, n);
    }
    struct kl_span t = kl_span_make(text, n * times);
    if (times > 1) {
        for (size_t i = 0; i < t.len; i++) {
            text[i] = text[i] == '\n' ? ' ' : text[i];
        }
    }
    size_t step = t.len / 37 + 1;
    for (size_t at = 0; at < t.len; at += step) {
        check_point(t, at, (data[0] & 1) != 0);
    }
    check_lines(t);
    free(text);
    return 0;
}
