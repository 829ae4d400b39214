/*
 * The headers of a rar archive, versions 4 and 5: what the library that unpacks it does not tell
 * reliably (encrypted members, volumes, where it ends).
 * Sources: technote.txt of RAR 4 (unrar), "RAR 5.0 archive format" (rarlab).
 * Thread rule: pure but for its arguments.
 */
#ifndef KL_EXTRACT_RAR_H
#define KL_EXTRACT_RAR_H

#include "extract/input.h"

struct kl_rar_file {
    uint64_t packed_bytes;
    bool is_encrypted;
};

struct kl_rar {
    struct kl_rar_file *files; /* in order; owned */
    size_t n_files;
    size_t cap;
    uint64_t end_at; /* behind the end block; the input's end when there is none */
    bool is_header_encrypted;
    bool is_volume;
};

/** Version by signature: 0 (none), 4 or 5. */
unsigned kl_rar_version(struct kl_span head);

/**
 * Walk the headers, at most KL_MAX_MEMBERS files. Damage ends the walk.
 * @return KL_E_NOMEM, KL_E_IO; call kl_rar_done in any case
 */
KL_MUST enum kl_rc kl_rar_scan(const struct kl_input *in, unsigned version, struct kl_rar *out_r);
void kl_rar_done(struct kl_rar *r);

#endif
