/*
 * XML as office packages hold it: a forgiving tokenizer over a sliding window.
 *
 * Namespaces are ignored: names are local names ("x:c" is "c"). Comments, processing
 * instructions and the document type are skipped, entities of the document type are not
 * expanded. What is not XML comes out as text: nothing is dropped. UTF-8 and UTF-16.
 * Thread rule: one window, one thread.
 */
#ifndef KL_EXTRACT_XML_H
#define KL_EXTRACT_XML_H

#include "base/result.h"
#include "base/span.h"

#define KL_XML_WINDOW_BYTES 262144u
#define KL_XML_PAD 64u /* readable zero bytes behind a window */

/* Where the bytes come from: as kl_input_read without an offset; 0 bytes are the end. */
struct kl_xml_feed {
    void *ctx;
    enum kl_rc (*read)(void *ctx, void *dst, size_t n, size_t *out_n);
};

struct kl_xml {
    struct kl_xml_feed feed;
    uint8_t *buf;       /* KL_XML_WINDOW_BYTES + KL_XML_PAD */
    const uint8_t *p;   /* next byte */
    const uint8_t *end; /* the window's end; KL_XML_PAD zero bytes follow */
    bool eof;           /* nothing comes after `end` */
    bool has_doctype;
    bool has_long_tag; /* a tag longer than the window was read as text */
    uint8_t wide;      /* 0 not known yet, 1 UTF-8, 2 UTF-16LE, 3 UTF-16BE */
    uint8_t inside;    /* a construct longer than the window goes on */
    uint8_t n_odd;     /* raw UTF-16 bytes waiting for the rest of their character */
    uint8_t odd[4];
};

enum kl_xml_kind {
    KL_XML_NONE = 0, /* the end */
    KL_XML_START,
    KL_XML_END,
    KL_XML_TEXT,  /* raw: decode it with kl_xml_decode */
    KL_XML_CDATA, /* as it stands */
};

struct kl_xml_token {
    enum kl_xml_kind kind;
    bool is_empty;        /* START of <x/>: no END follows */
    struct kl_span name;  /* local name */
    struct kl_span attrs; /* START: what stands between name and '>' */
    struct kl_span text;  /* TEXT, CDATA: a piece; characters and entities are whole */
};

/** A window over the feed; `buf` is freed by kl_xml_done. */
KL_MUST enum kl_rc kl_xml_init(struct kl_xml *x, struct kl_xml_feed feed);
void kl_xml_done(struct kl_xml *x);

/** Begin anew on another feed with the same memory. */
void kl_xml_start(struct kl_xml *x, struct kl_xml_feed feed);

/** Move what is left to the front and fill up. Views into the window are lost. */
KL_MUST enum kl_rc kl_xml_more(struct kl_xml *x);

/** The next token; its views hold until the next call. */
KL_MUST enum kl_rc kl_xml_next(struct kl_xml *x, struct kl_xml_token *out_t);

/** The raw value of the attribute with this local name, or false. */
bool kl_xml_attr(struct kl_span attrs, const char *name, struct kl_span *out_value);

/** The next attribute from *at on. */
bool kl_xml_attr_next(struct kl_span attrs, size_t *at, struct kl_span *out_name,
                      struct kl_span *out_value);

/** The attribute's value is "1", "true" or "on". */
bool kl_xml_attr_is_true(struct kl_span attrs, const char *name);

/** Length of a first piece of s, about n bytes, that tears no character or entity apart. */
size_t kl_xml_piece(struct kl_span s, size_t n);

#define KL_XML_RAW 1u     /* CDATA: no entities */
#define KL_XML_ESCAPES 2u /* _xHHHH_ of spreadsheets */

/**
 * Text as it is meant: entities decoded, controls and line ends turned into spaces, what
 * is not UTF-8 into U+FFFD.
 * @param raw  KL_XML_PAD readable bytes behind it
 * @param dst  room for 3 * raw.len + 32
 * @return bytes written
 */
size_t kl_xml_decode(struct kl_span raw, unsigned flags, uint8_t *dst);

/** The same without vector instructions, and for spans without readable bytes behind. */
size_t kl_xml_decode_portable(struct kl_span raw, unsigned flags, uint8_t *dst);

#endif
