#include "extract/binary.h"

#include <stdlib.h>

#include "base/fold.h"
#include "extract/charset.h"
#include "extract/extract.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define CHUNK_BYTES 65536u
#define LEAST 4u     /* characters: a shorter run is noise */
#define NEAR_GAP 16u /* bytes: runs as near as this are cells of one record */
#define OUT_BYTES 4096u

/* One view: characters go in, runs of at least LEAST come out, tab or line end between. */
struct view {
    struct kl_emit *e;
    uint64_t end;    /* input offset behind the last character of the run before */
    unsigned held_n; /* characters of the run so far, up to LEAST */
    size_t held_len;
    bool any;
    enum kl_rc rc;
    size_t out_len;
    uint8_t held[4 * LEAST];
    uint8_t out[OUT_BYTES];
};

static void view_flush(struct view *v)
{
    if (v->rc == KL_OK && v->out_len > 0) {
        v->rc = kl_emit_text(v->e, kl_span_make(v->out, v->out_len));
    }
    v->out_len = 0;
}

static void view_put(struct view *v, const uint8_t *ptr, size_t len)
{
    if (len > sizeof(v->out) - v->out_len) {
        view_flush(v);
    }
    memcpy(v->out + v->out_len, ptr, len);
    v->out_len += len;
}

/* A printable character that ends at input offset `end` and took `len` bytes there. */
static void view_char(struct view *v, uint32_t cp, uint64_t end, size_t len)
{
    uint8_t b[4];
    size_t n = kl_utf8_put(cp, b);

    if (v->held_n >= LEAST) {
        view_put(v, b, n);
        v->end = end;
        return;
    }
    memcpy(v->held + v->held_len, b, n);
    v->held_len += n;
    v->held_n++;
    if (v->held_n == LEAST) {
        if (v->any) {
            bool near = end - v->end <= NEAR_GAP + (uint64_t)LEAST * len;
            view_put(v, (const uint8_t *)(near ? "\t" : "\n"), 1);
        }
        view_put(v, v->held, v->held_len);
        v->any = true;
        v->end = end;
    }
}

static void view_break(struct view *v)
{
    v->held_n = 0;
    v->held_len = 0;
}

/*
 * High bytes that stand alone and are letters of our part of the world in 1252, 1250 and ISO
 * 8859; 0 for the rest. Taking all of them would make text of every compressed file.
 */
static uint16_t letter_of(uint8_t c)
{
    static const uint16_t letters[128] = {
        [0x6B] = 0xEB,  [0x67] = 0xE7,  [0x4B] = 0xCB,  [0x47] = 0xC7,  /* ë ç Ë Ç */
        [0x1A] = 0x161, [0x0A] = 0x160, [0x1E] = 0x17E, [0x0E] = 0x17D, /* š Š ž Ž */
        [0x68] = 0xE8,  [0x66] = 0x107, [0x70] = 0x111, [0x69] = 0xE9,  /* è ć đ é */
        [0x64] = 0xE4,  [0x76] = 0xF6,  [0x7C] = 0xFC,  [0x49] = 0xC9,  /* ä ö ü É */
    };
    return letters[c & 0x7F];
}

/* Without the letters whose two halves are the small numbers that binary files are full of. */
static bool is_letter(uint32_t cp)
{
    return (cp >= 0xC0 && cp < 0x100) || (cp >= 0x104 && cp < 0x180) ||
           (cp >= 0x218 && cp < 0x21C) || (cp >= 0x370 && cp < 0x530) ||
           (cp >= 0x1E00 && cp < 0x2000) || (cp >= 0x2010 && cp < 0x2020) || cp == 0xA0;
}

/* Feed a chunk to the 8-bit view; every sequence in it is whole. */
static void feed_8bit(struct view *v, struct kl_span c, uint64_t base)
{
    for (size_t i = 0; i < c.len;) {
        uint8_t b = c.ptr[i];
        if (b < 0x80) {
            i++;
            if (b >= 0x20 && b < 0x7F) {
                view_char(v, b, base + i, 1);
            } else {
                view_break(v);
            }
            continue;
        }
        size_t next = i + 1;
        uint32_t cp = letter_of(b);
        bool lead = (b >= 0xC3 && b <= 0xC8) || (b >= 0xCD && b <= 0xD4) || b == 0xE1 || b == 0xE2;
        if (lead) {
            next = i;
            cp = kl_utf8_next(c, &next);
        }
        if (next - i == 1) {
            cp = letter_of(b);
        } else if (!is_letter(cp)) {
            cp = 0;
            next = i + 1;
        }
        i = next;
        if (cp != 0) {
            view_char(v, cp, base + i, 1);
        } else {
            view_break(v);
        }
    }
}

/* A character of UTF-16 in our scripts, little-endian at p; 0: none. */
static uint32_t wide_char(uint8_t low, uint8_t high)
{
    uint32_t cp = (uint32_t)high << 8 | low;
    return (cp >= 0x20 && cp < 0x7F) || is_letter(cp) ? cp : 0;
}

/*
 * How many bytes from `at` on begin no wide character in either order. Its high byte is below
 * 0x20 and no tab or line end, or it is a space beside such a byte: 8-bit text has neither.
 */
static inline size_t skip_narrow(struct kl_span c, size_t at)
{
    size_t n = 0;
#if defined(__x86_64__)
    const __m128i top = _mm_set1_epi8(0x1F);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i lf = _mm_set1_epi8('\n');
    const __m128i cr = _mm_set1_epi8('\r');
    for (; c.len - at - n >= 16; n += 15) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(c.ptr + at + n));
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, top), v);
        __m128i ends = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, tab), _mm_cmpeq_epi8(v, lf)),
                                    _mm_cmpeq_epi8(v, cr));
        if (_mm_movemask_epi8(_mm_andnot_si128(ends, low)) != 0) {
            break;
        }
    }
#else
    (void)c;
    (void)at;
#endif
    return n;
}

/*
 * Feed a chunk to the UTF-16 view: little-endian at any offset. The same search finds Latin
 * big-endian text, one byte off; only its last character has no zero behind it and is taken
 * when the run stood behind a zero. Returns the bytes done with.
 */
static size_t feed_utf16(struct view *v, struct kl_span c, uint64_t base, bool at_end)
{
    size_t i = 0;

    while (c.len - i >= 2) {
        uint32_t cp = wide_char(c.ptr[i], c.ptr[i + 1]);
        if (cp != 0) {
            view_char(v, cp, base + i + 2, 2);
            i += 2;
            continue;
        }
        if (v->held_n >= LEAST - 1 && i >= 2 && c.ptr[i - 1] == 0 && c.ptr[i] >= 0x20 &&
            c.ptr[i] < 0x7F) {
            view_char(v, c.ptr[i], base + i + 1, 2);
        }
        view_break(v);
        i++;
        i += skip_narrow(c, i);
    }
    if (at_end && i < c.len) {
        if (v->held_n >= LEAST - 1 && i >= 2 && c.ptr[i - 1] == 0 && c.ptr[i] >= 0x20 &&
            c.ptr[i] < 0x7F) {
            view_char(v, c.ptr[i], base + i + 1, 2);
        }
        i = c.len;
    }
    return i;
}

/* Big-endian letters above U+00FF (Greek, Cyrillic, š ž): high byte first, at any offset. */
static size_t feed_utf16be(struct view *v, struct kl_span c, uint64_t base, bool at_end)
{
    size_t i = 0;

    while (c.len - i >= 2) {
        uint32_t cp = wide_char(c.ptr[i + 1], c.ptr[i]);
        if (cp != 0) {
            view_char(v, cp, base + i + 2, 2);
            i += 2;
            continue;
        }
        view_break(v);
        i++;
        i += skip_narrow(c, i);
    }
    return at_end ? c.len : i;
}

typedef size_t (*feeder)(struct view *v, struct kl_span c, uint64_t base, bool at_end);

static size_t feed_bytes(struct view *v, struct kl_span c, uint64_t base, bool at_end)
{
    size_t n = at_end ? c.len : kl_charset_whole(c);
    feed_8bit(v, kl_span_part(c, 0, n), base);
    return n;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* A piece of the input, read through one view. */
struct stretch {
    const struct kl_input *in;
    uint64_t at; /* in: from where; out: how far the input could be read */
    uint64_t to;
};

static enum kl_rc view_run(struct view *v, struct stretch *s, feeder feed, uint8_t *chunk)
{
    const struct kl_input *in = s->in;
    uint64_t at = s->at;

    while (at < s->to && v->rc == KL_OK) {
        uint64_t left = s->to - at;
        size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        size_t got = 0;
        if (kl_input_read(in, at, chunk, want, &got) != KL_OK || got == 0) {
            break;
        }
        if (got > 64 && is_zero(chunk, got)) {
            view_break(v);
            uint64_t data = kl_input_data(in, at);
            at = data > at + got ? data : at + got;
            continue;
        }
        at += feed(v, kl_span_make(chunk, got), at, got == left || got < want);
        if (got < want) {
            break;
        }
    }
    view_flush(v);
    s->at = at;
    return v->rc;
}

/* One view as a part at its own level; without a level of its own when nesting is exhausted. */
static enum kl_rc emit_view(struct kl_emit *e, struct stretch *s, const char *name, feeder feed)
{
    struct view *v = calloc(1, sizeof(*v));
    uint8_t *chunk = malloc(CHUNK_BYTES);
    enum kl_rc rc = KL_E_NOMEM;
    bool entered = false;

    if (v == NULL || chunk == NULL) {
        goto out;
    }
    v->e = e;
    if (kl_emit_depth(e) < KL_MAX_NESTING) {
        rc = kl_emit_enter(e, kl_span_str(name), 0);
        if (rc != KL_OK) {
            goto out;
        }
        entered = true;
    }
    rc = kl_emit_part_begin(e, KL_PART_TEXT);
    if (rc == KL_OK) {
        rc = view_run(v, s, feed, chunk);
        enum kl_rc end = kl_emit_part_end(e);
        rc = rc == KL_OK ? end : rc;
    }
    if (entered) {
        kl_emit_leave(e);
    }
out:
    free(chunk);
    free(v);
    return rc;
}

enum kl_rc kl_binary_utf16(struct kl_emit *e, const struct kl_input *in, uint64_t from, uint64_t to)
{
    struct stretch little = {in, from, to};
    struct stretch big = {in, from, to};

    KL_TRY(emit_view(e, &little, "utf16", feed_utf16));
    return emit_view(e, &big, "utf16be", feed_utf16be);
}

enum kl_rc kl_extract_binary(struct kl_emit *e, const struct kl_input *in)
{
    struct stretch all = {in, 0, in->len_bytes};

    KL_TRY(emit_view(e, &all, "8bit", feed_bytes));
    if (all.at < in->len_bytes) {
        uint8_t probe;
        size_t got = 0;
        bool io = kl_input_read(in, all.at, &probe, 1, &got) != KL_OK;
        KL_TRY(kl_emit_not_inspected(e, io ? KL_REASON_IO : KL_REASON_CHANGED,
                                     in->len_bytes - all.at));
        if (!io) {
            KL_TRY(kl_emit_anomaly(e, "file.changed"));
        }
    }
    return kl_binary_utf16(e, in, 0, in->len_bytes);
}

bool kl_binary_is_encrypted(const struct kl_input *in)
{
    static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
    uint8_t head[512];
    uint8_t dir[4096];
    size_t n = 0;

    if (kl_input_read(in, 0, head, sizeof(head), &n) != KL_OK || n < sizeof(head)) {
        return false;
    }
    struct kl_rd r = kl_rd_init(kl_span_make(head, n));
    kl_rd_skip(&r, 30);
    unsigned shift = kl_rd_le16(&r);
    kl_rd_skip(&r, 16);
    uint64_t first = kl_rd_le32(&r);
    if (shift < 7 || shift > 16) {
        return false;
    }
    /* The first sectors of the directory; the package is always among its first entries. */
    if (kl_input_read(in, (first + 1) << shift, dir, sizeof(dir), &n) != KL_OK) {
        return false;
    }
    struct kl_span want = kl_span_make(name, sizeof(name));
    return kl_span_find(kl_span_make(dir, n), 0, want) < n;
}
