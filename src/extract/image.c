#include "base/buf.h"
#include "extract/binary.h"
#include "extract/extract.h"

#define HEAD_BYTES 65536u
#define LEAST_WIDE 40u /* pixels: a picture with less in one direction holds no line of text */
#define LEAST_HIGH 12u

struct size {
    uint32_t wide; /* 0: not known */
    uint32_t high;
};

static uint32_t be16(struct kl_rd *r)
{
    uint32_t high = kl_rd_u8(r);
    return high << 8 | kl_rd_u8(r);
}

static uint32_t be32(struct kl_rd *r)
{
    uint32_t high = be16(r);
    return high << 16 | be16(r);
}

/* Source: PNG (W3C) 11.2.2. */
static struct size png_size(struct kl_rd r)
{
    kl_rd_skip(&r, 16);
    uint32_t wide = be32(&r);
    return (struct size){wide, be32(&r)};
}

/* Source: GIF89a, 18. */
static struct size gif_size(struct kl_rd r)
{
    kl_rd_skip(&r, 6);
    uint32_t wide = kl_rd_le16(&r);
    return (struct size){wide, kl_rd_le16(&r)};
}

/* The first frame header. Source: ITU-T T.81 B.2. */
static struct size jpeg_size(struct kl_rd r)
{
    kl_rd_skip(&r, 2);
    while (kl_rd_left(&r) > 9) {
        uint8_t mark = kl_rd_u8(&r);
        uint8_t kind = kl_rd_u8(&r);
        if (mark != 0xFF) {
            break;
        }
        if (kind == 0xFF || (kind >= 0xD0 && kind <= 0xD9)) {
            continue;
        }
        uint32_t len = be16(&r);
        bool frame = kind >= 0xC0 && kind <= 0xCF && kind != 0xC4 && kind != 0xC8 && kind != 0xCC;
        if (frame) {
            kl_rd_skip(&r, 1);
            uint32_t high = be16(&r);
            return (struct size){be16(&r), high};
        }
        kl_rd_skip(&r, len >= 2 ? len - 2 : 0);
    }
    return (struct size){0, 0};
}

static struct size size_of(struct kl_span head)
{
    struct kl_rd r = kl_rd_init(head);

    switch (head.len > 0 ? head.ptr[0] : 0) {
    case 0x89:
        return png_size(r);
    case 'G':
        return gif_size(r);
    case 0xFF:
        return jpeg_size(r);
    default:
        return (struct size){0, 0};
    }
}

/* The picture itself goes to the OCR program; what is written beside it (EXIF, XMP) is read here.
 */
enum kl_rc kl_extract_image(struct kl_emit *e, const struct kl_input *in)
{
    struct kl_buf head;
    struct size size = {0, 0};
    size_t n = 0;

    kl_buf_init(&head, HEAD_BYTES);
    enum kl_rc rc = kl_buf_room(&head, HEAD_BYTES);
    if (rc == KL_OK && kl_input_read(in, 0, head.ptr, HEAD_BYTES, &n) == KL_OK) {
        size = size_of(kl_span_make(head.ptr, n < in->len_bytes ? n : (size_t)in->len_bytes));
    }
    kl_buf_done(&head);
    KL_TRY(rc);
    bool small =
        size.wide > 0 && size.high > 0 && (size.wide < LEAST_WIDE || size.high < LEAST_HIGH);
    if (!small) {
        KL_TRY(kl_emit_outside(e, KL_PART_IMAGE, in));
    }
    return kl_extract_binary(e, in);
}
