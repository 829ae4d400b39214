#include "os/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kt.h"

static char dir[64];

static const char *path_of(const char *name)
{
    static char path[400];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static unsigned names_in_dir(void)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    const struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n;
}

static bool holds(const char *name, const char *want)
{
    char got[64] = {0};
    int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, got, sizeof got - 1);
    (void)close(fd);
    return n == (ssize_t)strlen(want) && strcmp(got, want) == 0;
}

static void begin(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/kulla-atomic-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        abort();
    }
}

static void end(void)
{
    (void)unlink(path_of("out"));
    KT_EQ(rmdir(dir), 0); /* nothing else was left */
}

static enum kl_rc write_out(const char *text, struct kl_err *err)
{
    struct kl_atomic_file *f = NULL;

    enum kl_rc rc = kl_atomic_file_new(path_of("out"), 0600, &f, err);
    if (rc == KL_OK) {
        rc = kl_atomic_file_write(f, kl_span_str(text), err);
    }
    if (rc == KL_OK) {
        rc = kl_atomic_file_commit(f, err);
    }
    kl_atomic_file_free(&f);
    return rc;
}

KT_TEST(a_file_appears_at_the_commit_and_replaces_the_old_one)
{
    struct kl_atomic_file *f = NULL;
    struct stat st;

    begin();
    KT_EQ(write_out("old", NULL), KL_OK);
    KT_EQ(kl_atomic_file_new(path_of("out"), 0600, &f, NULL), KL_OK);
    KT_EQ(kl_atomic_file_write(f, KL_SPAN_LIT("neW!"), NULL), KL_OK);
    KT_EQ(kl_atomic_file_write_at(f, 2, KL_SPAN_LIT("w"), NULL), KL_OK);
    KT_OK(holds("out", "old"));
    KT_EQ(kl_atomic_file_commit(f, NULL), KL_OK);
    KT_OK(holds("out", "new!"));
    kl_atomic_file_free(&f);
    KT_OK(f == NULL && holds("out", "new!"));
    KT_EQ(stat(path_of("out"), &st), 0);
    KT_EQ(st.st_mode & 0777, 0600);
    KT_EQ(names_in_dir(), 1);
    end();
}

KT_TEST(without_a_commit_nothing_remains)
{
    struct kl_atomic_file *f = NULL;

    begin();
    KT_EQ(kl_atomic_file_new(path_of("out"), 0600, &f, NULL), KL_OK);
    KT_EQ(kl_atomic_file_write(f, KL_SPAN_LIT("half"), NULL), KL_OK);
    kl_atomic_file_free(&f);
    KT_EQ(names_in_dir(), 0);
    end();
}

KT_TEST(what_is_not_a_regular_file_is_not_replaced)
{
    struct kl_atomic_file *f = NULL;
    struct kl_err err = {.rc = KL_OK};

    begin();
    KT_EQ(kl_atomic_file_new("/dev/null", 0600, &f, &err), KL_E_FORMAT);
    KT_EQ(kl_atomic_file_new(dir, 0600, &f, NULL), KL_E_FORMAT);
    KT_EQ(symlink("elsewhere", path_of("out")), 0);
    KT_EQ(kl_atomic_file_new(path_of("out"), 0600, &f, NULL), KL_E_FORMAT);
    KT_EQ(kl_atomic_file_new("", 0600, &f, NULL), KL_E_FORMAT);
    KT_EQ(kl_atomic_file_new(path_of(""), 0600, &f, NULL), KL_E_FORMAT);
    KT_EQ(kl_atomic_file_new(path_of(".."), 0600, &f, NULL), KL_E_FORMAT);
    KT_EQ(kl_atomic_file_new(path_of("no/such"), 0600, &f, NULL), KL_E_IO);
    KT_OK(f == NULL);
    end();
}

KT_TEST(the_longest_name_works_and_a_longer_one_is_refused)
{
    char name[300];
    struct kl_atomic_file *f = NULL;

    begin();
    memset(name, 'n', sizeof name);
    name[255] = '\0';
    KT_EQ(kl_atomic_file_new(path_of(name), 0600, &f, NULL), KL_OK);
    KT_EQ(kl_atomic_file_commit(f, NULL), KL_OK);
    kl_atomic_file_free(&f);
    KT_EQ(unlink(path_of(name)), 0);
    name[255] = 'n';
    name[256] = '\0';
    KT_EQ(kl_atomic_file_new(path_of(name), 0600, &f, NULL), KL_E_FORMAT);
    end();
}

KT_TEST(a_write_that_fails_leaves_the_old_file)
{
    struct kl_err err = {.rc = KL_OK};
    struct rlimit old;

    begin();
    KT_EQ(write_out("old", NULL), KL_OK);
    KT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit tiny = {2, old.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    KT_EQ(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    KT_EQ(write_out("longer", &err), KL_E_IO);
    KT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    KT_EQ(err.sys_errno, EFBIG);
    KT_OK(strstr(err.what, "ulimit") != NULL);
    KT_OK(holds("out", "old"));
    KT_EQ(names_in_dir(), 1);
    end();
}

KT_TEST(a_full_disk_is_said_plainly_and_leaves_the_old_file)
{
    struct kl_err err = {.rc = KL_OK};
    static char big[1 << 20];

    begin();
    if (mount("none", dir, "tmpfs", 0, "size=256k") != 0) {
        (void)rmdir(dir);
        KT_SKIP("mounting a small file system needs root");
    }
    KT_EQ(write_out("old", NULL), KL_OK);
    memset(big, 'b', sizeof big - 1);
    KT_EQ(write_out(big, &err), KL_E_IO);
    KT_EQ(err.sys_errno, ENOSPC);
    KT_OK(strstr(err.what, "the disk is full") != NULL);
    KT_OK(holds("out", "old"));
    KT_EQ(names_in_dir(), 1);
    KT_EQ(umount(dir), 0);
    end();
}

KT_MAIN()
