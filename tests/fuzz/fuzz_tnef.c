/*
 * winmail.dat: any bytes.
 * Targets: kl_extract_tnef, kl_lzfu_extract.
 * Properties: inspected + not inspected = seen; text is valid UTF-8.
 */
#include "fuzz_extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)fuzz_extract(kl_extract_tnef, data, size);
    return 0;
}
