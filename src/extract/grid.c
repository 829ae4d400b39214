#include "extract/grid.h"

#include <stdlib.h>

#include "base/fold.h"
#include "extract/xml.h"

#define FOLD_BYTES 8192u /* folded in one go: what one odd character makes slow */
#define FOLD_GROWS 4u
#define CHARGE_BYTES 1048576u
#define ROOM_BYTES (KL_GRID_PIECE * 3 + KL_GRID_MAX_GAP + KL_GRID_PAD)

enum kl_rc kl_grid_init(struct kl_grid *r, struct kl_emit *e)
{
    *r = (struct kl_grid){.e = e, .buf = malloc(KL_GRID_BYTES + ROOM_BYTES)};
    return r->buf != NULL ? KL_OK : KL_E_NOMEM;
}

void kl_grid_done(struct kl_grid *r)
{
    free(r->buf);
    r->buf = NULL;
}

/* A piece that ends behind a line end, a tab, or at least not inside a character. */
static size_t piece_of(struct kl_span s)
{
    if (s.len <= FOLD_BYTES) {
        return s.len;
    }
    size_t n = FOLD_BYTES;
    const uint8_t *nl = memrchr(s.ptr, '\n', n);
    nl = nl != NULL ? nl : memrchr(s.ptr, '\t', n);
    if (nl != NULL) {
        return (size_t)(nl - s.ptr) + 1;
    }
    for (unsigned back = 0; back < 3 && (s.ptr[n] & 0xC0) == 0x80; back++) {
        n--;
    }
    return n;
}

static enum kl_rc emit_odd(struct kl_grid *r, struct kl_span s)
{
    while (s.len > 0) {
        struct kl_span piece = kl_span_part(s, 0, piece_of(s));
        if (kl_fold_is_odd(piece)) {
            uint8_t *ptr = NULL;
            size_t cap = 0;
            KL_TRY(kl_emit_space(r->e, FOLD_GROWS * piece.len, &ptr, &cap));
            KL_TRY(kl_emit_commit(r->e, kl_fold_view(piece, ptr, cap)));
        } else {
            KL_TRY(kl_emit_text(r->e, piece));
        }
        s = kl_span_part(s, piece.len, s.len);
    }
    return KL_OK;
}

static enum kl_rc flush(struct kl_grid *r)
{
    struct kl_span s = kl_span_make(r->buf, r->len);
    if (s.len == 0) {
        return KL_OK;
    }
    if (!r->in_part) {
        KL_TRY(kl_emit_part_begin(r->e, KL_PART_TABLE));
        r->in_part = true;
    }
    r->len = 0;
    return kl_fold_is_odd(s) ? emit_odd(r, s) : kl_emit_text(r->e, s);
}

/* Ready to write up to ROOM_BYTES of the cell at buf + len. */
static enum kl_rc begin_text(struct kl_grid *r)
{
    if (r->len > KL_GRID_BYTES) {
        KL_TRY(flush(r));
    }
    if (r->cell_has) {
        if (r->gap) {
            r->buf[r->len++] = ' ';
            r->gap = false;
        }
        return KL_OK;
    }
    uint32_t at = r->has ? r->col : 0;
    uint32_t n = r->cell_col > at ? r->cell_col - at : r->has;
    if (n > KL_GRID_MAX_GAP) {
        n = 1;
    }
    memset(r->buf + r->len, '\t', n);
    r->len += n;
    r->col = r->cell_col;
    r->has = true;
    r->cell_has = true;
    r->gap = false;
    return KL_OK;
}

enum kl_rc kl_grid_add(struct kl_grid *r, struct kl_span text)
{
    while (text.len > 0) {
        size_t n = text.len < KL_GRID_PIECE ? text.len : KL_GRID_PIECE;
        KL_TRY(begin_text(r));
        memcpy(r->buf + r->len, text.ptr, n);
        r->len += n;
        text = kl_span_part(text, n, text.len);
    }
    return KL_OK;
}

enum kl_rc kl_grid_xml(struct kl_grid *r, struct kl_span raw, unsigned flags)
{
    while (raw.len > 0) {
        size_t n = kl_xml_piece(raw, KL_GRID_PIECE);
        KL_TRY(begin_text(r));
        r->len += kl_xml_decode(kl_span_part(raw, 0, n), flags, r->buf + r->len);
        raw = kl_span_part(raw, n, raw.len);
    }
    return KL_OK;
}

enum kl_rc kl_grid_again(struct kl_grid *r, size_t bytes)
{
    if (r->is_cut) {
        return KL_E_LIMIT;
    }
    r->repeated += bytes;
    if (r->repeated > CHARGE_BYTES) {
        enum kl_rc rc = kl_emit_charge_repeated(r->e, r->repeated);
        r->repeated = 0;
        r->is_cut = rc == KL_E_LIMIT;
        return rc;
    }
    return KL_OK;
}

enum kl_rc kl_grid_end(struct kl_grid *r)
{
    if (!r->has) {
        return KL_OK;
    }
    r->has = false;
    r->cell_has = false;
    r->buf[r->len++] = '\n';
    return r->len > KL_GRID_BYTES ? flush(r) : KL_OK;
}

enum kl_rc kl_grid_close(struct kl_grid *r)
{
    KL_TRY(kl_grid_end(r));
    KL_TRY(flush(r));
    if (!r->in_part) {
        return KL_OK;
    }
    r->in_part = false;
    return kl_emit_part_end(r->e);
}
