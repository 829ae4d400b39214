/*
 * A compound file and what is in it: messages, Word, PowerPoint, members. Any bytes.
 * Targets: kl_extract_ole2, kl_msg_extract, kl_lzfu_extract, kl_doc_extract, kl_ppt_extract,
 * kl_office_unlock.
 * Properties: inspected + not inspected = seen; text is valid UTF-8; no more text than so many
 * times the file, whatever its tables say.
 */
#include "fuzz_extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t text = fuzz_extract(kl_extract_ole2, data, size);
    assert(text <= 200 * (uint64_t)size + 65536);
    return 0;
}
