#include <nettle/arcfour.h>
#include <nettle/md5.h>

#include "cfb_make.h"
#include "extract/xls_crypt.h"
#include "locked_run.h"
#include "office_run.h"

/* ---- records ---- */

static void rec(struct zm_bytes *b, unsigned type, const void *ptr, size_t len)
{
    zm_le(b, type, 2);
    zm_le(b, len, 2);
    zm_put(b, ptr, len);
}

static void bof(struct zm_bytes *b, unsigned type)
{
    struct zm_bytes p = {0};
    zm_le(&p, 0x600, 2);
    zm_le(&p, type, 2);
    zm_le(&p, 0, 8);
    zm_le(&p, 0, 4);
    rec(b, 0x809, p.ptr, p.len);
    free(p.ptr);
}

/* A cell record: row, column, format 0, then what `rest` holds. */
static void cell(struct zm_bytes *b, unsigned type, unsigned row, unsigned col, const void *rest,
                 size_t len)
{
    struct zm_bytes p = {0};
    zm_le(&p, row, 2);
    zm_le(&p, col, 2);
    zm_le(&p, 0, 2);
    zm_put(&p, rest, len);
    rec(b, type, p.ptr, p.len);
    free(p.ptr);
}

static void shared(struct zm_bytes *b, unsigned row, unsigned col, unsigned i)
{
    uint8_t index[4] = {(uint8_t)i, (uint8_t)(i >> 8), 0, 0};
    cell(b, 0xFD, row, col, index, 4);
}

/* SST with four strings: narrow; rich, split inside its text into a wide CONTINUE; split between
   two strings; one that no cell names. */
static void sst(struct zm_bytes *b)
{
    struct zm_bytes p = {0};
    zm_le(&p, 4, 4);
    zm_le(&p, 4, 4);
    zm_put(&p, "\x0a\0\0A90101001A", 13);
    zm_put(&p, "\x05\0\x08\x01\0Hox", 8);
    rec(b, 0xFC, p.ptr, p.len);
    free(p.ptr);
    rec(b, 0x3C, "\1h\0\xeb\0rrrr", 9);
    rec(b, 0x3C, "\4\0\0Agim\6\0\0unused", 16);
}

enum what { PLAIN, XOR, RC4, BAD };

static void workbook(struct zm_bytes *out, const void *filepass, size_t filepass_len)
{
    struct zm_bytes head = {0};
    struct zm_bytes table = {0};
    bof(&head, 5);
    if (filepass_len > 0) {
        rec(&head, 0x2F, filepass, filepass_len);
    }
    rec(&head, 0x41E, "\xa4\0\x0a\0\0yyyy-mm-dd", 15);
    rec(&head, 0xE0, "\0\0\xa4\0", 4); /* format 0 is the date */
    sst(&table);
    rec(&table, 0x0A, "", 0);
    uint32_t at = (uint32_t)(head.len + 4 + 12 + table.len);
    uint8_t sheet[12] = {(uint8_t)at, (uint8_t)(at >> 8), 0, 0, 1, 0, 4, 0, 'P', 'a', 'g', 'a'};
    rec(&head, 0x85, sheet, 12);
    zm_put(out, head.ptr, head.len);
    zm_put(out, table.ptr, table.len);
    bof(out, 0x10);
    shared(out, 0, 0, 0);
    shared(out, 0, 1, 2);
    shared(out, 0, 2, 1);
    cell(out, 0x27E, 0, 3, "\x06\x00\x00\x00", 4);                      /* RK 1: a date */
    cell(out, 0x204, 1, 0, "\4\0\1l\0a\0b\0\xeb\0", 11);                /* LABEL */
    cell(out, 0x006, 1, 1, "\0\0\0\0\0\0\xff\xff\0\0\0\0\0\0\0\0", 16); /* FORMULA */
    rec(out, 0x207, "\6\0\0result", 9);
    cell(out, 0x205, 1, 3, "\1\0", 2);                             /* TRUE */
    cell(out, 0x205, 1, 4, "\x2a\1", 2);                           /* #N/A */
    cell(out, 0x204, 1, 2, "", 0);                                 /* cut short */
    rec(out, 0x1B6, "\0\0\0\0\0\0\0\0\0\0\4\0\x10\0\0\0\0\0", 18); /* comment */
    rec(out, 0x3C, "\0note", 5);
    rec(out, 0x14, "\4\0\0head", 7);
    rec(out, 0x0A, "", 0);
    free(head.ptr);
    free(table.ptr);
}

static void run_cfb(struct sink_mem *s, const struct zm_bytes *stream)
{
    struct cm c = {0};
    (void)cm_add(&c, 0, "Workbook", stream->ptr, stream->len);
    (void)cm_add(&c, 0, "\1CompObj", "side stream text", 16);
    cm_end(&c);
    office_run(s, c.out, c.out_len);
    cm_done(&c);
}

static void expect_rows(const struct sink_mem *s)
{
    KT_OK(office_has(s, "B table /Workbook/Paga\nA90101001A\tAgim\tHoxh\xc3\xab\t1900-01-01\n"));
    KT_OK(office_has(s, "lab\xc3\xab\tresult"));
    KT_OK(office_has(s, "note\n") && office_has(s, "head\n") && office_has(s, "unused\n"));
    KT_OK(office_has(s, "A /Workbook/Paga xls.hidden_sheet\n"));
}

KT_TEST(a_workbook_comes_out_sheet_by_sheet)
{
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    workbook(&b, NULL, 0);
    run_cfb(&s, &b);
    expect_rows(&s);
    KT_OK(office_has(&s, "\tTRUE\t#N/A"));
    KT_OK(office_has(&s, "side stream text"));
    KT_EQ(office_count(&s, "A90101001A"), 1);
    KT_EQ(s.not_inspected, 0);
    free(b.ptr);
    sink_mem_done(&s);
}

KT_TEST(every_truncation_of_a_workbook_keeps_what_is_there)
{
    struct zm_bytes b = {0};
    workbook(&b, NULL, 0);
    for (size_t n = 8; n < b.len; n++) {
        struct sink_mem s = {0};
        office_run(&s, b.ptr, n); /* records without their file */
        KT_EQ(s.not_inspected, 0);
        KT_OK(n < b.len - 200 || office_has(&s, "A90101001A"));
        sink_mem_done(&s);
    }
    free(b.ptr);
}

KT_TEST(flipped_bytes_never_break_the_accounting)
{
    struct zm_bytes b = {0};
    workbook(&b, NULL, 0);
    for (size_t i = 8; i < b.len; i++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            struct sink_mem s = {.quiet = true};
            b.ptr[i] ^= (uint8_t)(1u << bit);
            office_run(&s, b.ptr, b.len);
            b.ptr[i] ^= (uint8_t)(1u << bit);
            sink_mem_done(&s);
        }
    }
    free(b.ptr);
}

/* ---- older ones ---- */

KT_TEST(excel_2_and_5_are_read)
{
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    rec(&b, 0x009, "\2\0\x10\0", 4);
    rec(&b, 0x004, "\0\0\0\0\0\0\0\4Agim", 12);
    rec(&b, 0x002, "\0\0\1\0\0\0\0\x39\x30", 9);
    rec(&b, 0x003, "\0\0\2\0\0\0\0\0\0\0\0\0\0\xf8\x3f", 15);
    rec(&b, 0x00A, "", 0);
    office_run(&s, b.ptr, b.len);
    KT_OK(office_has(&s, "Agim\t12345\t1.5\n"));
    sink_mem_done(&s);
    b.len = 0;
    s = (struct sink_mem){0};
    rec(&b, 0x809, "\0\5\x10\0\0\0\0\0", 8);
    rec(&b, 0x042, "\xe2\4", 2);
    cell(&b, 0x204, 0, 0, "\5\0Hoxh\xeb", 7);
    cell(&b, 0x0D6, 0, 1, "\4\0Agim\0", 7);
    rec(&b, 0x01C, "\0\0\0\0\3\0abc", 9);
    rec(&b, 0x015, "\4foot", 5);
    rec(&b, 0x00A, "", 0);
    office_run(&s, b.ptr, b.len);
    KT_OK(office_has(&s, "Hoxh\xc3\xab\tAgim\n") && office_has(&s, "abc\n") &&
          office_has(&s, "foot\n"));
    free(b.ptr);
    sink_mem_done(&s);
}

/* As Excel 2010 and later write a workbook of Excel 95; folded to Latin letters. */
KT_TEST(the_workbook_says_the_version_not_its_sheets)
{
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    rec(&b, 0x809, "\0\5\5\0\0\0\0\0", 8);
    rec(&b, 0x042, "\xe3\4", 2); /* 1251 */
    rec(&b, 0x00A, "", 0);
    rec(&b, 0x809, "\0\6\x10\0\0\0\0\0", 8);
    cell(&b, 0x204, 0, 0, "\7\0English", 9);
    cell(&b, 0x204, 0, 1, "\5\0\xcf\xe0\xe2\xe5\xeb", 7); /* Pavel, in Cyrillic */
    rec(&b, 0x00A, "", 0);
    office_run(&s, b.ptr, b.len);
    KT_OK(office_has(&s, "English\tPavel\n"));
    free(b.ptr);
    sink_mem_done(&s);
}

KT_TEST(rows_of_numbers_and_columns_far_apart)
{
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    bof(&b, 0x10);
    rec(&b, 0xBD, "\0\0\0\0\0\0\x06\0\0\0\0\0\x0b\0\0\0\1\0", 18); /* MULRK: 1 and 0.02 */
    cell(&b, 0x27E, 1, 255, "\0\0\xf8\x3f", 4);                    /* RK of a double: 1.5 */
    cell(&b, 0x203, 2, 0, "\0\0\0\0\0\0\xf8\x7f", 8);              /* not a number */
    cell(&b, 0x0FD, 3, 0, "\7\0\0\0", 4);                          /* no such string */
    rec(&b, 0x0A, "", 0);
    office_run(&s, b.ptr, b.len);
    KT_OK(office_has(&s, "B table \n1\t0.02\n"));
    KT_OK(office_has(&s, "\t1.5\n") && office_has(&s, "xls.index\n"));
    KT_EQ(office_count(&s, "\t"), 256);
    free(b.ptr);
    sink_mem_done(&s);
}

KT_TEST(a_long_string_that_every_cell_names_ends_at_the_limit)
{
    struct zm_bytes b = {0};
    struct zm_bytes p = {0};
    struct sink_mem s = {.quiet = true};
    bof(&b, 5);
    zm_le(&p, 1, 4);
    zm_le(&p, 1, 4);
    zm_le(&p, 8000, 2);
    zm_le(&p, 0, 1);
    office_fill(&p, 'y', 8000);
    rec(&b, 0xFC, p.ptr, p.len);
    rec(&b, 0x0A, "", 0);
    bof(&b, 0x10);
    for (unsigned i = 0; i < 3000; i++) {
        shared(&b, i, 0, 0);
    }
    size_t few = b.len;
    office_run(&s, b.ptr, few);
    KT_OK(!office_has(&s, "limit.ratio"));
    KT_OK(s.text_bytes >= 3000u * 8000u);
    sink_mem_done(&s);
    for (unsigned i = 0; i < 20000; i++) {
        shared(&b, i, 0, 0);
    }
    s = (struct sink_mem){.quiet = true};
    office_run(&s, b.ptr, b.len);
    KT_OK(office_has(&s, "limit.ratio") || s.text_bytes < (uint64_t)b.len * KL_MAX_RATIO);
    KT_OK(s.text_bytes <= (uint64_t)b.len * KL_MAX_RATIO + 2000000);
    free(p.ptr);
    free(b.ptr);
    sink_mem_done(&s);
}

/* ---- encryption ---- */

/* Encrypt the records behind FILEPASS as Excel does, with the reader's own key stream: RC4 and
   XOR undo themselves but for the rotation. */
static void lock(struct zm_bytes *b, const uint8_t *filepass, size_t len, const char *password,
                 bool is_xor)
{
    struct kl_xls_crypt c;
    KT_OK(kl_xls_crypt_open(&c, kl_span_make(filepass, len), true, kl_span_str(password)));
    size_t at = 0;
    bool on = false;
    while (at + 4 <= b->len) {
        unsigned type = b->ptr[at] | (unsigned)b->ptr[at + 1] << 8;
        size_t n = b->ptr[at + 2] | (size_t)b->ptr[at + 3] << 8;
        uint8_t *p = b->ptr + at + 4;
        size_t clear = type == 0x809 ? n : type == 0x85 ? 4 : 0;
        if (on && is_xor) {
            for (size_t i = clear; i < n; i++) {
                uint8_t v = p[i] ^ c.key[(at + 4 + n + i) % 16];
                p[i] = (uint8_t)(v >> 3 | v << 5);
            }
        } else if (on) {
            kl_xls_decrypt(&c, at + 4, n, p, n, clear);
        }
        on = on || type == 0x2F;
        at += 4 + n;
    }
}

/* FILEPASS of RC4 for a password, made from its definition. */
static void rc4_filepass(uint8_t out[54], const char *password)
{
    uint8_t wide[64];
    uint8_t hash[16];
    uint8_t salted[16 * 21];
    uint8_t key[16];
    uint8_t block[9] = {0};
    struct md5_ctx md5;
    struct arcfour_ctx rc4;
    size_t n = strlen(password);
    memcpy(out, "\1\0\1\0\1\0", 6);
    memcpy(out + 6, "0123456789abcdef", 16);
    for (size_t i = 0; i < n; i++) {
        wide[2 * i] = (uint8_t)password[i];
        wide[2 * i + 1] = 0;
    }
    md5_init(&md5);
    md5_update(&md5, 2 * n, wide);
    md5_digest(&md5, 16, hash);
    for (unsigned i = 0; i < 16; i++) {
        memcpy(salted + i * 21, hash, 5);
        memcpy(salted + i * 21 + 5, out + 6, 16);
    }
    md5_update(&md5, sizeof salted, salted);
    md5_digest(&md5, 16, hash);
    memcpy(block, hash, 5);
    md5_update(&md5, 9, block);
    md5_digest(&md5, 16, key);
    arcfour_set_key(&rc4, 16, key);
    arcfour_crypt(&rc4, 16, out + 22, (const uint8_t *)"sixteen bytes!!!");
    md5_update(&md5, 16, (const uint8_t *)"sixteen bytes!!!");
    md5_digest(&md5, 16, hash);
    arcfour_crypt(&rc4, 16, out + 38, hash);
}

KT_TEST(a_workbook_with_excels_own_password_is_read)
{
    uint8_t filepass[54];
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    rc4_filepass(filepass, "VelvetSweatshop");
    workbook(&b, filepass, sizeof filepass);
    lock(&b, filepass, sizeof filepass, "VelvetSweatshop", false);
    KT_OK(memmem(b.ptr, b.len, "Agim", 4) == NULL);
    run_cfb(&s, &b);
    expect_rows(&s);
    KT_OK(office_has(&s, "A /Workbook xls.default_password\n"));
    KT_EQ(s.not_inspected, 0);
    free(b.ptr);
    sink_mem_done(&s);
}

KT_TEST(a_workbook_opens_with_a_password_that_was_given)
{
    for (unsigned i = 0; i < 2; i++) {
        uint8_t filepass[54];
        struct zm_bytes b = {0};
        struct sink_mem s = {0};
        struct cm c = {0};
        rc4_filepass(filepass, "Tirana2024");
        workbook(&b, filepass, sizeof filepass);
        lock(&b, filepass, sizeof filepass, "Tirana2024", false);
        (void)cm_add(&c, 0, "Workbook", b.ptr, b.len);
        cm_end(&c);
        const struct zm_bytes file = {c.out, c.out_len, c.out_len};
        locked_run(&s, &file, i == 0 ? "nope Tirana2024" : "nope Tirana2025", NULL);
        KT_EQ(locked_has(&s, "A /Workbook encrypted.opened\n"), i == 0);
        KT_EQ(locked_has(&s, "A90101001A\tAgim\t"), i == 0);
        KT_EQ(locked_has(&s, "N /Workbook encrypted "), i == 1);
        sink_mem_done(&s);
        cm_done(&c);
        free(b.ptr);
    }
}

KT_TEST(xor_obfuscation_with_excels_own_password_is_undone)
{
    /* Key and verifier of "VelvetSweatshop" as Excel writes them. */
    static const uint8_t filepass[6] = {0, 0, 0x59, 0xB3, 0x0A, 0x9A};
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    workbook(&b, filepass, sizeof filepass);
    lock(&b, filepass, sizeof filepass, "VelvetSweatshop", true);
    KT_OK(memmem(b.ptr, b.len, "Agim", 4) == NULL);
    run_cfb(&s, &b);
    expect_rows(&s);
    free(b.ptr);
    sink_mem_done(&s);
}

KT_TEST(a_workbook_with_another_password_is_not_inspected)
{
    uint8_t filepass[54];
    struct zm_bytes b = {0};
    struct sink_mem s = {0};
    rc4_filepass(filepass, "another");
    workbook(&b, filepass, sizeof filepass);
    size_t rest = b.len - 20 - 4 - sizeof filepass;
    run_cfb(&s, &b);
    char want[64];
    (void)snprintf(want, sizeof want, "N /Workbook encrypted %zu\n", rest);
    KT_OK(office_has(&s, want) && !office_has(&s, "Agim"));
    KT_OK(s.not_inspected >= rest);
    free(b.ptr);
    sink_mem_done(&s);
}

KT_TEST(a_filepass_that_is_cut_or_unknown_is_no_password)
{
    uint8_t filepass[54];
    struct kl_xls_crypt c;
    rc4_filepass(filepass, "VelvetSweatshop");
    KT_OK(kl_xls_crypt_open(&c, kl_span_make(filepass, 54), true, kl_span_str("VelvetSweatshop")));
    KT_OK(!kl_xls_crypt_open(&c, kl_span_make(filepass, 54), true, kl_span_str("velvetSweatshop")));
    for (size_t n = 0; n < 54; n++) {
        KT_OK(!kl_xls_crypt_open(&c, kl_span_make(filepass, n), true,
                                 kl_span_str("VelvetSweatshop")));
        KT_EQ(c.kind, KL_XLS_CIPHER_NONE);
    }
}

KT_MAIN()
