#include "extract/charset.h"
#include "extract/extract.h"
#include "extract/mail.h"
#include "extract/rows.h"

struct magic {
    uint16_t at;
    uint8_t len;
    enum kl_format format;
    char bytes[16];
};

static const struct magic magics[] = {
    {0, 4, KL_FORMAT_ZIP, "PK\3\4"},
    {0, 4, KL_FORMAT_ZIP, "PK\5\6"},
    {0, 4, KL_FORMAT_ZIP, "PK\7\10"},
    {0, 6, KL_FORMAT_PACKED, "7z\xbc\xaf\x27\x1c"},
    {0, 6, KL_FORMAT_PACKED, "Rar!\x1a\7"},
    {0, 3, KL_FORMAT_PACKED, "\x1f\x8b\x08"},
    {0, 2, KL_FORMAT_PACKED, "\x1f\x9d"},
    {0, 6, KL_FORMAT_PACKED,
     "\xfd"
     "7zXZ\0"},
    {0, 4, KL_FORMAT_PACKED, "\x28\xb5\x2f\xfd"},
    {0, 4, KL_FORMAT_PACKED, "\x04\x22\x4d\x18"},
    {0, 3, KL_FORMAT_PACKED, "BZh"},
    {0, 4, KL_FORMAT_PACKED, "LZIP"},
    {0, 4, KL_FORMAT_PACKED, "MSCF"},
    {0, 5, KL_FORMAT_PDF, "%PDF-"},
    {0, 8, KL_FORMAT_IMAGE, "\x89PNG\r\n\x1a\n"},
    {0, 3, KL_FORMAT_IMAGE, "\xff\xd8\xff"},
    {0, 4, KL_FORMAT_IMAGE, "GIF8"},
    {0, 4, KL_FORMAT_IMAGE, "II*\0"},
    {0, 4, KL_FORMAT_IMAGE, "MM\0*"},
    {0, 4, KL_FORMAT_PARQUET, "PAR1"},
    {0, 4, KL_FORMAT_AVRO, "Obj\1"},
    {8, 4, KL_FORMAT_IMAGE, "WEBP"},
    {4, 4, KL_FORMAT_PACKED, "ftyp"},
    {0, 4, KL_FORMAT_PACKED, "OggS"},
    {0, 4, KL_FORMAT_PACKED, "\x1a\x45\xdf\xa3"},
    {0, 3, KL_FORMAT_PACKED, "ID3"},
    {0, 14, KL_FORMAT_PACKED, "age-encryption"},
    {0, 6, KL_FORMAT_PACKED, "LUKS\xba\xbe"},
    {0, 8, KL_FORMAT_OLE2, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"},
    {0, 5, KL_FORMAT_RTF, "{\\rtf"},
    {0, 4, KL_FORMAT_TNEF, "\x78\x9f\x3e\x22"},
    {4, 15, KL_FORMAT_JET, "Standard Jet DB"},
    {4, 15, KL_FORMAT_JET, "Standard ACE DB"},
    {0, 16, KL_FORMAT_SQLITE, "SQLite format 3"},
    {0, 4, KL_FORMAT_SQLITE_LOG, "\x37\x7f\x06\x82"},
    {0, 4, KL_FORMAT_SQLITE_LOG, "\x37\x7f\x06\x83"},
    {0, 8, KL_FORMAT_SQLITE_LOG, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"},
    {0, 5, KL_FORMAT_PGDUMP, "PGDMP"},
    {0, 4, KL_FORMAT_PST, "!BDN"},
    {0, 4, KL_FORMAT_BINARY,
     "\x7f"
     "ELF"},
};

/* dBASE has no magic: a version, a date, sizes that agree, and the end of the field list. */
static bool is_dbf(struct kl_span h)
{
    static const char versions[] =
        "\x02\x03\x04\x05\x30\x31\x32\x43\x63\x7b\x83\x8b\x8c\x8e\xcb\xe5\xf5\xfb";
    if (h.len < 66 || memchr(versions, h.ptr[0], sizeof versions - 1) == NULL) {
        return false;
    }
    struct kl_rd r = kl_rd_init(h);
    kl_rd_skip(&r, 8);
    unsigned header = kl_rd_le16(&r);
    unsigned record = kl_rd_le16(&r);
    return h.ptr[2] >= 1 && h.ptr[2] <= 12 && h.ptr[3] >= 1 && h.ptr[3] <= 31 && header >= 65 &&
           record >= 2 &&
           (header > h.len || h.ptr[header - 1] == 0x0D || h.ptr[header - 2] == 0x0D ||
            header % 32 == 8);
}

/* A BOF record: BIFF2-4 are files of their own, BIFF5 and 8 rarely. */
static bool is_biff(struct kl_span h)
{
    if (h.len < 8 || h.ptr[0] != 9 || h.ptr[3] != 0) {
        return false;
    }
    unsigned version = h.ptr[1];
    unsigned len = h.ptr[2];
    unsigned type = h.ptr[6] | (unsigned)h.ptr[7] << 8;
    bool sizes = version == 0   ? len == 4
                 : version == 8 ? len == 8 || len == 16
                                : (version == 2 || version == 4) && (len == 6 || len == 8);
    return sizes && (type == 0x10 || type == 0x20 || type == 0x40 || type == 0x100 || type == 5);
}

static enum kl_format by_magic(struct kl_span head)
{
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        const struct magic *m = &magics[i];
        if (head.len >= (size_t)m->at + m->len && memcmp(head.ptr + m->at, m->bytes, m->len) == 0) {
            return m->format;
        }
    }
    if (is_biff(head)) {
        return KL_FORMAT_XLS;
    }
    return is_dbf(head) ? KL_FORMAT_DBF : KL_FORMAT_NONE;
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b) || c == 0x7f;
}

static size_t count_controls(struct kl_span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += is_control(s.ptr[i]);
    }
    return n;
}

/* Decoded, a true UTF-16 or UTF-32 text has next to no control characters. */
static bool is_wide_text(struct kl_span head, enum kl_charset set)
{
    uint8_t out[3 * 512 / 2 + 8];
    size_t used = 0;
    struct kl_charset_seen seen = {false, false, false};
    size_t n = kl_charset_wide(kl_span_part(head, 0, 512), set, false, out, &used, &seen);
    return n > 0 && count_controls(kl_span_make(out, n)) * 32 <= n;
}

/* Office documents that are one XML file: a root with the name space of its format. */
static bool is_flat(struct kl_span head)
{
    static const char *const spaces[] = {"urn:oasis:names:tc:opendocument:xmlns:office",
                                         "schemas.microsoft.com/office/word/2003/wordml",
                                         "urn:schemas-microsoft-com:office:spreadsheet",
                                         "schemas.microsoft.com/office/2006/xmlPackage"};
    head = kl_span_trim(head);
    size_t bom = head.len >= 3 && memcmp(head.ptr, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (head.len <= bom || head.ptr[bom] != '<') {
        return false;
    }
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        if (kl_span_find(head, 0, kl_span_str(spaces[i])) < head.len) {
            return true;
        }
    }
    return false;
}

enum kl_format kl_sniff(struct kl_span head)
{
    size_t bom = 0;

    if (head.len == 0) {
        return KL_FORMAT_NONE;
    }
    enum kl_format known = by_magic(head);
    if (known != KL_FORMAT_NONE) {
        return known;
    }
    enum kl_charset set = kl_charset_detect(head, &bom);
    if (set > KL_CHARSET_8BIT) {
        bool text = head.len == bom || is_wide_text(kl_span_part(head, bom, head.len), set);
        return text ? KL_FORMAT_TEXT : KL_FORMAT_BINARY;
    }
    if (kl_mail_is_message(head) || kl_mail_is_mbox(head)) {
        return KL_FORMAT_MAIL;
    }
    if (count_controls(head) * 32 > head.len) {
        return KL_FORMAT_BINARY;
    }
    if (is_flat(head)) {
        return KL_FORMAT_FLAT;
    }
    return kl_rows_sniff(head) != KL_ROWS_NONE ? KL_FORMAT_ROWS : KL_FORMAT_TEXT;
}
