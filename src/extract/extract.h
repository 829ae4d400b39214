/*
 * The extract role's work: a document's bytes to events.
 * Type by content, never by name. Runs in the sandboxed worker; in-process in tests only.
 */
#ifndef KL_EXTRACT_EXTRACT_H
#define KL_EXTRACT_EXTRACT_H

#include "extract/emit.h"
#include "extract/input.h"

enum kl_format {
    KL_FORMAT_NONE = 0, /* empty */
    KL_FORMAT_TEXT,     /* any encoding */
    KL_FORMAT_BINARY,   /* unknown, or with its text as it is: 8-bit and UTF-16 views */
    KL_FORMAT_PACKED,   /* known, compressed or encrypted, not read: NOT_INSPECTED(format) */
    KL_FORMAT_ZIP,      /* zip of any kind; an .xlsx is told apart by its members */
    KL_FORMAT_JET,      /* Microsoft Access */
    KL_FORMAT_SQLITE,
    KL_FORMAT_SQLITE_LOG, /* write-ahead log or journal */
    KL_FORMAT_DBF,        /* dBASE, FoxPro */
    KL_FORMAT_PGDUMP,     /* PostgreSQL archive */
    KL_FORMAT_PARQUET,    /* known, not read: NOT_INSPECTED(format), its bytes are viewed */
    KL_FORMAT_AVRO,       /* the same */
    KL_FORMAT_OLE2,       /* compound file: old Office, Outlook messages, encrypted packages */
    KL_FORMAT_FLAT,       /* an office document that is one XML file: fods, Word and Excel 2003 */
    KL_FORMAT_XLS,        /* Excel 2-4, or the records of a later workbook without their file */
    /* Containers, stream.c and archives.c: from COMPRESS to LHA what libarchive reads. */
    KL_FORMAT_STREAM, /* one compressed file: kl_codec_of says which */
    KL_FORMAT_COMPRESS,
    KL_FORMAT_7Z,
    KL_FORMAT_RAR, /* version 4 and older */
    KL_FORMAT_RAR5,
    KL_FORMAT_TAR,
    KL_FORMAT_CPIO,
    KL_FORMAT_AR,
    KL_FORMAT_CAB,
    KL_FORMAT_LHA,
    KL_FORMAT_OPENPGP,
    KL_FORMAT_ENCRYPTED, /* age, LUKS, CMS enveloped: nothing to be seen without a key */
    KL_FORMAT_PDF,
    KL_FORMAT_IMAGE, /* a picture that tesseract reads: PNG, JPEG, TIFF, GIF, WebP, BMP, PNM */
    KL_FORMAT_HEIF,  /* a picture as telephones make it: HEIC, AVIF */
    KL_FORMAT_PST,   /* Outlook's store */
    KL_FORMAT_MAIL,  /* a message or an mbox */
    KL_FORMAT_TNEF,  /* winmail.dat */
    KL_FORMAT_ROWS,  /* HTML, XML, JSON over many lines, vCards: rows.h */
    KL_FORMAT_RTF,
};

/** Type of a document from its first bytes (up to 4096 are given). Pure. */
enum kl_format kl_sniff(struct kl_span head);

/**
 * Extract one document: kl_emit_start .. kl_emit_finish. Bad input becomes anomalies and
 * bytes not inspected; only a lost reader (KL_E_IO) or KL_E_NOMEM is returned.
 */
KL_MUST enum kl_rc kl_extract_document(struct kl_emit *e, const struct kl_input *in);

/**
 * Extract what lies inside: called by containers for each member, and by decoders for a
 * decoded run, inside a kl_emit_enter level. Opens its own part(s).
 */
KL_MUST enum kl_rc kl_extract_nested(struct kl_emit *e, const struct kl_input *in);

/* One reader per format; each opens its own part(s). */
KL_MUST enum kl_rc kl_extract_text(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_binary(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_zip(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_jet(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_sqlite(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_sqlite_log(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_dbf(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_pgdump(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_flat(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_xls(struct kl_emit *e, const struct kl_input *in);
/** An image of a CD or DVD: its signature lies behind the head, kl_extract_nested looks for it. */
KL_MUST enum kl_rc kl_extract_iso(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_openpgp(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_stream(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_archive(struct kl_emit *e, const struct kl_input *in,
                                      enum kl_format format);
KL_MUST enum kl_rc kl_extract_pdf(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_image(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_mail(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_ole2(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_tnef(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_rows(struct kl_emit *e, const struct kl_input *in);
KL_MUST enum kl_rc kl_extract_rtf(struct kl_emit *e, const struct kl_input *in);

#endif
