/*
 * RTF: any bytes.
 * Targets: kl_extract_rtf, kl_rtf_add.
 * Properties: inspected + not inspected = seen; text is valid UTF-8.
 */
#include "fuzz_extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)fuzz_extract(kl_extract_rtf, data, size);
    return 0;
}
