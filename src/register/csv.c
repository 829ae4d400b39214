#include "register/csv.h"

#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define MAX_RESUMED 16u
#define STRIDE 64u /* bytes of plain rows looked at together */

struct kl_csv {
    char separator;
    bool quotes;
    bool skipping; /* the rest of an over-long line */
    unsigned n_overlong;
    kl_csv_on_row on_row;
    void *ctx;
    struct kl_buf carry;    /* the unfinished row */
    struct kl_buf unquoted; /* quoted fields with their quotes undone */
    uint64_t line;
    struct kl_span fields[KL_CSV_MAX_FIELDS];
};

enum kl_rc kl_csv_new(char separator, bool quotes, kl_csv_on_row on_row, void *ctx,
                      struct kl_csv **out_csv)
{
    struct kl_csv *c = calloc(1, sizeof *c);

    if (c == NULL) {
        return KL_E_NOMEM;
    }
    c->separator = separator;
    c->quotes = quotes;
    c->on_row = on_row;
    c->ctx = ctx;
    c->line = 1;
    kl_buf_init(&c->carry, 2 * KL_CSV_MAX_ROW_BYTES);
    kl_buf_init(&c->unquoted, KL_CSV_MAX_ROW_BYTES);
    *out_csv = c;
    return KL_OK;
}

void kl_csv_free(struct kl_csv **csv)
{
    if (*csv != NULL) {
        kl_buf_done(&(*csv)->carry);
        kl_buf_done(&(*csv)->unquoted);
        free(*csv);
        *csv = NULL;
    }
}

/* The separator that occurs most often outside quotes in the first row. */
static char choose_separator(struct kl_span row)
{
    static const char all[] = {',', ';', '\t', '|'};
    size_t best = 0;
    char out = ',';

    for (size_t k = 0; k < sizeof all; k++) {
        size_t n = 0;
        bool quoted = false;
        for (size_t i = 0; i < row.len; i++) {
            quoted ^= row.ptr[i] == '"';
            n += !quoted && row.ptr[i] == (uint8_t)all[k];
        }
        if (n > best) {
            best = n;
            out = all[k];
        }
    }
    return out;
}

/* Before the first row chose one, any of them may start a field. */
static bool is_separator(const struct kl_csv *c, uint8_t b)
{
    return c->separator != 0 ? b == (uint8_t)c->separator
                             : b == ',' || b == ';' || b == '\t' || b == '|';
}

/*
 * Where the row that starts at `from` ends: the offset of its line end, or text.len when the
 * text holds no whole row. A quote opens only at a field's start, as RFC 4180 has it.
 */
static size_t row_end(const struct kl_csv *c, struct kl_span text, size_t from)
{
    text = kl_span_part(text, 0, from + KL_CSV_MAX_ROW_BYTES + 1); /* longer is over-long */
    const uint8_t *nl = memchr(text.ptr + from, '\n', text.len - from);
    size_t end = nl != NULL ? (size_t)(nl - text.ptr) : text.len;

    if (!c->quotes || memchr(text.ptr + from, '"', end - from) == NULL) {
        return end;
    }
    bool at_start = true;
    bool quoted = false;
    bool closed = false; /* by the byte before: one more quote makes a pair */
    for (size_t i = from; i < text.len; i++) {
        uint8_t b = text.ptr[i];
        if (quoted) {
            quoted = b != '"';
            closed = !quoted;
            at_start = false;
            continue;
        }
        if (b == '\n') {
            return i;
        }
        quoted = b == '"' && (at_start || closed);
        closed = false;
        at_start = is_separator(c, b);
    }
    return text.len;
}

/* One quoted field from text[at] = '"'. Returns the offset behind it; SIZE_MAX when broken. */
static size_t quoted_field(struct kl_csv *c, struct kl_span row, size_t at, struct kl_span *out)
{
    size_t from = c->unquoted.len;

    for (size_t i = at + 1; i < row.len;) {
        const uint8_t *q = memchr(row.ptr + i, '"', row.len - i);
        if (q == NULL) {
            return SIZE_MAX;
        }
        size_t upto = (size_t)(q - row.ptr);
        bool twice = upto + 1 < row.len && row.ptr[upto + 1] == '"';
        /* Room was made for the whole row before: pointers into it stay good. */
        memcpy(c->unquoted.ptr + c->unquoted.len, row.ptr + i, upto + twice - i);
        c->unquoted.len += upto + twice - i;
        i = upto + 1 + twice;
        if (!twice) {
            *out = kl_span_make(c->unquoted.ptr + from, c->unquoted.len - from);
            return i;
        }
    }
    return SIZE_MAX;
}

static const char *split(struct kl_csv *c, struct kl_span row, size_t *out_n)
{
    size_t n = 0;
    size_t at = 0;

    c->unquoted.len = 0;
    for (;;) {
        if (n == KL_CSV_MAX_FIELDS) {
            return "more than 4,096 fields";
        }
        if (c->quotes && at < row.len && row.ptr[at] == '"') {
            at = quoted_field(c, row, at, &c->fields[n]);
            if (at == SIZE_MAX) {
                return "a quoted field is not closed";
            }
            n++;
            if (at < row.len && row.ptr[at] != (uint8_t)c->separator) {
                return "text behind a closing quote";
            }
        } else {
            size_t from = at;
            const uint8_t *s = memchr(row.ptr + at, c->separator, row.len - at);
            at = s != NULL ? (size_t)(s - row.ptr) : row.len;
            c->fields[n++] = kl_span_part(row, from, at);
        }
        if (at >= row.len) {
            break;
        }
        at++;
    }
    *out_n = n;
    return NULL;
}

static uint64_t count_lines(struct kl_span s)
{
    uint64_t n = 0;

    for (size_t at = 0; at < s.len;) {
        const uint8_t *nl = memchr(s.ptr + at, '\n', s.len - at);
        if (nl == NULL) {
            break;
        }
        n++;
        at = (size_t)(nl - s.ptr) + 1;
    }
    return n;
}

static enum kl_rc emit_row(struct kl_csv *c, struct kl_span row)
{
    struct kl_csv_row out = {.fields = c->fields, .line = c->line};

    /* Lines inside quotes are rare: count them only when the row has a quote. */
    if (row.len > 0 && row.ptr[row.len - 1] == '\r') {
        row.len--;
    }
    c->line += 1 + (c->quotes && memchr(row.ptr, '"', row.len) != NULL ? count_lines(row) : 0);
    if (row.len == 0) {
        return KL_OK; /* an empty line is no row */
    }
    if (c->separator == 0) {
        c->separator = choose_separator(row);
    }
    c->unquoted.len = 0;
    enum kl_rc rc = kl_buf_room(&c->unquoted, row.len);
    if (rc == KL_E_NOMEM) {
        return rc;
    }
    out.reject = rc == KL_OK ? split(c, row, &out.n_fields) : "a row of more than 1 MiB";
    if (out.reject != NULL) {
        out.n_fields = 0;
    }
    return c->on_row(c->ctx, &out);
}

/*
 * text[at..) begins a row of more than 1 MiB (an open quote, a file that is no table): go on
 * at the next line, so that one open quote costs one row. A file full of them is not scanned
 * a MiB a line: then the whole MiB goes. @return where to go on
 */
static enum kl_rc overlong(struct kl_csv *c, struct kl_span text, size_t *at)
{
    struct kl_csv_row out = {.fields = c->fields,
                             .line = c->line,
                             .reject = "a row of more than 1 MiB (is a quote left open?)"};
    size_t from = *at + (c->n_overlong < MAX_RESUMED ? 0 : KL_CSV_MAX_ROW_BYTES);
    const uint8_t *nl = memchr(text.ptr + from, '\n', text.len - from);
    size_t end = nl != NULL ? (size_t)(nl - text.ptr) + 1 : text.len;

    c->n_overlong++;
    c->line += count_lines(kl_span_part(text, *at, end));
    c->skipping = nl == NULL;
    *at = end;
    return c->on_row(c->ctx, &out);
}

/* Bit i: byte i of the 64 is a separator, a line end or a quote. @UNSAFE */
static inline uint64_t find_marks(const uint8_t *p, uint8_t separator)
{
    uint64_t marks = 0;
#if defined(__SSE2__)
    const __m128i sep = _mm_set1_epi8((char)separator);
    const __m128i nl = _mm_set1_epi8('\n');
    const __m128i quote = _mm_set1_epi8('"');

    for (unsigned i = 0; i < STRIDE; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, sep), _mm_cmpeq_epi8(v, nl)),
                                   _mm_cmpeq_epi8(v, quote));
        marks |= (uint64_t)(uint16_t)_mm_movemask_epi8(hit) << i;
    }
#else
    for (unsigned i = 0; i < STRIDE; i++) {
        marks |= (uint64_t)(p[i] == separator || p[i] == '\n' || p[i] == '"') << i;
    }
#endif
    return marks;
}

/* A row that is being cut. */
struct cut {
    size_t row;   /* where it begins */
    size_t field; /* where the open field begins */
    size_t close; /* the quote that ends it; 0: none yet */
    size_t n;     /* fields before it */
    bool open;    /* inside quotes */
};

/* Go on to the mark at i. @return false: a row for the careful way */
static inline bool take_mark(struct kl_csv *c, struct kl_span text, size_t i, struct cut *k)
{
    uint8_t b = text.ptr[i];

    if (k->open) {
        if (b != '"') {
            return b != '\n'; /* it would have to be counted */
        }
        uint8_t next = i + 1 < text.len ? text.ptr[i + 1] : 0;
        k->open = false;
        k->close = i;
        return next == (uint8_t)c->separator || next == '\n' ||
               (next == '\r' && i + 2 < text.len && text.ptr[i + 2] == '\n');
    }
    if (b == '"') {
        k->open = i == k->field && c->quotes;
        return true;
    }
    if (k->n == KL_CSV_MAX_FIELDS || i - k->row > KL_CSV_MAX_ROW_BYTES) {
        return false;
    }
    size_t end = i - (b == '\n' && i > k->field && text.ptr[i - 1] == '\r');
    c->fields[k->n++] = k->close != 0 ? kl_span_part(text, k->field + 1, k->close)
                                      : kl_span_part(text, k->field, end);
    k->close = 0;
    k->field = i + 1;
    return true;
}

/*
 * The rows from *at on as long as they are plain (quoted fields hold no quote and no line end,
 * nothing is too long) and 64 bytes can be looked at together. *at is then the first row left.
 */
static enum kl_rc feed_plain(struct kl_csv *c, struct kl_span text, size_t *at)
{
    struct cut k = {.row = *at, .field = *at};

    for (size_t from = *at; text.len - from >= STRIDE; from += STRIDE) {
        uint64_t marks = find_marks(text.ptr + from, (uint8_t)c->separator);
        for (; marks != 0; marks &= marks - 1) {
            size_t i = from + (unsigned)__builtin_ctzll(marks);
            if (!take_mark(c, text, i, &k)) {
                return KL_OK;
            }
            if (k.field != i + 1 || text.ptr[i] != '\n') {
                continue;
            }
            struct kl_csv_row out = {.fields = c->fields, .n_fields = k.n, .line = c->line++};
            size_t len = i - k.row;
            *at = k.row = i + 1;
            k.n = 0;
            if (len > 1 || (len == 1 && text.ptr[i - 1] != '\r')) { /* not an empty line */
                KL_TRY(c->on_row(c->ctx, &out));
            }
        }
        if (from + STRIDE - k.row > KL_CSV_MAX_ROW_BYTES) {
            return KL_OK; /* looked at once is enough: a file without line ends stays linear */
        }
    }
    return KL_OK;
}

static enum kl_rc feed_whole(struct kl_csv *c, struct kl_span text, size_t *out_used)
{
    size_t at = 0;

    while (at < text.len) {
        if (c->separator != 0) {
            KL_TRY(feed_plain(c, text, &at));
        }
        size_t end = row_end(c, text, at);
        if (end - at > KL_CSV_MAX_ROW_BYTES) {
            KL_TRY(overlong(c, text, &at));
            continue;
        }
        if (end == text.len) {
            break;
        }
        KL_TRY(emit_row(c, kl_span_part(text, at, end)));
        at = end + 1;
    }
    *out_used = at;
    return KL_OK;
}

/* The rest of an over-long line is no row. */
static struct kl_span skip_line(struct kl_csv *c, struct kl_span text)
{
    const uint8_t *nl = c->skipping ? memchr(text.ptr, '\n', text.len) : NULL;

    if (c->skipping && nl == NULL) {
        return kl_span_part(text, text.len, text.len);
    }
    c->line += c->skipping;
    c->skipping = false;
    return nl != NULL ? kl_span_part(text, (size_t)(nl - text.ptr) + 1, text.len) : text;
}

enum kl_rc kl_csv_feed(struct kl_csv *c, struct kl_span text)
{
    size_t used = 0;

    while (text.len > 0) {
        text = skip_line(c, text);
        if (c->carry.len == 0) {
            KL_TRY(feed_whole(c, text, &used));
            return c->skipping ? KL_OK : kl_buf_add(&c->carry, text.ptr + used, text.len - used);
        }
        /* Finish the carried row: add up to a line end, try again. */
        const uint8_t *nl = memchr(text.ptr, '\n', text.len);
        size_t n = nl != NULL ? (size_t)(nl - text.ptr) + 1 : text.len;
        if (n < c->carry.len) { /* doubling: a row over many lines is not scanned once a line */
            n = c->carry.len < text.len ? c->carry.len : text.len;
        }
        n = n < KL_CSV_MAX_ROW_BYTES / 2 ? n : KL_CSV_MAX_ROW_BYTES / 2;
        KL_TRY(kl_buf_add(&c->carry, text.ptr, n));
        text = kl_span_part(text, n, text.len);
        KL_TRY(feed_whole(c, kl_buf_span(&c->carry), &used));
        memmove(c->carry.ptr, c->carry.ptr + used, c->carry.len - used);
        c->carry.len -= used;
    }
    return KL_OK;
}

enum kl_rc kl_csv_finish(struct kl_csv *c)
{
    size_t used = 0;

    if (c->carry.len == 0) {
        return KL_OK;
    }
    KL_TRY(feed_whole(c, kl_buf_span(&c->carry), &used));
    struct kl_span rest = kl_span_part(kl_buf_span(&c->carry), used, c->carry.len);
    if (rest.len > 0) {
        KL_TRY(emit_row(c, rest));
    }
    c->carry.len = 0;
    return KL_OK;
}
