/* Whether this build carries a sanitizer's run time, which needs more of the system than we do. */
#ifndef KL_OS_SANITIZER_H
#define KL_OS_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KL_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define KL_SANITIZER 1
#endif
#endif
#ifndef KL_SANITIZER
#define KL_SANITIZER 0
#endif

#endif
