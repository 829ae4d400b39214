/*
 * Every limit of kulla in one place: unit, value, why, and the anomaly raised.
 * docs/LIMITS.md and kulla-limits(7) are generated from these lines
 * (tools/limits_table): keep the form  NAME value  / * unit: why; anomaly * /.
 */
#ifndef KL_BASE_LIMITS_H
#define KL_BASE_LIMITS_H

#define KL_BLOCK_BYTES 131072u        /* bytes: a text block of the channel; stays in L2 */
#define KL_BLOCK_SLOTS 16u            /* blocks: in flight between extract and inspect */
#define KL_MAX_NESTING 32u            /* levels: containers in containers; limit.nesting */
#define KL_MAX_MEMBERS 10000u         /* members: of all containers of a document; limit.members */
#define KL_MAX_MAIL_PARTS 10000u      /* parts: of a message; the rest is read raw, limit.parts */
#define KL_MAX_RATIO 1200u            /* expanded/raw: deflate itself ends at 1032; limit.ratio */
#define KL_MAX_EXPANDED 4294967296ull /* bytes: expanded from one document; limit.expanded */
#define KL_MAX_WHOLE_MEMBER 33554432u /* bytes: inflated in one piece; above it is streamed */
#define KL_MAX_CODEC_BYTES 134217728u /* bytes: held to unpack one stream; limit.codec */
#define KL_MAX_REPLAYED 2147483648ull /* bytes: unpacked again to go back; limit.replayed */
#define KL_MAX_SEARCHED 268435456u    /* bytes: of a file searched for an archive behind its head */
#define KL_MAX_PASSWORDS 1000u        /* passwords: given to one scan */
#define KL_MAX_PASSWORD_BYTES 127u    /* bytes: of a password */
#define KL_MAX_WORDS 256u             /* words: of a document that are tried as passwords */
#define KL_MAX_PASSWORD_TRIES 2000u   /* tries: in one document; limit.passwords */
#define KL_MAX_PASSWORD_HASHES                                                                     \
    200000000u                       /* hashes: of all tries in one document; limit.passwords */
#define KL_MAX_WORD_HASHES 25000000u /* hashes: of tries of its own words; limit.passwords */
#define KL_MAX_QUIET 201326592u      /* bytes: of a package's part without text; limit.quiet */
#define KL_MAX_RUN 536870912u      /* bytes: of one value in a row in a packed member; limit.run */
#define KL_MAX_SST_BYTES 67108864u /* bytes: shared strings held; limit.sst */
#define KL_MAX_PATH_BYTES 4096u    /* bytes: a container path in a finding; cut, path.long */
#define KL_MAX_CELL_BYTES 255u     /* bytes: a folded cell that is fingerprinted; longer is cut */
#define KL_MAX_COLUMNS 60u         /* columns: fingerprinted in one register */
#define KL_MAX_ANCHORS 16u         /* anchors: key columns plus tuples of one register */
#define KL_MAX_INDEXES 64u         /* indexes: given to one scan */
#define KL_MAX_OUTSIDE_BYTES                                                                       \
    67108864u                       /* bytes: of a member for an outside program; limit.outside */
#define KL_MAX_OUTSIDE 1000u        /* files: of one document for outside programs; limit.outside */
#define KL_TOOL_BYTES 1073741824ull /* bytes: address space of an outside program; crash */
#define KL_TOOL_OUT_BYTES 268435456u /* bytes: output of an outside program; crash */
#define KL_TOOL_SECONDS 60u          /* seconds: of one outside program; timeout */
#define KL_OCR_SECONDS 300u        /* seconds: of reading the pictures of one document; limit.ocr */
#define KL_MAX_OCR_PAGES 200u      /* pages: read as pictures in one document; limit.ocr */
#define KL_DOCUMENT_SECONDS 60u    /* seconds: without progress from extract; timeout */
#define KL_WORKER_BYTES 402653184u /* bytes: address space of an extract worker; crash */

#endif
