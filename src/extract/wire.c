#include "extract/wire.h"

/*
 * No format gives more text than this many bytes per byte of the document plus what may be
 * expanded from it: several views of a binary file, up to 3 bytes of UTF-8 for one of a code page.
 */
#define VIEWS_MAX 16u
#define EVENTS_FREE (1u << 20)
#define EVENT_BYTES 8u /* beyond EVENTS_FREE: one event per so many bytes of document or text */

void kl_wire_order_init(struct kl_wire_order *o, uint64_t doc_bytes)
{
    *o = (struct kl_wire_order){.doc_bytes = doc_bytes};
}

size_t kl_wire_put(const struct kl_event *ev, uint32_t slot, uint32_t from, uint8_t *out)
{
    struct kl_wire_rec rec = {
        .kind = (uint8_t)ev->kind,
        .part_kind = (uint8_t)ev->part_kind,
        .reason = (uint8_t)ev->reason,
    };
    size_t n_path = 0;

    if (ev->kind == KL_EVENT_BLOCK) {
        rec.slot = slot;
        rec.from = from;
        rec.len = (uint32_t)ev->text.len;
        rec.v[0] = ev->at_byte;
        rec.v[1] = ev->inspected;
    } else {
        n_path = ev->text.len < KL_MAX_PATH_BYTES ? ev->text.len : KL_MAX_PATH_BYTES;
        /* Not inside a character: behind the cut must not stand a continuation byte. */
        while (n_path > 0 && n_path < ev->text.len && (ev->text.ptr[n_path] & 0xc0u) == 0x80u) {
            n_path--;
        }
        rec.len = (uint32_t)n_path;
        rec.v[0] = ev->kind == KL_EVENT_DONE ? ev->seen : ev->bytes;
        rec.v[1] = ev->inspected;
        rec.v[2] = ev->not_inspected;
    }
    memcpy(rec.code, ev->code, sizeof rec.code);
    memcpy(out, &rec, sizeof rec);
    if (n_path > 0) {
        memcpy(out + sizeof rec, ev->text.ptr, n_path);
    }
    return sizeof rec + n_path;
}

/* Length of the UTF-8 character at s, 0 when malformed (RFC 3629, table of section 4). */
static size_t utf8_len(struct kl_span s)
{
    uint8_t c = s.ptr[0];
    uint8_t second_min = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    uint8_t second_max = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (n == 0 || n > s.len || (n > 1 && (s.ptr[1] < second_min || s.ptr[1] > second_max))) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((s.ptr[i] & 0xc0u) != 0x80u) {
            return 0;
        }
    }
    return n;
}

/* Controls (C0, DEL, C1), line separators and bidi overrides could forge a line of a report. */
static bool is_control(struct kl_span c)
{
    uint8_t b = c.ptr[0];

    if (c.len == 1) {
        return b < 0x20 || b == 0x7f;
    }
    if (c.len == 2) {
        return b == 0xc2 && c.ptr[1] < 0xa0;
    }
    if (c.len != 3 || b != 0xe2) {
        return false;
    }
    unsigned low = (unsigned)c.ptr[1] << 8 | c.ptr[2];
    return low == 0x808e || low == 0x808f || (low >= 0x80a8 && low <= 0x80ae) ||
           (low >= 0x81a6 && low <= 0x81a9);
}

/* A path goes to terminals and reports: UTF-8 without control characters. */
static bool path_is_clean(struct kl_span path)
{
    if (path.len > KL_MAX_PATH_BYTES) {
        return false;
    }
    while (path.len > 0) {
        size_t n = utf8_len(path);
        if (n == 0 || is_control(kl_span_part(path, 0, n))) {
            return false;
        }
        path = kl_span_part(path, n, path.len);
    }
    return true;
}

/* Either all zero, or a short dotted word closed by NUL, with NULs behind it. */
static bool code_is_clean(const char code[static KL_ANOMALY_BYTES], bool wanted)
{
    size_t n = strnlen(code, KL_ANOMALY_BYTES);

    if (n == KL_ANOMALY_BYTES || (n > 0) != wanted) {
        return false;
    }
    for (size_t i = 0; i < KL_ANOMALY_BYTES; i++) {
        char c = code[i];
        bool word =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (i < n ? !word : c != '\0') {
            return false;
        }
    }
    return true;
}

static bool is_outside_begin(const struct kl_wire_rec *rec)
{
    return rec->kind == KL_EVENT_PART_BEGIN &&
           kl_part_is_outside((enum kl_part_kind)rec->part_kind);
}

static bool fields_fit(const struct kl_wire_rec *rec)
{
    bool block = rec->kind == KL_EVENT_BLOCK;
    bool done = rec->kind == KL_EVENT_DONE;
    bool lost = rec->kind == KL_EVENT_NOT_INSPECTED;
    bool confirms = done || block || rec->kind == KL_EVENT_PART_BEGIN;

    if (lost ? rec->reason == KL_REASON_NONE || rec->reason > KL_REASON_STOPPED
             : rec->reason != KL_REASON_NONE) {
        return false;
    }
    if (rec->zero != 0 || (!block && (rec->slot != 0 || rec->from != 0))) {
        return false;
    }
    if ((!confirms && rec->v[1] != 0) || (!done && rec->v[2] != 0) ||
        (!done && !block && !lost && !is_outside_begin(rec) && rec->v[0] != 0)) {
        return false;
    }
    return code_is_clean(rec->code, rec->kind == KL_EVENT_ANOMALY);
}

static bool block_fits(const struct kl_wire_order *o, const struct kl_wire_rec *rec)
{
    return rec->slot == o->next_slot && o->in_flight < KL_BLOCK_SLOTS &&
           rec->from <= KL_BLOCK_BYTES && rec->len <= KL_BLOCK_BYTES - rec->from;
}

/* Bytes told so far only grow, up to the document's. */
static bool confirmed_fits(const struct kl_wire_order *o, const struct kl_wire_rec *rec)
{
    return rec->v[1] >= o->confirmed && rec->v[1] <= o->doc_bytes;
}

static bool done_fits(const struct kl_wire_order *o, const struct kl_wire_rec *rec)
{
    return rec->len == 0 && rec->v[0] == o->doc_bytes && rec->v[1] <= rec->v[0] &&
           rec->v[2] == rec->v[0] - rec->v[1];
}

static bool order_fits(const struct kl_wire_order *o, const struct kl_wire_rec *rec)
{
    bool in_part = o->part_kind != KL_PART_NONE;

    switch ((enum kl_event_kind)rec->kind) {
    case KL_EVENT_PART_BEGIN:
        return !in_part && rec->part_kind > KL_PART_NONE && rec->part_kind <= KL_PART_LAST &&
               (!is_outside_begin(rec) || rec->v[0] <= o->doc_bytes) && confirmed_fits(o, rec);
    case KL_EVENT_BLOCK:
        return in_part && rec->part_kind == o->part_kind && block_fits(o, rec) &&
               confirmed_fits(o, rec);
    case KL_EVENT_PART_END:
        return in_part && rec->part_kind == o->part_kind && rec->len == 0;
    case KL_EVENT_ANOMALY:
    case KL_EVENT_NOT_INSPECTED:
        return rec->part_kind == KL_PART_NONE;
    case KL_EVENT_DONE:
        return !in_part && rec->part_kind == KL_PART_NONE && done_fits(o, rec);
    case KL_EVENT_NONE:
        break;
    }
    return false;
}

/* A worker that floods its parent without end would never be silent long enough to be killed. */
static bool sums_fit(const struct kl_wire_order *o)
{
    uint64_t base = o->doc_bytes / 2 + KL_MAX_EXPANDED; /* no overflow for any length */

    return o->text_bytes / VIEWS_MAX / 2 <= base &&
           o->n_events <= EVENTS_FREE + (o->doc_bytes / EVENT_BYTES) + o->text_bytes / EVENT_BYTES;
}

static void advance(struct kl_wire_order *o, const struct kl_wire_rec *rec)
{
    o->n_events++;
    if (rec->kind == KL_EVENT_BLOCK) {
        o->text_bytes += rec->len;
        o->next_slot = (o->next_slot + 1) % KL_BLOCK_SLOTS;
        o->in_flight++;
    }
    if (rec->kind == KL_EVENT_PART_BEGIN || rec->kind == KL_EVENT_BLOCK) {
        o->confirmed = rec->v[1];
    }
    if (rec->kind == KL_EVENT_PART_BEGIN) {
        o->part_kind = (enum kl_part_kind)rec->part_kind;
    } else if (rec->kind == KL_EVENT_PART_END) {
        o->part_kind = KL_PART_NONE;
    }
    o->done = rec->kind == KL_EVENT_DONE;
}

enum kl_rc kl_wire_next(struct kl_wire_order *o, struct kl_rd *r, const uint8_t *ring,
                        struct kl_event *out_ev)
{
    struct kl_wire_rec rec;
    struct kl_span text;

    struct kl_span fixed = kl_rd_take(r, sizeof rec);
    if (!kl_rd_ok(r)) {
        return KL_E_FORMAT;
    }
    memcpy(&rec, fixed.ptr, sizeof rec);
    if (o->done || !fields_fit(&rec) || !order_fits(o, &rec)) {
        return KL_E_FORMAT;
    }
    if (rec.kind == KL_EVENT_BLOCK) {
        text = kl_span_make(ring + (size_t)rec.slot * KL_BLOCK_BYTES + rec.from, rec.len);
    } else {
        text = kl_rd_take(r, rec.len);
        if (!kl_rd_ok(r) || !path_is_clean(text)) {
            return KL_E_FORMAT;
        }
    }
    advance(o, &rec);
    if (!sums_fit(o)) {
        return KL_E_FORMAT;
    }
    bool done = rec.kind == KL_EVENT_DONE;
    *out_ev = (struct kl_event){
        .kind = (enum kl_event_kind)rec.kind,
        .part_kind = (enum kl_part_kind)rec.part_kind,
        .reason = (enum kl_reason)rec.reason,
        .text = text,
        .at_byte = rec.kind == KL_EVENT_BLOCK ? rec.v[0] : 0,
        .bytes = rec.kind == KL_EVENT_NOT_INSPECTED || is_outside_begin(&rec) ? rec.v[0] : 0,
        .seen = done ? rec.v[0] : 0,
        .inspected = rec.v[1],
        .not_inspected = rec.v[2],
    };
    memcpy(out_ev->code, rec.code, sizeof out_ev->code);
    return KL_OK;
}
