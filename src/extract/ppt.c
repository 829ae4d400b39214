/*
 * The text of PowerPoint 97-2003: the text atoms of its one stream, a line each.
 * Source: [MS-PPT] 2.3.1, 2.9.43-2.9.45, 2.3.7 (encryption).
 */
#include "extract/codepage.h"
#include "extract/extract.h"
#include "extract/member.h"
#include "extract/ole2.h"
#include "extract/pull.h"

#define PIECE_BYTES 4096u
#define HEAD_BYTES 8u
#define TEXT_CHARS 0x0FA0u
#define TEXT_BYTES 0x0FA8u
#define CSTRING 0x0FBAu
#define CRYPT_SESSION 0x2F14u

struct ppt {
    struct kl_cfb_stream main;
    uint64_t at;
    uint64_t left; /* of the atom that is being read */
    bool is_encrypted;
    struct kl_pull pull;
    struct kl_decoder decoder;
    uint8_t out[3 * PIECE_BYTES + 16];
};

static void ppt_begin(void *ctx)
{
    struct ppt *p = ctx;
    p->at = p->left = 0;
}

/* Go to the next atom with text; false at the end. */
static bool next_atom(struct ppt *p)
{
    uint8_t head[HEAD_BYTES];
    size_t n = 0;

    for (;;) {
        if (kl_input_read(&p->main.in, p->at, head, sizeof(head), &n) != KL_OK) {
            p->pull.lost = KL_REASON_IO;
            return false;
        }
        if (n < sizeof(head)) {
            return false;
        }
        struct kl_rd r = kl_rd_init(kl_span_make(head, n));
        unsigned version = kl_rd_le16(&r) & 15;
        unsigned type = kl_rd_le16(&r);
        uint32_t len = kl_rd_le32(&r);
        p->at += HEAD_BYTES;
        p->is_encrypted = p->is_encrypted || type == CRYPT_SESSION;
        if (version == 15) {
            continue; /* a container: what is in it follows */
        }
        if (type == TEXT_CHARS || type == CSTRING || type == TEXT_BYTES) {
            p->decoder = kl_decoder_init(kl_codepage_by_number(type == TEXT_BYTES ? 28591 : 1200));
            p->left = len;
            return true;
        }
        p->at += len;
    }
}

static bool ppt_more(void *ctx)
{
    struct ppt *p = ctx;
    uint8_t raw[PIECE_BYTES];
    size_t n = 0;

    if (p->left == 0 && !next_atom(p)) {
        return false;
    }
    size_t want = p->left < sizeof(raw) ? (size_t)p->left : sizeof(raw);
    if (kl_input_read(&p->main.in, p->at, raw, want, &n) != KL_OK) {
        p->pull.lost = KL_REASON_IO;
        return false;
    }
    p->at += n;
    p->left = n < want ? 0 : p->left - n;
    n = kl_decoder_add(&p->decoder, kl_span_make(raw, n), p->out);
    for (size_t i = 0; i < n; i++) {
        if (p->out[i] < ' ' && p->out[i] != '\t') {
            p->out[i] = '\n'; /* 0x0D a paragraph, 0x0B a line in one */
        }
    }
    if (p->left == 0) {
        p->out[n++] = '\n';
    }
    p->pull.out = kl_span_make(p->out, n);
    return true;
}

enum kl_rc kl_ppt_extract(struct kl_emit *e, struct kl_cfb *cfb, uint32_t stream)
{
    struct ppt p = {0};

    p.pull = (struct kl_pull){.ctx = &p,
                              .begin = ppt_begin,
                              .more = ppt_more,
                              .bad_code = "ppt.atoms",
                              .claim_bytes = KL_MEMBER_UNKNOWN};
    kl_cfb_stream_open(cfb, stream, &p.main);
    /* 0 bytes stand for it: the stream is still to be read as such. */
    KL_TRY(kl_pull_extract_at(e, &p.pull, KL_SPAN_LIT("text"), 0));
    if (p.is_encrypted) {
        kl_cfb_done_set(cfb, stream);
        return kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, p.main.in.len_bytes);
    }
    return KL_OK;
}
