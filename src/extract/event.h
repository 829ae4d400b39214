/*
 * What the extract role says of a document, in order:
 *   (PART_BEGIN (BLOCK | ANOMALY | NOT_INSPECTED)* PART_END)* DONE
 * Parts do not overlap: a container's member is a part of its own, its path holds the
 * containers' names ("a.zip/lista.xlsx/xl/worksheets/sheet1.xml").
 *
 * A BLOCK is valid UTF-8 text (bytes that could not be decoded are U+FFFD), at most
 * KL_BLOCK_BYTES, cut behind a record end ('\n', else '}' ')' ';' ',' ' ') where one is near.
 * In a TABLE part a record is a line and its cells are separated by '\t'; tabs and line ends inside
 * a cell were turned into spaces; the n-th line is the n-th row written (rows may be absent in the
 * source). In a TEXT part the text is as the document has it. The blocks of an outside part are raw
 * bytes, not text; one at the document's own level (path "") has none: it is the document itself.
 */
#ifndef KL_EXTRACT_EVENT_H
#define KL_EXTRACT_EVENT_H

#include "base/span.h"

enum kl_event_kind {
    KL_EVENT_NONE = 0,
    KL_EVENT_PART_BEGIN, /* text = path, part_kind, inspected; of an outside part also bytes */
    KL_EVENT_BLOCK,      /* text, at_byte, inspected */
    KL_EVENT_PART_END,
    KL_EVENT_ANOMALY,       /* text = path, code */
    KL_EVENT_NOT_INSPECTED, /* text = path, reason, bytes */
    KL_EVENT_DONE,          /* seen = inspected + not_inspected, in bytes of the document's file */
};

enum kl_part_kind {
    KL_PART_NONE = 0,
    KL_PART_TEXT,  /* text as it stands: lines, CSV, JSON, SQL, mail */
    KL_PART_TABLE, /* cells by tab, rows by line end */
    /* From here on: a file that a program of others reads (os/tool.h); blocks are its bytes. */
    KL_PART_PDF,
    KL_PART_PDF_LOCKED, /* a PDF that says it is encrypted; often the empty password opens it */
    KL_PART_IMAGE,
    KL_PART_HEIF, /* a picture that is decoded by one program and read by another */
    KL_PART_PST,
    KL_PART_LAST = KL_PART_PST,
};

static inline bool kl_part_is_outside(enum kl_part_kind kind)
{
    return kind >= KL_PART_PDF;
}

/* Why bytes were not inspected. */
enum kl_reason {
    KL_REASON_NONE = 0,
    KL_REASON_ENCRYPTED,
    KL_REASON_FORMAT,  /* a format not read, or malformed beyond repair */
    KL_REASON_LIMIT,   /* a limit of base/limits.h */
    KL_REASON_TIMEOUT, /* the worker made no progress */
    KL_REASON_CRASH,   /* the worker died */
    KL_REASON_IO,      /* unreadable: permissions, media */
    KL_REASON_CHANGED, /* the file changed while it was read */
    KL_REASON_SPECIAL, /* device, socket, pipe, symbolic link */
    KL_REASON_STOPPED, /* Ctrl-C */
};

/** "encrypted", "format", …: the names of the JSON output; static storage. */
const char *kl_reason_name(enum kl_reason reason);

/* Anomaly codes are short dotted words of ours ("zip.size_lie", "charset.mixed"). */
#define KL_ANOMALY_BYTES 32

struct kl_event {
    enum kl_event_kind kind;
    enum kl_part_kind part_kind;
    enum kl_reason reason;
    char code[KL_ANOMALY_BYTES];
    struct kl_span text;    /* borrowed until the next event is asked for */
    uint64_t at_byte;       /* BLOCK: offset of its first byte in the part (of decoded text) */
    uint64_t bytes;         /* NOT_INSPECTED: how many, in the member's own bytes; PART_BEGIN of an
                               outside part: how many of the document's file stand behind it */
    uint64_t seen;          /* DONE */
    uint64_t inspected;     /* DONE; PART_BEGIN, BLOCK: of the document's file, at least so many
                               bytes are told by all events up to this one */
    uint64_t not_inspected; /* DONE */
};

#endif
