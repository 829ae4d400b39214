#include "extract/zip.h"

#include <stdlib.h>

#include "extract/extract.h"
#include "extract/office.h"

#define NAMES_BYTES 16777216u /* all names of the members within the budget */

static enum kl_rc extract_all(struct kl_zip *zip)
{
    KL_TRY(kl_zip_index(zip));
    if (zip->n == 0 && zip->past_bytes == 0) {
        /* Nothing of a zip but its signature, or an empty one: the bytes themselves. */
        if (!zip->is_central || zip->in->len_bytes > zip->end_at) {
            return kl_extract_binary(zip->e, zip->in);
        }
        return KL_OK;
    }
    KL_TRY(kl_xlsx_extract(zip));
    KL_TRY(kl_office_extract(zip));
    for (size_t i = 0; i < zip->n; i++) {
        if (zip->m[i].state != KL_ZIP_STATE_DONE) {
            KL_TRY(kl_zip_extract_member(zip, &zip->m[i]));
        }
    }
    if (zip->past_bytes > 0) {
        return kl_emit_not_inspected(zip->e, KL_REASON_LIMIT, zip->past_bytes);
    }
    return KL_OK;
}

enum kl_rc kl_extract_zip(struct kl_emit *e, const struct kl_input *in)
{
    struct kl_zip zip = {.e = e, .in = in};
    KL_TRY(kl_inflate_new(&zip.z));
    kl_buf_init(&zip.names, NAMES_BYTES);
    enum kl_rc rc = extract_all(&zip);
    kl_buf_done(&zip.names);
    free(zip.m);
    kl_inflate_free(&zip.z);
    return rc;
}
