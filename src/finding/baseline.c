#include "finding/baseline.h"

#include "crypt/digest.h"
#include "finding/json.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_ITEM_BYTES 131072u /* a path and 60 column names */

/* Names by their zero: no two lists of names give the same bytes. */
static enum kl_rc add_name(struct kl_buf *b, const char *name)
{
    return kl_buf_add(b, name, strlen(name) + 1);
}

static enum kl_rc describe_register(const struct kl_finding_register *r, struct kl_buf *b)
{
    KL_TRY(add_name(b, "register"));
    KL_TRY(add_name(b, r->name));
    for (size_t i = 0; i < r->n_columns; i++) {
        KL_TRY(add_name(b, r->columns[i].name));
    }
    return KL_OK;
}

/* The first gap with each reason stands for all of that reason. */
static bool is_first_gap(const struct kl_finding *f, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(f->gaps[k].reason, f->gaps[i].reason) == 0) {
            return false;
        }
    }
    return true;
}

static size_t count_reasons(const struct kl_finding *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_gaps; i++) {
        n += is_first_gap(f, i);
    }
    return n;
}

static enum kl_rc describe_gap(const struct kl_finding *f, size_t nth, struct kl_buf *b,
                               uint64_t *out_count)
{
    size_t i = 0;
    for (size_t n = 0; i < f->n_gaps; i++) {
        if (is_first_gap(f, i) && n++ == nth) {
            break;
        }
    }
    if (i == f->n_gaps) {
        return KL_E_FORMAT;
    }
    for (size_t k = i; k < f->n_gaps; k++) {
        if (strcmp(f->gaps[k].reason, f->gaps[i].reason) == 0) {
            *out_count += f->gaps[k].bytes;
        }
    }
    KL_TRY(add_name(b, "not_inspected"));
    return add_name(b, f->gaps[i].reason);
}

size_t kl_finding_items_get(const struct kl_finding *f)
{
    return f->n_registers + f->n_identifiers + count_reasons(f);
}

static enum kl_rc describe(const struct kl_finding *f, size_t i, struct kl_buf *b,
                           struct kl_finding_item *out)
{
    KL_TRY(add_name(b, f->path));
    if (i < f->n_registers) {
        out->kind = "register";
        out->count = f->registers[i].n_rows;
        return describe_register(&f->registers[i], b);
    }
    i -= f->n_registers;
    if (i < f->n_identifiers) {
        out->kind = "identifier";
        out->count = f->identifiers[i].n_distinct;
        KL_TRY(add_name(b, "identifier"));
        return add_name(b, f->identifiers[i].type);
    }
    out->kind = "not_inspected";
    return describe_gap(f, i - f->n_identifiers, b, &out->count);
}

enum kl_rc kl_finding_item(const struct kl_finding *f, size_t i, struct kl_finding_item *out)
{
    struct kl_buf b;
    struct kl_finding_item item = {0};

    kl_buf_init(&b, MAX_ITEM_BYTES);
    enum kl_rc rc = describe(f, i, &b, &item);
    if (rc == KL_OK) {
        kl_digest(kl_buf_span(&b), item.fingerprint);
        *out = item;
    }
    kl_buf_done(&b);
    return rc;
}

/* The one form that kulla writes: flat objects of strings and whole numbers. */
struct line_reader {
    struct kl_rd in;
    struct kl_span key;
    struct kl_span text; /* of a string value, escapes untouched */
    uint64_t number;
    bool is_text;
};

static uint8_t peek(const struct kl_rd *r)
{
    struct kl_rd copy = *r;
    return kl_rd_u8(&copy);
}

static void skip_blanks(struct kl_rd *r)
{
    while (kl_rd_left(r) > 0 && (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r')) {
        kl_rd_skip(r, 1);
    }
}

static bool take_char(struct kl_rd *r, uint8_t c)
{
    skip_blanks(r);
    if (kl_rd_left(r) == 0 || peek(r) != c) {
        return false;
    }
    kl_rd_skip(r, 1);
    return true;
}

static bool take_string(struct kl_rd *r, struct kl_span *out)
{
    if (!take_char(r, '"')) {
        return false;
    }
    size_t from = r->at;
    while (kl_rd_left(r) > 0) {
        uint8_t c = kl_rd_u8(r);
        if (c == '"') {
            *out = kl_span_part(r->in, from, r->at - 1);
            return true;
        }
        if (c == '\\') {
            kl_rd_skip(r, 1);
        }
    }
    return false;
}

static bool take_number(struct kl_rd *r, uint64_t *out)
{
    uint64_t v = 0;
    size_t n_digits = 0;

    skip_blanks(r);
    for (; kl_rd_left(r) > 0 && peek(r) >= '0' && peek(r) <= '9'; n_digits++) {
        uint8_t d = (uint8_t)(kl_rd_u8(r) - '0');
        if (v > (UINT64_MAX - d) / 10) {
            return false;
        }
        v = v * 10 + d;
    }
    *out = v;
    return n_digits > 0;
}

static bool take_pair(struct line_reader *l)
{
    if (!take_string(&l->in, &l->key) || !take_char(&l->in, ':')) {
        return false;
    }
    skip_blanks(&l->in);
    l->is_text = kl_rd_left(&l->in) > 0 && peek(&l->in) == '"';
    return l->is_text ? take_string(&l->in, &l->text) : take_number(&l->in, &l->number);
}

static bool read_hex(struct kl_span text, uint8_t out[static KL_FINGERPRINT_BYTES])
{
    struct kl_rd r = kl_rd_init(text);
    if (text.len != (size_t)2 * KL_FINGERPRINT_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = kl_rd_u8(&r);
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (c < 'a' || c > 'f')) {
            return false;
        }
        uint8_t v = (uint8_t)(is_digit ? c - '0' : c - 'a' + 10);
        out[i / 2] = (uint8_t)((i & 1) == 0 ? v << 4 : out[i / 2] | v);
    }
    return true;
}

/* What one line holds. */
struct line {
    struct kl_baseline_entry entry;
    uint64_t version;
    bool has_fingerprint;
    bool has_count;
};

static bool read_line(struct kl_span text, struct line *out)
{
    struct line_reader l = {.in = kl_rd_init(text)};

    *out = (struct line){0};
    if (!take_char(&l.in, '{')) {
        return false;
    }
    bool more = true;
    while (more) {
        if (!take_pair(&l)) {
            return false;
        }
        if (kl_span_is(l.key, "fingerprint") && l.is_text) {
            out->has_fingerprint = read_hex(l.text, out->entry.fingerprint);
        } else if (kl_span_is(l.key, "count") && !l.is_text) {
            out->entry.count = l.number;
            out->has_count = true;
        } else if (kl_span_is(l.key, "kulla_baseline") && !l.is_text) {
            out->version = l.number;
        }
        more = take_char(&l.in, ',');
    }
    if (!take_char(&l.in, '}')) {
        return false;
    }
    skip_blanks(&l.in);
    return kl_rd_left(&l.in) == 0;
}

static enum kl_rc add_entry(struct kl_baseline *b, const struct kl_baseline_entry *e)
{
    if ((b->n_entries & (b->n_entries - 1)) == 0) {
        size_t cap = b->n_entries == 0 ? 1 : 2 * b->n_entries;
        struct kl_baseline_entry *p = reallocarray(b->entries, cap, sizeof *p);
        if (p == NULL) {
            return KL_E_NOMEM;
        }
        b->entries = p;
    }
    b->entries[b->n_entries++] = *e;
    return KL_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const struct kl_baseline_entry *x = a;
    const struct kl_baseline_entry *y = b;
    int order = memcmp(x->fingerprint, y->fingerprint, sizeof x->fingerprint);
    /* Of two with one fingerprint the larger count comes first and is kept. */
    return order != 0 ? order : (x->count < y->count) - (x->count > y->count);
}

static void sort_entries(struct kl_baseline *b)
{
    size_t n = 0;
    if (b->n_entries > 1) {
        qsort(b->entries, b->n_entries, sizeof *b->entries, compare_entries);
    }
    for (size_t i = 0; i < b->n_entries; i++) {
        if (n == 0 || memcmp(b->entries[n - 1].fingerprint, b->entries[i].fingerprint,
                             KL_FINGERPRINT_BYTES) != 0) {
            b->entries[n++] = b->entries[i];
        }
    }
    b->n_entries = n;
}

static enum kl_rc parse_line(struct kl_baseline *b, struct kl_span text, bool first,
                             struct kl_err *err)
{
    struct line line;
    bool ok = read_line(text, &line);

    if (first) {
        if (!ok || line.version == 0) {
            return kl_fail(err, KL_E_FORMAT,
                           "not a kulla baseline; write one with --write-baseline");
        }
        if (line.version != 1) {
            return kl_fail(err, KL_E_FORMAT,
                           "a baseline of a newer kulla; write it again with --write-baseline");
        }
        return KL_OK;
    }
    if (!ok || !line.has_fingerprint || !line.has_count) {
        return kl_fail(err, KL_E_FORMAT,
                       "not a line of a baseline; remove it or write the file again");
    }
    if (add_entry(b, &line.entry) != KL_OK) {
        return kl_fail(err, KL_E_NOMEM, "no memory for the baseline; use a smaller one");
    }
    return KL_OK;
}

enum kl_rc kl_baseline_parse(struct kl_span text, struct kl_baseline *out_b, struct kl_err *err)
{
    struct kl_baseline b = {0};
    uint64_t n_line = 0;
    enum kl_rc rc = KL_OK;

    for (size_t at = 0; at < text.len || n_line == 0;) {
        size_t end = kl_span_find(text, at, KL_SPAN_LIT("\n"));
        struct kl_span line = kl_span_trim(kl_span_part(text, at, end));
        n_line++;
        if (line.len > 0 || n_line == 1) {
            rc = parse_line(&b, line, n_line == 1, err);
        }
        if (rc != KL_OK) {
            if (err != NULL && err->at_line == 0) {
                err->at_line = n_line;
            }
            kl_baseline_done(&b);
            return rc;
        }
        at = end + 1;
    }
    sort_entries(&b);
    *out_b = b;
    return KL_OK;
}

enum kl_rc kl_baseline_read(const char *path, struct kl_baseline *out_b, struct kl_err *err)
{
    struct kl_buf b;
    enum kl_rc rc = KL_OK;
    FILE *in = fopen(path, "re");

    if (in == NULL) {
        return kl_fail_errno(err, "the baseline cannot be opened");
    }
    kl_buf_init(&b, KL_BASELINE_MAX_BYTES);
    for (size_t n = 1; rc == KL_OK && n > 0;) {
        rc = kl_buf_room(&b, 65536);
        if (rc == KL_OK) {
            n = fread(b.ptr + b.len, 1, 65536, in);
            b.len += n;
        }
    }
    if (rc != KL_OK) {
        rc = kl_fail(err, rc, "the baseline is too long; use a smaller one");
    } else if (ferror(in)) {
        rc = kl_fail_errno(err, "the baseline cannot be read");
    } else {
        rc = kl_baseline_parse(kl_buf_span(&b), out_b, err);
    }
    kl_buf_done(&b);
    (void)fclose(in);
    return rc;
}

void kl_baseline_done(struct kl_baseline *b)
{
    free(b->entries);
    *b = (struct kl_baseline){0};
}

static bool has_item(const struct kl_baseline *b, const struct kl_finding_item *item)
{
    size_t from = 0;
    size_t to = b->n_entries;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = memcmp(b->entries[mid].fingerprint, item->fingerprint, KL_FINGERPRINT_BYTES);
        if (order == 0) {
            return item->count <= b->entries[mid].count;
        }
        if (order < 0) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    return false;
}

bool kl_baseline_has(const struct kl_baseline *b, const struct kl_finding *f)
{
    size_t n = kl_finding_items_get(f);
    struct kl_finding_item item;

    for (size_t i = 0; i < n; i++) {
        if (kl_finding_item(f, i, &item) != KL_OK || !has_item(b, &item)) {
            return false;
        }
    }
    return n > 0;
}

enum kl_rc kl_baseline_write_begin(struct kl_buf *out)
{
    return kl_buf_add_str(out, "{\"kulla_baseline\":1}\n");
}

enum kl_rc kl_baseline_write(const struct kl_finding *f, struct kl_buf *out)
{
    size_t n = kl_finding_items_get(f);
    for (size_t i = 0; i < n; i++) {
        struct kl_finding_item item;
        struct kl_json j;
        KL_TRY(kl_finding_item(f, i, &item));
        kl_json_init(&j, out);
        kl_json_object(&j);
        kl_json_key(&j, "fingerprint");
        kl_json_hex(&j, kl_span_make(item.fingerprint, sizeof item.fingerprint));
        kl_json_key(&j, "count");
        kl_json_u64(&j, item.count);
        kl_json_key(&j, "kind");
        kl_json_str(&j, item.kind);
        kl_json_key(&j, "path");
        kl_json_str(&j, f->path);
        kl_json_end(&j);
        KL_TRY(j.rc);
        KL_TRY(kl_buf_add_u8(out, '\n'));
    }
    return KL_OK;
}
