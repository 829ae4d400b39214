#include "extract/flow.h"

#include "extract/extract.h"
#include "extract/xml.h"

#define PIECE_BYTES 8192u
#define LINE_BYTES 65536u    /* of a paragraph, kept before it goes on as prose */
#define PROSE_BYTES 4194304u /* handed over in one go */
#define MAX_SPACES 256u
#define ROOM_BYTES (PIECE_BYTES * 3 + KL_XML_PAD)

enum kl_rc kl_flow_init(struct kl_flow *f, struct kl_emit *e)
{
    *f = (struct kl_flow){.e = e};
    kl_buf_init(&f->prose, PROSE_BYTES + LINE_BYTES + ROOM_BYTES);
    kl_buf_init(&f->line, LINE_BYTES + ROOM_BYTES);
    kl_buf_init(&f->aside, LINE_BYTES + ROOM_BYTES);
    kl_buf_init(&f->struck, LINE_BYTES + ROOM_BYTES);
    kl_buf_init(&f->notes, LINE_BYTES + ROOM_BYTES);
    return kl_grid_init(&f->rows, e);
}

void kl_flow_done(struct kl_flow *f)
{
    kl_grid_done(&f->rows);
    kl_buf_done(&f->prose);
    kl_buf_done(&f->line);
    kl_buf_done(&f->aside);
    kl_buf_done(&f->struck);
    kl_buf_done(&f->notes);
}

/* ---- where text goes ---- */

static enum kl_rc flush_prose(struct kl_flow *f)
{
    struct kl_input in = kl_input_mem(kl_buf_span(&f->prose));
    if (in.len_bytes == 0) {
        return KL_OK;
    }
    /* A part that is open ends here; the row that is being written goes on in the next. */
    KL_TRY(kl_grid_close(&f->rows));
    /* Offsets in the prose are none in a file: a document without levels gets one here. */
    bool is_file = kl_emit_depth(f->e) == 0;
    if (is_file) {
        KL_TRY(kl_emit_enter(f->e, KL_SPAN_LIT("text"), 0));
    }
    KL_TRY(kl_extract_text(f->e, &in));
    if (is_file) {
        kl_emit_leave(f->e);
    }
    f->prose.len = 0;
    return KL_OK;
}

static enum kl_rc to_prose(struct kl_flow *f, struct kl_buf *from)
{
    KL_TRY(kl_buf_add(&f->prose, from->ptr, from->len));
    from->len = 0;
    f->n_moved += from == &f->aside;
    return f->prose.len >= PROSE_BYTES ? flush_prose(f) : KL_OK;
}

/* The buffer that takes text now; NULL: a cell does. */
static struct kl_buf *target(struct kl_flow *f)
{
    if (f->is_struck) {
        return &f->struck;
    }
    if (f->n_asides > 0) {
        return &f->aside;
    }
    return f->in_cell ? NULL : &f->line;
}

static enum kl_rc room(struct kl_flow *f, struct kl_buf *b)
{
    if (b->len >= LINE_BYTES) {
        KL_TRY(to_prose(f, b));
    }
    return kl_buf_room(b, ROOM_BYTES);
}

static enum kl_rc put_byte(struct kl_flow *f, struct kl_buf *b, uint8_t c)
{
    KL_TRY(room(f, b));
    b->ptr[b->len++] = c;
    return KL_OK;
}

static enum kl_rc put_xml(struct kl_flow *f, struct kl_buf *b, struct kl_span raw, unsigned flags)
{
    while (raw.len > 0) {
        size_t n = kl_xml_piece(raw, PIECE_BYTES);
        KL_TRY(room(f, b));
        b->len += kl_xml_decode(kl_span_part(raw, 0, n), flags, b->ptr + b->len);
        raw = kl_span_part(raw, n, raw.len);
    }
    return KL_OK;
}

enum kl_rc kl_flow_xml(struct kl_flow *f, struct kl_span raw, unsigned flags)
{
    struct kl_buf *b = target(f);
    return b == NULL ? kl_grid_xml(&f->rows, raw, flags) : put_xml(f, b, raw, flags);
}

enum kl_rc kl_flow_add(struct kl_flow *f, struct kl_span text)
{
    struct kl_buf *b = target(f);
    if (b == NULL) {
        return kl_grid_add(&f->rows, text);
    }
    while (text.len > 0) {
        struct kl_span piece = kl_span_part(text, 0, PIECE_BYTES);
        KL_TRY(room(f, b));
        KL_TRY(kl_buf_add(b, piece.ptr, piece.len));
        text = kl_span_part(text, piece.len, text.len);
    }
    return KL_OK;
}

enum kl_rc kl_flow_spaces(struct kl_flow *f, uint64_t n)
{
    uint8_t spaces[MAX_SPACES];
    memset(spaces, ' ', sizeof spaces);
    return kl_flow_add(f, kl_span_make(spaces, n < MAX_SPACES ? (size_t)n : MAX_SPACES));
}

enum kl_rc kl_flow_tab(struct kl_flow *f)
{
    struct kl_buf *b = target(f);
    if (b == NULL) {
        kl_grid_gap(&f->rows);
        return KL_OK;
    }
    return put_byte(f, b, '\t');
}

/* End the line in b; an empty one is left out. */
static enum kl_rc end_line(struct kl_flow *f, struct kl_buf *b)
{
    while (b->len > 0 && (b->ptr[b->len - 1] == ' ' || b->ptr[b->len - 1] == '\t')) {
        b->len--;
    }
    if (b->len == 0 || b->ptr[b->len - 1] == '\n') {
        return KL_OK;
    }
    return put_byte(f, b, '\n');
}

/* Deleted text stands in for its paragraph when that is empty, else it is a line of prose. */
static enum kl_rc end_struck(struct kl_flow *f)
{
    bool alone = f->in_cell ? !f->rows.cell_has : f->line.len == 0;
    if (f->struck.len == 0) {
        return KL_OK;
    }
    if (alone && f->n_asides == 0) {
        f->is_struck = false;
        KL_TRY(kl_flow_add(f, kl_buf_span(&f->struck)));
        f->struck.len = 0;
        return KL_OK;
    }
    KL_TRY(end_line(f, &f->struck));
    return to_prose(f, &f->struck);
}

enum kl_rc kl_flow_note_part(struct kl_flow *f, struct kl_span raw, unsigned flags)
{
    return put_xml(f, &f->notes, raw, flags);
}

enum kl_rc kl_flow_note_gap(struct kl_flow *f)
{
    bool begun = f->notes.len > 0 && f->notes.ptr[f->notes.len - 1] != '\n';
    return begun ? put_byte(f, &f->notes, ' ') : KL_OK;
}

enum kl_rc kl_flow_note_end(struct kl_flow *f)
{
    return end_line(f, &f->notes);
}

enum kl_rc kl_flow_note(struct kl_flow *f, struct kl_span raw, unsigned flags)
{
    KL_TRY(end_line(f, &f->notes));
    KL_TRY(put_xml(f, &f->notes, raw, flags));
    return end_line(f, &f->notes);
}

static enum kl_rc end_paragraph(struct kl_flow *f)
{
    KL_TRY(end_struck(f));
    KL_TRY(end_line(f, &f->notes));
    KL_TRY(to_prose(f, &f->notes));
    if (f->line.len == 0) {
        return KL_OK;
    }
    KL_TRY(end_line(f, &f->line));
    return to_prose(f, &f->line);
}

enum kl_rc kl_flow_line(struct kl_flow *f)
{
    f->is_struck = false;
    if (f->n_asides > 0) {
        KL_TRY(end_struck(f));
        return end_line(f, &f->aside);
    }
    if (f->in_cell) {
        KL_TRY(end_struck(f));
        kl_grid_gap(&f->rows);
        return KL_OK;
    }
    return end_paragraph(f);
}

/* ---- asides and deleted text ---- */

void kl_flow_aside_begin(struct kl_flow *f)
{
    f->n_asides++;
}

enum kl_rc kl_flow_aside_end(struct kl_flow *f)
{
    if (f->n_asides == 0) {
        return KL_OK;
    }
    KL_TRY(end_line(f, &f->aside));
    f->n_asides--;
    return f->n_asides == 0 ? to_prose(f, &f->aside) : KL_OK;
}

void kl_flow_struck_set(struct kl_flow *f, bool is_struck)
{
    f->is_struck = is_struck;
}

/* ---- tables ---- */

enum kl_rc kl_flow_table_begin(struct kl_flow *f)
{
    if (f->n_asides > 0) {
        return kl_flow_line(f);
    }
    if (f->n_tables == 0) {
        KL_TRY(kl_flow_line(f));
    } else {
        /* A table in a cell: its rows are rows, what the outer row had so far is one. */
        KL_TRY(kl_flow_line(f));
        KL_TRY(kl_grid_end(&f->rows));
    }
    f->n_tables++;
    f->in_cell = false;
    f->col = 0;
    return KL_OK;
}

enum kl_rc kl_flow_table_end(struct kl_flow *f)
{
    if (f->n_asides > 0 || f->n_tables == 0) {
        return f->n_asides > 0 ? kl_flow_line(f) : KL_OK;
    }
    KL_TRY(kl_flow_row_end(f));
    f->n_tables--;
    /* Back in the outer cell: what comes there begins a row. */
    f->in_cell = f->n_tables > 0;
    kl_grid_cell(&f->rows, 0);
    return KL_OK;
}

enum kl_rc kl_flow_row_end(struct kl_flow *f)
{
    if (f->n_asides > 0) {
        return kl_flow_line(f);
    }
    KL_TRY(kl_flow_line(f));
    f->in_cell = false;
    f->col = 0;
    return kl_grid_end(&f->rows);
}

enum kl_rc kl_flow_cell_begin(struct kl_flow *f)
{
    if (f->n_asides > 0) {
        return KL_OK;
    }
    if (!f->in_cell) {
        KL_TRY(end_paragraph(f));
    }
    f->in_cell = true;
    kl_grid_cell(&f->rows, f->col);
    return KL_OK;
}

enum kl_rc kl_flow_cell_end(struct kl_flow *f, uint32_t n_more)
{
    if (f->n_asides > 0) {
        return put_byte(f, &f->aside, '\t');
    }
    KL_TRY(kl_flow_line(f));
    f->in_cell = false;
    if (f->col < UINT32_MAX / 2) {
        f->col += 1 + n_more;
    }
    return KL_OK;
}

enum kl_rc kl_flow_finish(struct kl_flow *f)
{
    while (f->n_asides > 0) {
        KL_TRY(kl_flow_aside_end(f));
    }
    KL_TRY(kl_flow_row_end(f));
    f->n_tables = 0;
    KL_TRY(kl_flow_line(f));
    KL_TRY(kl_grid_close(&f->rows));
    return flush_prose(f);
}
