/*
 * Shared by mail.c (messages and their parts), mail_body.c (the bytes of a part) and
 * mail_stop.c (where they end).
 */
#ifndef KL_EXTRACT_MAIL_INT_H
#define KL_EXTRACT_MAIL_INT_H

#include "extract/emit.h"
#include "extract/mail_head.h"
#include "extract/mail_lines.h"

#define KL_MAIL_FRAMES 32u /* multiparts in multiparts of one message */

/* What ended a stretch of lines. */
enum kl_mail_stop {
    KL_MAIL_STOP_NONE = 0,
    KL_MAIL_STOP_END,      /* of the input */
    KL_MAIL_STOP_BOUNDARY, /* of frame `stop_frame`; its line was taken */
    KL_MAIL_STOP_FROM,     /* the next message of an mbox; its line comes again */
    KL_MAIL_STOP_UU,       /* a file in the text begins; its line comes again */
    KL_MAIL_STOP_YENC,
    KL_MAIL_STOP_FILE_END, /* that file's end; its line was taken */
};

/* A multipart that is open. */
struct kl_mail_frame {
    unsigned n_parts;
    unsigned n_boundaries;
    struct kl_mail_name boundary[2];
};

struct kl_mail {
    struct kl_emit *e;
    struct kl_lines lines;
    bool is_mbox;
    bool is_blank;         /* the line before was empty */
    bool is_preamble;      /* in front of the first boundary: a better one may be found */
    uint64_t no_from_till; /* no message begins before: a Content-Length that proved true */
    enum kl_mail_stop stop;
    unsigned stop_frame;
    bool stop_is_close;
    bool is_guess;    /* a boundary was found that was not said */
    unsigned n_parts; /* of the message */
    unsigned n_frames;
    struct kl_buf head_raw;  /* one header, as it stands */
    struct kl_buf head_text; /* all headers, decoded, not yet put out */
    struct kl_mail_head head;
    struct kl_mail_frame frames[KL_MAIL_FRAMES];
};

/* What a line may end, beside boundaries and messages. */
enum kl_mail_within {
    KL_MAIL_WITHIN_OTHER = 0,
    KL_MAIL_WITHIN_TEXT, /* files may stand in it */
    KL_MAIL_WITHIN_UU,
    KL_MAIL_WITHIN_YENC,
};

/** Whether this line (a start) ends the stretch; m->stop and its like are set. */
bool kl_mail_stops(struct kl_mail *m, const struct kl_line *line, enum kl_mail_within within);

/** Remember what the next line must know of this one. */
static inline void kl_mail_passed(struct kl_mail *m, const struct kl_line *line)
{
    m->is_blank = line->is_start && line->is_whole && line->text.len <= 2 &&
                  (line->text.ptr[0] == '\n' || line->text.ptr[0] == '\r');
}

/* How the bytes of a part are had. */
struct kl_mail_how {
    enum kl_mail_coding coding;
    struct kl_codepage charset;
    enum kl_mail_within within;
    bool is_text; /* its words may be passwords of what comes behind it */
    bool is_flowed;
    bool is_delsp;
    bool is_encrypted;
};

/**
 * Extract what stands from the next line on up to where it stops, as the level `name`.
 * Blank text makes no level when `skip_blank` is set.
 */
KL_MUST enum kl_rc kl_mail_body(struct kl_mail *m, const struct kl_mail_how *how,
                                struct kl_span name, bool skip_blank);

#endif
