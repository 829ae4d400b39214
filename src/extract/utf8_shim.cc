// simdjson's UTF-8 validation for the C side.
#include <cstddef>
#include <cstdint>
#include <simdjson.h>

extern "C" bool kl_utf8_is_valid(const uint8_t *ptr, size_t len);

extern "C" bool kl_utf8_is_valid(const uint8_t *ptr, size_t len)
{
    return simdjson::validate_utf8(reinterpret_cast<const char *>(ptr), len);
}
