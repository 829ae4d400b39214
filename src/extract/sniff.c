#include "extract/charset.h"
#include "extract/codec.h"
#include "extract/extract.h"
#include "extract/mail.h"
#include "extract/openpgp.h"
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
    {0, 6, KL_FORMAT_7Z, "7z\xbc\xaf\x27\x1c"},
    {0, 7, KL_FORMAT_RAR, "Rar!\x1a\7"},
    {0, 8, KL_FORMAT_RAR5, "Rar!\x1a\7\1"},
    {0, 2, KL_FORMAT_COMPRESS, "\x1f\x9d"},
    {0, 8, KL_FORMAT_CAB, "MSCF"}, /* and four zero bytes */
    {0, 8, KL_FORMAT_AR, "!<arch>\n"},
    {0, 6, KL_FORMAT_CPIO, "070701"},
    {0, 6, KL_FORMAT_CPIO, "070702"},
    {0, 6, KL_FORMAT_CPIO, "070707"},
    {0, 4, KL_FORMAT_PACKED, "xar!"},
    {0, 4, KL_FORMAT_PACKED, "\2\x21\x4c\x18"}, /* lz4 before it had frames */
    {0, 5, KL_FORMAT_PDF, "%PDF-"},
    {0, 8, KL_FORMAT_IMAGE, "\x89PNG\r\n\x1a\n"},
    {0, 3, KL_FORMAT_IMAGE, "\xff\xd8\xff"},
    {0, 4, KL_FORMAT_IMAGE, "GIF8"},
    {0, 4, KL_FORMAT_IMAGE, "II*\0"},
    {0, 4, KL_FORMAT_IMAGE, "MM\0*"},
    {0, 4, KL_FORMAT_PARQUET, "PAR1"},
    {0, 4, KL_FORMAT_AVRO, "Obj\1"},
    {8, 4, KL_FORMAT_IMAGE, "WEBP"},
    {4, 8, KL_FORMAT_HEIF, "ftypheic"},
    {4, 8, KL_FORMAT_HEIF, "ftypheix"},
    {4, 8, KL_FORMAT_HEIF, "ftypheim"},
    {4, 8, KL_FORMAT_HEIF, "ftypheis"},
    {4, 8, KL_FORMAT_HEIF, "ftypmif1"},
    {4, 8, KL_FORMAT_HEIF, "ftypavif"},
    {4, 4, KL_FORMAT_PACKED, "ftyp"},
    {0, 4, KL_FORMAT_PACKED, "OggS"},
    {0, 4, KL_FORMAT_PACKED, "\x1a\x45\xdf\xa3"},
    {0, 3, KL_FORMAT_PACKED, "ID3"},
    {0, 14, KL_FORMAT_ENCRYPTED, "age-encryption"},
    {0, 6, KL_FORMAT_ENCRYPTED, "LUKS\xba\xbe"},
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

/* The first field of a dBASE file: a name and a known type. Source: dBASE 7 file format. */
static bool is_dbf_field(struct kl_span h)
{
    bool seven = (h.ptr[0] & 7) == 4;
    size_t at = seven ? 68 : 32;
    size_t type = at + (seven ? 32 : 11);

    if (h.len <= type) {
        return false;
    }
    uint8_t c = h.ptr[at];
    bool name = (uint8_t)((c | 0x20) - 'a') < 26 || c == '_' || c >= 0x80;
    return name && h.ptr[type] != 0 && strchr("CNDLMFGBITYPOQVW@+0", h.ptr[type]) != NULL;
}

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
           record >= 2 && is_dbf_field(h) &&
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

/* The checksum of a tar header, which all dialects have (POSIX.1 ustar: signed or unsigned). */
static bool is_tar(struct kl_span h)
{
    if (h.len < 512 || h.ptr[0] == 0) {
        return false;
    }
    unsigned want = 0;
    unsigned digits = 0;
    for (size_t i = 148; i < 156; i++) {
        uint8_t c = h.ptr[i];
        if (c >= '0' && c <= '7') {
            want = want * 8 + (c - '0');
            digits++;
        } else if (c != ' ' && c != 0) {
            return false;
        }
    }
    unsigned sum = 8 * ' ';
    int signed_sum = 8 * ' ';
    for (size_t i = 0; i < 512; i++) {
        if (i < 148 || i >= 156) {
            sum += h.ptr[i];
            signed_sum += (int8_t)h.ptr[i];
        }
    }
    return digits > 0 && (want == sum || (int)want == signed_sum);
}

/* lha begins with sizes; its method stands behind them, its level further on. */
static bool is_lha(struct kl_span h)
{
    return h.len > 24 && h.ptr[0] != 0 && h.ptr[2] == '-' && h.ptr[3] == 'l' &&
           (h.ptr[4] == 'h' || h.ptr[4] == 'z') && h.ptr[6] == '-' && h.ptr[20] <= 3;
}

/* Binary cpio of either byte order: the magic, and a name that ends where it should. */
static bool is_old_cpio(struct kl_span h)
{
    if (h.len < 28) {
        return false;
    }
    bool little = h.ptr[0] == 0xc7 && h.ptr[1] == 0x71;
    bool big = h.ptr[0] == 0x71 && h.ptr[1] == 0xc7;
    size_t n = little ? h.ptr[20] | (size_t)h.ptr[21] << 8 : h.ptr[21] | (size_t)h.ptr[20] << 8;
    return (little || big) && n > 1 && n <= 1024 && 26 + n <= h.len && h.ptr[26 + n - 1] == 0 &&
           memchr(h.ptr + 26, 0, n - 1) == NULL;
}

/* CMS (S/MIME) enveloped data: a sequence that begins with its object identifier (RFC 5652). */
static bool is_enveloped(struct kl_span h)
{
    static const char oid[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
    return h.len > 24 && h.ptr[0] == 0x30 && memmem(h.ptr, 20, oid, sizeof oid - 1) != NULL;
}

static enum kl_format by_shape(struct kl_span head)
{
    if (kl_codec_of(head) != KL_CODEC_NONE) {
        return KL_FORMAT_STREAM;
    }
    if (is_tar(head)) {
        return KL_FORMAT_TAR;
    }
    if (kl_openpgp_is_message(head)) {
        return KL_FORMAT_OPENPGP;
    }
    if (is_enveloped(head)) {
        return KL_FORMAT_ENCRYPTED;
    }
    return is_lha(head) ? KL_FORMAT_LHA : is_old_cpio(head) ? KL_FORMAT_CPIO : KL_FORMAT_NONE;
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
    known = known == KL_FORMAT_NONE ? by_shape(head) : known;
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
