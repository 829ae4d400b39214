/*
 * A zip of parts that name each other, as office documents are: one part at a time is read
 * through a window of XML.
 *
 * Private to the readers of office packages (xlsx, xlsb, docx, pptx, ODF). A part is told by its
 * root element, never by its name or its content type.
 * Source: ECMA-376 part 2 (Open Packaging Conventions).
 */
#ifndef KL_EXTRACT_PACKAGE_H
#define KL_EXTRACT_PACKAGE_H

#include "extract/xml.h"
#include "extract/zip.h"

#define KL_PACKAGE_PEEK_BYTES 16384u /* looked at for the root element */

struct kl_package {
    struct kl_zip *zip;
    struct kl_emit *e;
    struct kl_xml xml;           /* kl_xml_init by the owner */
    struct kl_zip_stream stream; /* what xml reads */
};

/** Get the window; kl_package_done frees it. */
KL_MUST enum kl_rc kl_package_init(struct kl_package *p, struct kl_zip *zip);
void kl_package_done(struct kl_package *p);

/** Begin to read a member through p->xml, inside its level. */
void kl_package_open(struct kl_package *p, const struct kl_zip_member *m);
/** The same for a look at it: nothing is charged, no loss is said. */
void kl_package_peek(struct kl_package *p, const struct kl_zip_member *m);
/** Read what may be left, say what was wrong. */
KL_MUST enum kl_rc kl_package_close(struct kl_package *p);

/**
 * The root element of a member: local name, and where its attributes stand (namespaces among
 * them). Borrowed from the window; an empty name: it is not XML.
 */
KL_MUST enum kl_rc kl_package_root(struct kl_package *p, const struct kl_zip_member *m,
                                   struct kl_xml_token *out_root);

/* One relation, found by its type's last word or, when that is NULL, by its id. */
struct kl_package_wanted {
    const char *type;
    struct kl_span id;
    struct kl_zip_member *found; /* NULL: there is none */
};

/** Look for several relations of the part `from` ("": the package) in one pass; a peek. */
KL_MUST enum kl_rc kl_package_rels(struct kl_package *p, struct kl_span from,
                                   struct kl_package_wanted *w, size_t n);

typedef enum kl_rc kl_package_reader(void *ctx, const struct kl_zip_member *m);

/**
 * Enter a member's level, read it, leave; it is marked as done. One that lies too deep stays for
 * the zip reader.
 * @param note  an anomaly to say of it, or NULL
 */
KL_MUST enum kl_rc kl_package_with_level(struct kl_package *p, struct kl_zip_member *m,
                                         kl_package_reader *read, void *ctx, const char *note);

/** The same for a member whose text is all told by it: for a scan that is stopped midway. */
KL_MUST enum kl_rc kl_package_tell(struct kl_package *p, struct kl_zip_member *m,
                                   kl_package_reader *read, void *ctx, const char *note);

#endif
