#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/cage.h"

/*
 * Landlock as of ABI 6, written out: Debian 12 has no wrapper and its header ends at ABI 3.
 * Source: Documentation/userspace-api/landlock.rst of the kernel.
 */
#define SYS_LANDLOCK_CREATE 444
#define SYS_LANDLOCK_ADD 445
#define SYS_LANDLOCK_RESTRICT 446
#define LANDLOCK_ASK_VERSION 1u
#define LANDLOCK_RULE_BELOW 1
#define LANDLOCK_FS_EXECUTE (1ull << 0)
#define LANDLOCK_FS_WRITE_FILE (1ull << 1)
#define LANDLOCK_FS_READ_FILE (1ull << 2)
#define LANDLOCK_FS_READ_DIR (1ull << 3)
#define LANDLOCK_FS_ABI1 ((1ull << 13) - 1) /* execute … make_sym */
#define LANDLOCK_FS_REFER (1ull << 13)      /* ABI 2 */
#define LANDLOCK_FS_TRUNCATE (1ull << 14)   /* ABI 3 */
#define LANDLOCK_FS_IOCTL (1ull << 15)      /* ABI 5 */
#define LANDLOCK_FS_OF_FILES                                                                       \
    (LANDLOCK_FS_EXECUTE | LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_READ_FILE | LANDLOCK_FS_TRUNCATE | \
     LANDLOCK_FS_IOCTL)
#define LANDLOCK_NET_TCP 3ull   /* ABI 4: bind, connect */
#define LANDLOCK_SCOPE_ALL 3ull /* ABI 6: abstract unix sockets, signals */

struct landlock_rules {
    uint64_t fs;
    uint64_t net;   /* ABI 4 */
    uint64_t scope; /* ABI 6 */
};

struct landlock_below {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

static size_t rules_for(long abi, struct landlock_rules *out_rules, unsigned *out_bits)
{
    size_t len = offsetof(struct landlock_rules, net);

    *out_rules = (struct landlock_rules){LANDLOCK_FS_ABI1, 0, 0};
    *out_bits |= (unsigned)KL_CAGE_FILES;
    if (abi >= 2) {
        out_rules->fs |= LANDLOCK_FS_REFER;
    }
    if (abi >= 3) {
        out_rules->fs |= LANDLOCK_FS_TRUNCATE;
    }
    if (abi >= 4) {
        out_rules->net = LANDLOCK_NET_TCP;
        len = offsetof(struct landlock_rules, scope);
        *out_bits |= (unsigned)KL_CAGE_NET;
    }
    if (abi >= 5) {
        out_rules->fs |= LANDLOCK_FS_IOCTL;
    }
    if (abi >= 6) {
        out_rules->scope = LANDLOCK_SCOPE_ALL;
        len = sizeof *out_rules;
        *out_bits |= (unsigned)KL_CAGE_SCOPE;
    }
    return len;
}

static uint64_t rights_of(unsigned use, uint64_t known)
{
    uint64_t rights = 0;

    if ((use & KL_LANDLOCK_READ) != 0) {
        rights |= LANDLOCK_FS_READ_FILE | LANDLOCK_FS_READ_DIR;
    }
    if ((use & KL_LANDLOCK_EXECUTE) != 0) {
        rights |= LANDLOCK_FS_EXECUTE | LANDLOCK_FS_READ_FILE;
    }
    if ((use & KL_LANDLOCK_WRITE) != 0) {
        rights |= known & ~(LANDLOCK_FS_EXECUTE | LANDLOCK_FS_IOCTL);
    }
    return rights & known;
}

static enum kl_rc add_path(int rules_fd, const struct kl_landlock_path *p, uint64_t known)
{
    struct landlock_below below = {rights_of(p->use, known), p->fd};
    struct stat st;

    if (p->fd < 0) {
        below.parent_fd = open(p->path, O_PATH | O_CLOEXEC);
        if (below.parent_fd < 0) {
            return errno == ENOENT ? KL_OK : KL_E_IO;
        }
    }
    long rc = fstat(below.parent_fd, &st);
    if (rc == 0) {
        below.allowed &= S_ISDIR(st.st_mode) ? UINT64_MAX : LANDLOCK_FS_OF_FILES;
        rc = syscall(SYS_LANDLOCK_ADD, rules_fd, LANDLOCK_RULE_BELOW, &below, 0u);
    }
    int saved = errno;
    if (p->fd < 0) {
        (void)close(below.parent_fd);
    }
    errno = saved;
    /* A memory file has no place in the file system and needs no rule. */
    return rc == 0 || (p->fd >= 0 && errno == EBADFD) ? KL_OK : KL_E_IO;
}

enum kl_rc kl_landlock_keep(const struct kl_landlock_path *paths, size_t n, unsigned *out_bits)
{
    struct landlock_rules rules;

    long abi = syscall(SYS_LANDLOCK_CREATE, NULL, (size_t)0, LANDLOCK_ASK_VERSION);
    if (abi < 1) {
        return KL_OK;
    }
    size_t len = rules_for(abi, &rules, out_bits);
    long fd = syscall(SYS_LANDLOCK_CREATE, &rules, len, 0u);
    if (fd < 0) {
        return KL_E_IO;
    }
    enum kl_rc rc = KL_OK;
    for (size_t i = 0; i < n && rc == KL_OK; i++) {
        rc = add_path((int)fd, &paths[i], rules.fs);
    }
    if (rc == KL_OK && syscall(SYS_LANDLOCK_RESTRICT, (int)fd, 0u) != 0) {
        rc = KL_E_IO;
    }
    int saved = errno;
    (void)close((int)fd);
    errno = saved;
    return rc;
}
