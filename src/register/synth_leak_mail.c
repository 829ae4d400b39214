/* The recall list as mail and as text of the web: eml, mbox, winmail.dat, RTF, HTML, vCards. */
#include <stdio.h>

#include "register/synth_leak_office.h"

#define COLUMNS "nid,given,family,employer,salary,phone"
#define N_BOX 5u /* messages of the mbox */

static void head_put(struct kl_synth_text *out, const char *more)
{
    kl_synth_text_str(out, "From: =?utf-8?Q?Shembull_Zyr=C3=AB?= <shembull@example.invalid>\r\n"
                           "To: dikush@example.invalid\r\n"
                           "Subject: =?utf-8?B?TGlzdGEgZSBwdW5vbmrDq3N2ZQ==?=\r\n"
                           "Date: Wed, 22 Dec 2021 09:12:00 +0100\r\n"
                           "Message-ID: <1@example.invalid>\r\nMIME-Version: 1.0\r\n");
    kl_synth_text_str(out, more);
}

/* Rows [from, to) of the sample as lines, cells between `sep`. */
static void lines_put(struct kl_synth_table *t, struct kl_synth_text *out, uint32_t from,
                      uint32_t to, const char *sep)
{
    for (uint32_t k = from; k < to; k++) {
        kl_synth_table_row(t, k);
        for (size_t i = 0; i < t->n; i++) {
            kl_synth_text_str(out, i > 0 ? sep : "");
            kl_synth_text_span(out, kl_synth_table_cell(t, i));
        }
        kl_synth_text_str(out, "\n");
    }
}

static void escaped_put(struct kl_synth_text *out, struct kl_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        kl_synth_text_str(out, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "");
        kl_synth_text_add(out, &c, c != '&' && c != '<');
    }
}

/* A table whose cells are a line of the source each. */
static void html_put(struct kl_synth_table *t, struct kl_synth_text *out, uint32_t from,
                     uint32_t to)
{
    kl_synth_text_str(out, "<!DOCTYPE html>\n<html><head><style>td { padding: 1px }</style></head>"
                           "<body>\n<p>Lista</p>\n<table border=\"1\">\n");
    for (uint32_t k = from; k < to; k++) {
        kl_synth_table_row(t, k);
        kl_synth_text_str(out, "<tr>\n");
        for (size_t i = 0; i < t->n; i++) {
            kl_synth_text_str(out, "  <td class=\"c\">\n    <span>");
            escaped_put(out, kl_synth_table_cell(t, i));
            kl_synth_text_str(out, "</span>\n  </td>\n");
        }
        kl_synth_text_str(out, "</tr>\n");
    }
    kl_synth_text_str(out, "</table>\n</body></html>\n");
}

static void coded_put(struct kl_synth_text *out, struct kl_synth_text *in, enum kl_synth_code code)
{
    kl_synth_code_put(out, kl_buf_span(&in->buf), code);
    out->rc = out->rc == KL_OK ? in->rc : out->rc;
    kl_buf_done(&in->buf);
}

/* ---- messages ---- */

static void eml_rows_put(struct kl_synth_table *t, struct kl_synth_text *out, uint32_t from,
                         uint32_t to)
{
    struct kl_synth_text rows;

    kl_synth_text_init(&rows);
    lines_put(t, &rows, from, to, ",");
    head_put(out, "Content-Type: multipart/mixed; boundary=\"=_kufi_1\"\r\n\r\n"
                  "This is a multi-part message in MIME format.\r\n--=_kufi_1\r\n"
                  "Content-Type: text/plain; charset=utf-8; format=flowed\r\n\r\n"
                  "Pershendetje, lista eshte bashkengjitur.\r\n--=_kufi_1\r\n"
                  "Content-Type: text/csv\r\nContent-Disposition: attachment;\r\n"
                  " filename*0*=utf-8''lista%20e%20pun;\r\n filename*1*=onj%C3%ABsve.csv\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n");
    coded_put(out, &rows, KL_SYNTH_BASE64);
    kl_synth_text_str(out, "--=_kufi_1--\r\n");
}

static void eml_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    (void)z;
    eml_rows_put(t, out, 0, t->l->sample.n);
}

static void eml_zip_write(struct kl_synth_table *t, struct kl_synth_zip *z,
                          struct kl_synth_text *out)
{
    head_put(out, "Content-Type: multipart/mixed; boundary=jashte\r\n\r\n--jashte\r\n"
                  "Content-Type: message/rfc822\r\n\r\n");
    eml_rows_put(t, out, 0, t->l->sample.n);
    kl_synth_text_str(out, "--jashte--\r\n");
    kl_synth_zip_add(z, "mesazhi.eml", kl_buf_span(&out->buf));
}

/* Long rows, broken by the coding. */
static void qp_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    struct kl_synth_text rows;

    (void)z;
    kl_synth_text_init(&rows);
    lines_put(t, &rows, 0, t->l->sample.n, " | ");
    head_put(out, "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    coded_put(out, &rows, KL_SYNTH_QP);
}

static void html_mail_put(struct kl_synth_table *t, struct kl_synth_text *out, uint32_t from,
                          uint32_t to)
{
    struct kl_synth_text page;

    kl_synth_text_init(&page);
    html_put(t, &page, from, to);
    head_put(out, "Content-Type: text/html; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n");
    coded_put(out, &page, KL_SYNTH_BASE64);
}

static void html_mail_write(struct kl_synth_table *t, struct kl_synth_zip *z,
                            struct kl_synth_text *out)
{
    (void)z;
    html_mail_put(t, out, 0, t->l->sample.n);
}

/* A plain body, attachments and a page by turns. */
static void mbox_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    uint32_t n = t->l->sample.n;

    (void)z;
    for (uint32_t m = 0; m < N_BOX; m++) {
        uint32_t from = n * m / N_BOX;
        uint32_t to = n * (m + 1) / N_BOX;
        kl_synth_text_str(out, "From shembull@example.invalid Wed Dec 22 09:12:00 2021\r\n");
        if (m % 3 == 0) {
            head_put(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n>From the list:\r\n");
            lines_put(t, out, from, to, ";");
        } else if (m % 3 == 1) {
            eml_rows_put(t, out, from, to);
        } else {
            html_mail_put(t, out, from, to);
        }
        kl_synth_text_str(out, "\r\n");
    }
}

/* ---- winmail.dat ---- */

static void attribute_put(struct kl_synth_text *out, unsigned level, uint32_t id,
                          struct kl_span bytes)
{
    unsigned sum = 0;

    kl_synth_le(out, level, 1);
    kl_synth_le(out, id, 4);
    kl_synth_le(out, bytes.len, 4);
    kl_synth_text_span(out, bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        sum += bytes.ptr[i];
    }
    kl_synth_le(out, sum & 0xFFFF, 2);
}

/* Half of the rows in the body, half in an attachment. */
static void tnef_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    struct kl_synth_text rows;
    struct kl_synth_text props;
    uint32_t n = t->l->sample.n;

    (void)z;
    kl_synth_text_init(&rows);
    kl_synth_text_init(&props);
    kl_synth_le(out, 0x223E9F78, 4);
    kl_synth_le(out, 1, 2);
    attribute_put(out, 1, 0x00018004, KL_SPAN_LIT("lista\0"));
    lines_put(t, &rows, 0, n / 2, ";");
    kl_synth_le(&props, 1, 4);
    kl_synth_le(&props, 0x1000001F, 4);
    kl_synth_le(&props, 1, 4);
    size_t at = props.buf.len;
    kl_synth_le(&props, 0, 4);
    uint32_t len = (uint32_t)(2 * kl_synth_wide(&props, kl_buf_span(&rows.buf)));
    if (props.rc == KL_OK) {
        uint8_t size[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16),
                           (uint8_t)(len >> 24)};
        memcpy(props.buf.ptr + at, size, sizeof size);
    }
    kl_synth_le(&props, 0, (4 - len % 4) % 4);
    attribute_put(out, 1, 0x00069003, kl_buf_span(&props.buf));
    attribute_put(out, 2, 0x00069002, KL_SPAN_LIT("\1\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    attribute_put(out, 2, 0x00018010, KL_SPAN_LIT("lista.csv\0"));
    rows.buf.len = 0;
    lines_put(t, &rows, n / 2, n, ";");
    attribute_put(out, 2, 0x0006800F, kl_buf_span(&rows.buf));
    out->rc = out->rc != KL_OK ? out->rc : rows.rc != KL_OK ? rows.rc : props.rc;
    kl_buf_done(&rows.buf);
    kl_buf_done(&props.buf);
}

/* ---- text ---- */

/* Our own text: of letters beyond ASCII it has those of two bytes only. */
static void rtf_text_put(struct kl_synth_text *out, struct kl_span text)
{
    char code[16];

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c >= 0x80 && i + 1 < text.len) {
            unsigned u = (c & 31u) << 6 | (text.ptr[++i] & 63u);
            (void)snprintf(code, sizeof code, i % 2 == 0 ? "\\u%u?" : "\\'%02x", u & 0xFFFF);
            kl_synth_text_str(out, code);
            continue;
        }
        kl_synth_text_str(out, c == '\\' || c == '{' || c == '}' ? "\\" : "");
        kl_synth_text_char(out, (char)c);
    }
}

static void rtf_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    (void)z;
    kl_synth_text_str(out, "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}\r\n"
                           "\\pard Lista\\par\r\n");
    for (uint32_t k = 0; k < t->l->sample.n; k++) {
        kl_synth_table_row(t, k);
        kl_synth_text_str(out, "\\trowd\\cellx2000\\cellx4000\\pard\\intbl\r\n");
        for (size_t i = 0; i < t->n; i++) {
            kl_synth_text_str(out, "{\\b ");
            rtf_text_put(out, kl_synth_table_cell(t, i));
            kl_synth_text_str(out, "}\\cell\r\n");
        }
        kl_synth_text_str(out, "\\row\r\n");
    }
    kl_synth_text_str(out, "\\pard fund\\par}");
}

static void html_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    (void)z;
    html_put(t, out, 0, t->l->sample.n);
}

/* vCard 3.0 with folded lines, and 2.1 in quoted-printable, by turns. */
static void vcard_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    static const char *const names[] = {"N", "FN", "TEL;TYPE=CELL", "ORG", "NOTE"};

    (void)z;
    for (uint32_t k = 0; k < t->l->sample.n; k++) {
        bool old = k % 2 == 1;
        kl_synth_table_row(t, k);
        kl_synth_text_str(out, "BEGIN:VCARD\r\nVERSION:");
        kl_synth_text_str(out, old ? "2.1\r\n" : "3.0\r\n");
        for (size_t i = 0; i < t->n && i < 5; i++) {
            struct kl_span cell = kl_synth_table_cell(t, i);
            size_t half = cell.len / 2;
            while (half > 0 && half < cell.len && (cell.ptr[half] & 0xC0) == 0x80) {
                half--;
            }
            kl_synth_text_str(out, names[i]);
            kl_synth_text_str(out, old ? ";CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:" : ":");
            if (old) {
                kl_synth_code_put(out, cell, KL_SYNTH_QP);
            } else {
                kl_synth_text_span(out, kl_span_part(cell, 0, half));
                kl_synth_text_str(out, "\r\n ");
                kl_synth_text_span(out, kl_span_part(cell, half, cell.len));
            }
            kl_synth_text_str(out, "\r\n");
        }
        kl_synth_text_str(out, "END:VCARD\r\n");
    }
}

/* A value a line. */
static void spread_put(struct kl_synth_table *t, struct kl_synth_text *out, bool json)
{
    static const char *const names[] = {"nid", "emri", "mbiemri", "punon", "paga", "tel"};

    kl_synth_text_str(out, json ? "[\n" : "<?xml version=\"1.0\"?>\n<lista>\n");
    for (uint32_t k = 0; k < t->l->sample.n; k++) {
        kl_synth_table_row(t, k);
        kl_synth_text_str(out, json ? (k > 0 ? ",\n  {\n" : "  {\n") : "  <person>\n");
        for (size_t i = 0; i < t->n && i < 6; i++) {
            kl_synth_text_str(out, json ? (i > 0 ? ",\n    \"" : "    \"") : "    <");
            kl_synth_text_str(out, names[i]);
            kl_synth_text_str(out, json ? "\": \"" : ">");
            escaped_put(out, kl_synth_table_cell(t, i));
            kl_synth_text_str(out, json ? "\"" : "</");
            kl_synth_text_str(out, json ? "" : names[i]);
            kl_synth_text_str(out, json ? "" : ">\n");
        }
        kl_synth_text_str(out, json ? "\n  }" : "  </person>\n");
    }
    kl_synth_text_str(out, json ? "\n]\n" : "</lista>\n");
}

static void json_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    (void)z;
    spread_put(t, out, true);
}

static void xml_write(struct kl_synth_table *t, struct kl_synth_zip *z, struct kl_synth_text *out)
{
    (void)z;
    spread_put(t, out, false);
}

static const struct kl_synth_table_case cases[] = {
    {"25m-attachment.eml", "25m mail, base64 attachment", COLUMNS, eml_write},
    {"25m2-eml-in-eml.zip", "25m2 mail in a mail in a zip", COLUMNS, eml_zip_write},
    {"25m3-box.mbox", "25m3 mailbox", COLUMNS, mbox_write},
    {"25m4-quoted-printable.eml", "25m4 mail, rows in the body, quoted-printable", COLUMNS,
     qp_write},
    {"25m5-html.eml", "25m5 mail, a table of HTML", COLUMNS, html_mail_write},
    {"25m6-winmail.dat", "25m6 winmail.dat", COLUMNS, tnef_write},
    {"25r-table.rtf", "25r table in RTF", COLUMNS, rtf_write},
    {"25w-table.html", "25w table in HTML, a cell a line", COLUMNS, html_write},
    {"25w2-folded.vcf", "25w2 vCards, folded or quoted-printable",
     "family,given,phone,employer,nid", vcard_write},
    {"25w3-spread.json", "25w3 JSON, a value a line", COLUMNS, json_write},
    {"25w4-spread.xml", "25w4 XML, an element a line", COLUMNS, xml_write},
};

enum kl_rc kl_synth_leaks_mail(struct kl_synth_leaker *l)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        KL_TRY(kl_synth_table_case_write(l, &cases[i], 5000 + i));
    }
    return KL_OK;
}
