/*
 * A mail or an mbox: any bytes, read as such whatever they look like.
 * Targets: kl_extract_mail and all that a part may be.
 * Properties: inspected + not inspected = seen; parts do not overlap; text is valid UTF-8.
 */
#include "fuzz_extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)fuzz_extract(kl_extract_mail, data, size);
    return 0;
}
