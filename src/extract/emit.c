#include "extract/emit.h"

#include <assert.h>
#include <stdlib.h>

#include "extract/password.h"

#define CARRY_BYTES 32768u /* a record is moved whole to the next block up to this length */
#define SOFT_BYTES 4096u   /* without line ends: how far back to look for a softer cut */
#define MAX_CODES 16u      /* anomalies remembered per level */

/* One container level; level 0 is the document's file. */
struct level {
    size_t path_len;     /* of the path without this level */
    uint64_t raw_bytes;  /* bytes of the level above that stand behind this one; 0: unknown */
    uint64_t own_bytes;  /* expanded bytes of this level, as charged or as said */
    uint64_t lost_bytes; /* of the level's own bytes: not inspected */
    const char *codes[MAX_CODES];
    unsigned n_codes;
};

struct kl_emit {
    struct kl_sink sink;
    enum kl_rc rc; /* sticky: the reader went away, or a part was left open */
    bool in_part;
    enum kl_part_kind kind;
    uint8_t *block; /* borrowed from the sink; NULL: none taken */
    size_t used;
    uint64_t at_byte;
    uint64_t file_bytes;
    uint64_t confirmed;  /* of the file: told by the events that were sent */
    uint64_t text_to;    /* of the file: behind what was added as text */
    uint64_t block_from; /* text_to when the block was taken */
    uint64_t text_bytes; /* added so far */
    uint64_t expanded;
    uint64_t repeated;
    uint64_t members;
    unsigned depth;
    size_t path_len;
    struct level levels[KL_MAX_NESTING + 1];
    struct kl_candidates candidates;
    char path[KL_MAX_PATH_BYTES];
    uint8_t carry[CARRY_BYTES];
};

enum kl_rc kl_emit_new(const struct kl_sink *sink, struct kl_emit **out_e)
{
    struct kl_emit *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return KL_E_NOMEM;
    }
    e->sink = *sink;
    *out_e = e;
    return KL_OK;
}

struct kl_candidates *kl_emit_candidates(struct kl_emit *e)
{
    return &e->candidates;
}

void kl_emit_free(struct kl_emit **e)
{
    if (*e != NULL) {
        kl_candidates_reset(&(*e)->candidates);
    }
    free(*e);
    *e = NULL;
}

void kl_emit_start(struct kl_emit *e, uint64_t file_bytes)
{
    e->rc = KL_OK;
    e->in_part = false;
    e->used = 0;
    e->at_byte = 0;
    e->file_bytes = file_bytes;
    e->confirmed = 0;
    e->text_to = 0;
    e->block_from = 0;
    e->text_bytes = 0;
    e->expanded = 0;
    e->repeated = 0;
    e->members = 0;
    kl_candidates_reset(&e->candidates);
    e->depth = 0;
    e->path_len = 0;
    memset(&e->levels[0], 0, sizeof e->levels[0]);
    e->levels[0].own_bytes = file_bytes;
}

static enum kl_rc send(struct kl_emit *e, const struct kl_event *ev)
{
    if (e->rc == KL_OK) {
        e->rc = e->sink.event(e->sink.ctx, ev);
    }
    return e->rc;
}

static struct kl_span path_get(const struct kl_emit *e)
{
    return kl_span_make(e->path, e->path_len);
}

/* ---- the path ---- */

/* Length of the well-formed UTF-8 character at s.ptr, 0 when there is none. */
static size_t utf8_len(struct kl_span s, uint32_t *out_cp)
{
    uint8_t c = s.ptr[0];
    if (c < 0x80) {
        *out_cp = c;
        return 1;
    }
    size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || len > s.len) {
        return 0;
    }
    uint32_t cp = c & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s.ptr[i] & 0xC0) != 0x80) {
            return 0;
        }
        cp = cp << 6 | (s.ptr[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (cp < least[len] || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) {
        return 0;
    }
    *out_cp = cp;
    return len;
}

/* Code points that could forge a line of a report: controls, line separators, bidi overrides. */
static bool is_unsafe(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || (cp >= 0x200E && cp <= 0x200F) ||
           (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

static bool path_put(struct kl_emit *e, const void *ptr, size_t len)
{
    if (len > sizeof e->path - e->path_len) {
        return false;
    }
    memcpy(e->path + e->path_len, ptr, len);
    e->path_len += len;
    return true;
}

static bool path_put_hex(struct kl_emit *e, struct kl_span bytes)
{
    static const char hex[] = "0123456789ABCDEF";
    bool fits = true;
    for (size_t i = 0; i < bytes.len && fits; i++) {
        char out[3] = {'%', hex[bytes.ptr[i] >> 4], hex[bytes.ptr[i] & 15]};
        fits = path_put(e, out, sizeof out);
    }
    return fits;
}

/* False: the path was cut. */
static bool path_add(struct kl_emit *e, struct kl_span name)
{
    bool fits = path_put(e, "/", 1);
    for (size_t at = 0; at < name.len && fits;) {
        uint32_t cp = 0;
        struct kl_span rest = kl_span_part(name, at, name.len);
        size_t len = utf8_len(rest, &cp);
        struct kl_span one = kl_span_part(rest, 0, len > 0 ? len : 1);
        fits = len == 0 || is_unsafe(cp) ? path_put_hex(e, one) : path_put(e, one.ptr, one.len);
        at += one.len;
    }
    return fits;
}

enum kl_rc kl_emit_enter(struct kl_emit *e, struct kl_span name, uint64_t raw_bytes)
{
    assert(!e->in_part);
    if (e->depth >= KL_MAX_NESTING) {
        /* Not entered, whatever became of the event: the caller must know by one code. */
        kl_ignore(kl_emit_anomaly(e, "limit.nesting"), "the next event returns the failure");
        return KL_E_LIMIT;
    }
    struct level *l = &e->levels[e->depth + 1];
    memset(l, 0, sizeof *l);
    l->path_len = e->path_len;
    l->raw_bytes = raw_bytes;
    e->depth++;
    if (!path_add(e, name)) {
        return kl_emit_anomaly(e, "path.long");
    }
    return e->rc;
}

/* part of whole, scaled to raw, rounded up: raw * lost / own without overflow. */
static uint64_t scale(uint64_t raw, uint64_t lost, uint64_t own)
{
    if (lost >= own) {
        return raw;
    }
    unsigned __int128 n = (unsigned __int128)raw * lost + own - 1;
    return (uint64_t)(n / own);
}

static void add_sat(uint64_t *sum, uint64_t n)
{
    *sum = n > UINT64_MAX - *sum ? UINT64_MAX : *sum + n;
}

void kl_emit_leave(struct kl_emit *e)
{
    assert(e->depth > 0);
    if (e->in_part) {
        /* A reader gave up inside its part: it ran out of memory or the other end went away. */
        e->in_part = false;
        e->rc = e->rc == KL_OK ? KL_E_NOMEM : e->rc;
    }
    const struct level *l = &e->levels[e->depth];
    if (l->lost_bytes > 0) {
        /* A loss is passed up in the bytes of the level above; the file's are counted at 0. */
        uint64_t lost =
            l->raw_bytes > 0 ? scale(l->raw_bytes, l->lost_bytes, l->own_bytes) : l->lost_bytes;
        add_sat(&e->levels[e->depth - 1].lost_bytes, lost);
    }
    e->path_len = l->path_len;
    e->depth--;
}

void kl_emit_set_raw(struct kl_emit *e, uint64_t raw_bytes)
{
    if (e->depth > 0) {
        e->levels[e->depth].raw_bytes = raw_bytes;
    }
}

unsigned kl_emit_depth(const struct kl_emit *e)
{
    return e->depth;
}

struct kl_span kl_emit_name_get(const struct kl_emit *e)
{
    size_t from = e->depth > 0 ? e->levels[e->depth].path_len + 1 : 0;
    return kl_span_part(path_get(e), from, e->depth > 0 ? e->path_len : 0);
}

/* ---- parts and text ---- */

enum kl_rc kl_emit_part_begin(struct kl_emit *e, enum kl_part_kind kind)
{
    assert(!e->in_part && kind != KL_PART_NONE);
    struct kl_event ev = {.kind = KL_EVENT_PART_BEGIN,
                          .part_kind = kind,
                          .inspected = e->confirmed,
                          .text = path_get(e)};
    KL_TRY(send(e, &ev));
    e->in_part = true;
    e->kind = kind;
    e->at_byte = 0;
    return KL_OK;
}

/* How many bytes of the document's file stand behind the whole of the current level. */
static uint64_t file_share(const struct kl_emit *e)
{
    uint64_t bytes = e->levels[e->depth].own_bytes;

    for (unsigned d = e->depth; d > 0; d--) {
        const struct level *l = &e->levels[d];
        bytes = l->raw_bytes > 0 ? scale(l->raw_bytes, bytes, l->own_bytes) : bytes;
    }
    return bytes < e->file_bytes ? bytes : e->file_bytes;
}

static enum kl_rc copy_input(struct kl_emit *e, const struct kl_input *in, bool *out_io)
{
    *out_io = false;
    for (uint64_t at = 0; at < in->len_bytes;) {
        uint8_t *ptr = NULL;
        size_t cap = 0;
        size_t n = 0;
        KL_TRY(kl_emit_space(e, 1, &ptr, &cap));
        size_t want = in->len_bytes - at < cap ? (size_t)(in->len_bytes - at) : cap;
        *out_io = kl_input_read(in, at, ptr, want, &n) != KL_OK || n == 0;
        if (*out_io) {
            break;
        }
        KL_TRY(kl_emit_commit(e, n));
        at += n;
    }
    return KL_OK;
}

enum kl_rc kl_emit_outside(struct kl_emit *e, enum kl_part_kind kind, const struct kl_input *in)
{
    assert(!e->in_part && kl_part_is_outside(kind));
    bool io = false;
    /* The document's own file is there already, unless it is not as it stands (deciphered). */
    bool copies = e->depth > 0 || in->source != NULL;
    if (copies && in->len_bytes > KL_MAX_OUTSIDE_BYTES) {
        KL_TRY(kl_emit_anomaly(e, "limit.outside"));
        return kl_emit_not_inspected(e, KL_REASON_LIMIT, in->len_bytes);
    }
    struct kl_event ev = {.kind = KL_EVENT_PART_BEGIN,
                          .part_kind = kind,
                          .bytes = file_share(e),
                          .inspected = e->confirmed,
                          .text = path_get(e)};
    KL_TRY(send(e, &ev));
    e->in_part = true;
    e->kind = kind;
    e->at_byte = 0;
    if (copies) {
        KL_TRY(copy_input(e, in, &io));
    }
    KL_TRY(kl_emit_part_end(e));
    return io ? kl_emit_not_inspected(e, KL_REASON_IO, in->len_bytes) : KL_OK;
}

/* Send the first `len` bytes of the block; the rest (<= CARRY_BYTES) moves to the next block. */
static enum kl_rc flush(struct kl_emit *e, size_t len)
{
    if (e->rc != KL_OK || len == 0) {
        return e->rc;
    }
    size_t rest = e->used - len;
    assert(rest <= CARRY_BYTES);
    memcpy(e->carry, e->block + len, rest);
    /* What stood before the block was taken is in it or in those before. */
    e->confirmed = e->block_from > e->confirmed ? e->block_from : e->confirmed;
    struct kl_event ev = {.kind = KL_EVENT_BLOCK,
                          .inspected = e->confirmed,
                          .part_kind = e->kind,
                          .at_byte = e->at_byte,
                          .text = kl_span_make(e->block, len)};
    e->block = NULL;
    e->used = 0;
    KL_TRY(send(e, &ev));
    e->at_byte += len;
    if (rest > 0) {
        uint8_t *ptr = NULL;
        size_t cap = 0;
        KL_TRY(kl_emit_space(e, rest, &ptr, &cap));
        memcpy(ptr, e->carry, rest);
        e->used = rest;
    }
    return KL_OK;
}

enum kl_rc kl_emit_part_end(struct kl_emit *e)
{
    assert(e->in_part);
    e->in_part = false;
    KL_TRY(flush(e, e->used));
    struct kl_event ev = {.kind = KL_EVENT_PART_END, .part_kind = e->kind};
    return send(e, &ev);
}

/* Where to cut a full block: behind a line end, else a softer record end, else a character. */
static size_t cut_at(const uint8_t *ptr, size_t len)
{
    size_t far = len < CARRY_BYTES ? len : CARRY_BYTES;
    const uint8_t *nl = memrchr(ptr + len - far, '\n', far);
    if (nl != NULL) {
        return (size_t)(nl - ptr) + 1;
    }
    static const uint8_t soft[256] = {['}'] = 1, [')'] = 1, [';'] = 1, [','] = 1, [' '] = 1};
    size_t near = len < SOFT_BYTES ? len : SOFT_BYTES;
    for (size_t i = len; i > len - near; i--) {
        if (soft[ptr[i - 1]] != 0) {
            return i;
        }
    }
    size_t at = len;
    for (unsigned back = 1; back <= 4 && back < len; back++) {
        uint8_t c = ptr[len - back];
        if ((c & 0xC0) != 0x80) {
            size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
            at = want > back ? len - back : len;
            break;
        }
    }
    return at;
}

enum kl_rc kl_emit_space(struct kl_emit *e, size_t want, uint8_t **out_ptr, size_t *out_cap)
{
    assert(want <= KL_BLOCK_BYTES / 2);
    if (e->rc != KL_OK) {
        return e->rc;
    }
    if (e->block != NULL && KL_BLOCK_BYTES - e->used < want) {
        KL_TRY(flush(e, cut_at(e->block, e->used)));
    }
    if (e->block == NULL) {
        e->block = e->sink.block(e->sink.ctx);
        e->used = 0;
        e->block_from = e->text_to;
        if (e->block == NULL) {
            e->rc = KL_E_IO;
            return e->rc;
        }
    }
    *out_ptr = e->block + e->used;
    *out_cap = KL_BLOCK_BYTES - e->used;
    return KL_OK;
}

enum kl_rc kl_emit_commit(struct kl_emit *e, size_t len)
{
    assert(e->in_part && e->block != NULL && len <= KL_BLOCK_BYTES - e->used);
    e->used += len;
    e->text_bytes += len;
    return e->rc;
}

uint64_t kl_emit_text_get(const struct kl_emit *e)
{
    return e->text_bytes;
}

enum kl_rc kl_emit_text(struct kl_emit *e, struct kl_span text)
{
    for (size_t at = 0; at < text.len;) {
        uint8_t *ptr = NULL;
        size_t cap = 0;
        KL_TRY(kl_emit_space(e, 1, &ptr, &cap));
        size_t n = text.len - at < cap ? text.len - at : cap;
        memcpy(ptr, text.ptr + at, n);
        KL_TRY(kl_emit_commit(e, n));
        at += n;
    }
    return e->rc;
}

/* ---- anomalies, losses, budgets ---- */

enum kl_rc kl_emit_anomaly(struct kl_emit *e, const char *code)
{
    struct level *l = &e->levels[e->depth];
    for (unsigned i = 0; i < l->n_codes; i++) {
        if (strcmp(l->codes[i], code) == 0) {
            return e->rc;
        }
    }
    if (l->n_codes < MAX_CODES) {
        l->codes[l->n_codes++] = code;
    }
    struct kl_event ev = {.kind = KL_EVENT_ANOMALY, .text = path_get(e)};
    size_t len = strlen(code);
    assert(len < sizeof ev.code);
    memcpy(ev.code, code, len + 1);
    return send(e, &ev);
}

enum kl_rc kl_emit_not_inspected(struct kl_emit *e, enum kl_reason reason, uint64_t bytes)
{
    struct kl_event ev = {
        .kind = KL_EVENT_NOT_INSPECTED, .reason = reason, .bytes = bytes, .text = path_get(e)};
    add_sat(&e->levels[e->depth].lost_bytes, bytes);
    return send(e, &ev);
}

enum kl_rc kl_emit_charge_member(struct kl_emit *e)
{
    if (e->members >= KL_MAX_MEMBERS) {
        KL_TRY(kl_emit_anomaly(e, "limit.members"));
        return KL_E_LIMIT;
    }
    e->members++;
    return e->rc;
}

static uint64_t ratio_max(const struct kl_emit *e)
{
    return e->file_bytes > UINT64_MAX / KL_MAX_RATIO ? UINT64_MAX : e->file_bytes * KL_MAX_RATIO;
}

static uint64_t budget_max(const struct kl_emit *e)
{
    return ratio_max(e) < KL_MAX_EXPANDED ? ratio_max(e) : KL_MAX_EXPANDED;
}

uint64_t kl_emit_budget_get(const struct kl_emit *e)
{
    return budget_max(e) - e->expanded;
}

uint64_t kl_emit_lost_get(const struct kl_emit *e)
{
    return e->levels[e->depth].lost_bytes;
}

static enum kl_rc charge(struct kl_emit *e, uint64_t *sum, uint64_t bytes)
{
    if (bytes > budget_max(e) - *sum) {
        bool is_ratio = ratio_max(e) < KL_MAX_EXPANDED;
        KL_TRY(kl_emit_anomaly(e, is_ratio ? "limit.ratio" : "limit.expanded"));
        return KL_E_LIMIT;
    }
    *sum += bytes;
    return e->rc;
}

enum kl_rc kl_emit_charge_repeated(struct kl_emit *e, uint64_t bytes)
{
    return charge(e, &e->repeated, bytes);
}

enum kl_rc kl_emit_charge_expanded(struct kl_emit *e, uint64_t bytes)
{
    KL_TRY(charge(e, &e->expanded, bytes));
    if (e->depth > 0) {
        add_sat(&e->levels[e->depth].own_bytes, bytes);
    }
    return e->rc;
}

void kl_emit_confirm(struct kl_emit *e, uint64_t bytes)
{
    if (e->depth == 0) {
        uint64_t left = e->file_bytes - e->confirmed;
        e->confirmed += bytes < left ? bytes : left;
    }
}

void kl_emit_confirm_to(struct kl_emit *e, uint64_t at)
{
    if (e->depth == 0) {
        e->text_to = at < e->file_bytes ? at : e->file_bytes;
    }
}

void kl_emit_set_size(struct kl_emit *e, uint64_t own_bytes)
{
    if (e->depth > 0) {
        e->levels[e->depth].own_bytes = own_bytes;
    }
}

enum kl_rc kl_emit_finish(struct kl_emit *e)
{
    assert(!e->in_part && e->depth == 0);
    uint64_t lost = e->levels[0].lost_bytes;
    if (lost > e->file_bytes) {
        lost = e->file_bytes;
    }
    struct kl_event ev = {.kind = KL_EVENT_DONE,
                          .seen = e->file_bytes,
                          .inspected = e->file_bytes - lost,
                          .not_inspected = lost};
    return send(e, &ev);
}
