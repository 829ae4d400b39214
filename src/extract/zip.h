/*
 * The members of a zip, as its readers see them (zip itself and xlsx).
 *
 * Private to extract's zip and xlsx files; the door is kl_extract_zip. Sizes, names and
 * offsets are claims until the bytes were seen.
 * Source: APPNOTE.TXT 6.3.10 sections 4.3-4.5.
 */
#ifndef KL_EXTRACT_ZIP_H
#define KL_EXTRACT_ZIP_H

#include "base/buf.h"
#include "extract/codec.h"
#include "extract/emit.h"
#include "extract/inflate.h"

enum kl_zip_state {
    KL_ZIP_STATE_NONE = 0, /* to be read */
    KL_ZIP_STATE_DONE,
    KL_ZIP_STATE_OVERLAP, /* shares bytes with another member: refused */
    KL_ZIP_STATE_LOST,    /* no local header where one was promised */
};

struct kl_zip_member {
    uint64_t head_at;
    uint64_t data_at;
    uint64_t comp_bytes;  /* clipped to the input */
    uint64_t plain_bytes; /* a claim */
    uint64_t share_bytes; /* of the level above, that stand behind this member */
    uint32_t crc;
    uint32_t name_at; /* in kl_zip.names */
    uint16_t name_len;
    uint16_t method;
    uint16_t flags;
    uint8_t state; /* enum kl_zip_state */
    bool no_crc;
    bool no_size; /* plain_bytes is not even claimed */
    bool is_size_lie;
    bool is_mismatch; /* local and central header differ */
};

#define KL_ZIP_FLAG_ENCRYPTED 1u
#define KL_ZIP_FLAG_DESCRIPTOR 8u

struct kl_zip {
    struct kl_emit *e;
    const struct kl_input *in;
    struct kl_inflate *z; /* for one stream at a time */
    struct kl_zip_member *m;
    size_t n;
    size_t cap;
    size_t n_real; /* members before the gaps that were added as members */
    struct kl_buf names;
    uint64_t past_bytes; /* of members past the budget */
    uint64_t covered_to; /* where the central directory begins, or the input's end */
    uint64_t end_at;     /* behind the end record */
    uint64_t comment_bytes;
    bool is_central; /* the index came from a central directory */
};

/** Find the members and the gaps between them; anomalies are said on the way. */
KL_MUST enum kl_rc kl_zip_index(struct kl_zip *zip);
/* Parts of it, each in a file of its own. */
KL_MUST enum kl_rc kl_zip_index_central(struct kl_zip *zip, bool *out_found);
KL_MUST enum kl_rc kl_zip_index_local(struct kl_zip *zip);
/** Append a member (charged to the budget); KL_E_LIMIT: it was counted in past_bytes. */
KL_MUST enum kl_rc kl_zip_add(struct kl_zip *zip, const struct kl_zip_member *m,
                              struct kl_span name);

/** Borrowed until the zip is done. */
struct kl_span kl_zip_name(const struct kl_zip *zip, const struct kl_zip_member *m);

/** The member can be inflated: not encrypted, lost, refused or of an unknown method. */
bool kl_zip_is_readable(const struct kl_zip_member *m);

/** The member of this name (ASCII case and '\\' ignored), or NULL. */
struct kl_zip_member *kl_zip_find(struct kl_zip *zip, struct kl_span name);

/**
 * The member is done with: its bytes are told, but for what was lost since.
 * @param lost_before  kl_emit_lost_get before its level was entered
 */
void kl_zip_confirm(struct kl_zip *zip, const struct kl_zip_member *m, uint64_t lost_before);

/** Enter the member's level, extract it by its content, leave. */
KL_MUST enum kl_rc kl_zip_extract_member(struct kl_zip *zip, struct kl_zip_member *m);

/** What unpacks a method other than 0 and 8; KL_CODEC_NONE: nothing here does. */
enum kl_codec_kind kl_zip_codec(uint16_t method);
/** A member of such a method, inside its level. */
KL_MUST enum kl_rc kl_zip_extract_packed(struct kl_zip *zip, const struct kl_zip_member *m);

/* One member read from front to back, inside its level. */
struct kl_zip_stream {
    struct kl_zip *zip;
    const struct kl_zip_member *m;
    uint64_t got;
    uint64_t text;       /* of the emitter, when it last grew ... */
    uint64_t quiet_from; /* ... and where the stream was then */
    enum kl_reason lost; /* why the rest cannot be had; NONE: nothing is lost */
    bool is_peek;        /* a look at the head: nothing is charged */
    bool at_end;
};

void kl_zip_open(struct kl_zip *zip, const struct kl_zip_member *m, bool is_peek,
                 struct kl_zip_stream *out_s);
/** The next bytes; bad data is remembered, not returned: 0 bytes are the end either way. */
KL_MUST enum kl_rc kl_zip_read(struct kl_zip_stream *s, void *dst, size_t n, size_t *out_n);
/** Say what was wrong with the data and what was not read. */
KL_MUST enum kl_rc kl_zip_close(struct kl_zip_stream *s);

/** As xlsx when it is one: reads what it knows and marks it done. */
KL_MUST enum kl_rc kl_xlsx_extract(struct kl_zip *zip);
/** Tests: the same with every cell read the general way. */
KL_MUST enum kl_rc kl_xlsx_extract_opts(struct kl_zip *zip, bool no_fast);

#endif
