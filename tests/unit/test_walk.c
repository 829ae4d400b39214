#include "os/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kt.h"

static char root[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void make_root(void)
{
    (void)snprintf(root, sizeof root, "/tmp/kulla-walk-XXXXXX");
    if (mkdtemp(root) == NULL) {
        abort();
    }
}

static void drop_root(void)
{
    (void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *in_root(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put_file(const char *name)
{
    int fd = open(in_root(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, "x", 1) != 1) {
        abort();
    }
    (void)close(fd);
}

struct seen {
    char log[4096]; /* "F:a D… " relative paths with a letter of the kind */
    size_t n;
    int stop_after; /* 0: never */
    char last[512];
    bool in_order;
};

static enum kl_rc note(void *ctx, struct kl_walk_entry *e)
{
    static const char LETTERS[] = "?FLSUX";
    struct seen *s = ctx;
    const char *path = (const char *)e->path.ptr;
    size_t at = strlen(s->log);

    KT_EQ(strlen(path), e->path.len);
    KT_EQ(strncmp(path, root, strlen(root)), 0);
    KT_EQ(e->kind == KL_WALK_FILE, e->fd >= 0);
    KT_OK(e->kind != KL_WALK_FILE || S_ISREG(e->st.st_mode));
    s->n++;
    s->in_order = s->in_order && strcmp(s->last, path) < 0;
    (void)snprintf(s->last, sizeof s->last, "%s", path);
    if (at + e->path.len + 4 < sizeof s->log) {
        (void)snprintf(s->log + at, sizeof s->log - at, "%c:%s ", LETTERS[e->kind],
                       e->path.len > strlen(root) ? path + strlen(root) + 1 : ".");
    }
    return s->stop_after > 0 && s->n == (size_t)s->stop_after ? KL_E_LIMIT : KL_OK;
}

static struct seen walk(const char *path, const struct kl_walk_opts *opts)
{
    struct seen s;

    memset(&s, 0, sizeof s);
    s.in_order = true;
    KT_EQ(kl_walk(path, opts, note, &s, NULL), KL_OK);
    return s;
}

KT_TEST(files_come_in_the_order_of_their_names_and_directories_in_place)
{
    make_root();
    put_file("b");
    (void)mkdir(in_root("a"), 0700);
    put_file("a/z");
    put_file("a/y");
    put_file("c\xff\n");
    (void)mkdir(in_root("empty"), 0700);
    KT_STR(walk(root, NULL).log, "F:a/y F:a/z F:b F:c\xff\n ");
    KT_STR(walk(in_root("b"), NULL).log, "F:b ");
    KT_STR(walk(in_root("a/"), NULL).log, "F:a/y F:a/z ");
    KT_STR(walk(in_root("none"), NULL).log, "U:none ");
    drop_root();
}

KT_TEST(links_pipes_and_sockets_are_said_and_not_opened)
{
    struct kl_walk_opts follow = {.follow_root = true};
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    make_root();
    put_file("file");
    (void)mkdir(in_root("dir"), 0700);
    put_file("dir/inside");
    KT_EQ(symlink("file", in_root("l1")), 0);
    KT_EQ(symlink("dir", in_root("l2")), 0);
    KT_EQ(symlink("nowhere", in_root("l3")), 0);
    KT_EQ(mkfifo(in_root("pipe"), 0600), 0);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%.60s/sock", root);
    KT_EQ(bind(sock, (struct sockaddr *)&sa, sizeof sa), 0);
    KT_STR(walk(root, NULL).log, "F:dir/inside F:file L:l1 L:l2 L:l3 S:pipe S:sock ");
    KT_STR(walk(in_root("l2"), NULL).log, "L:l2 ");
    KT_STR(walk(in_root("l2"), &follow).log, "F:l2/inside ");
    KT_STR(walk(in_root("l1"), &follow).log, "F:l1 ");
    KT_STR(walk(in_root("l3"), &follow).log, "U:l3 ");
    (void)close(sock);
    drop_root();
}

KT_TEST(what_cannot_be_read_is_an_entry_and_the_walk_goes_on)
{
    make_root();
    put_file("a");
    put_file("b");
    (void)mkdir(in_root("d"), 0700);
    (void)chmod(in_root("a"), 0);
    (void)chmod(in_root("d"), 0);
    if (geteuid() == 0) {
        (void)chmod(root, 0755);
        (void)chmod(in_root("b"), 0644);
        KT_EQ(seteuid(65534), 0);
        KT_STR(walk(root, NULL).log, "U:a F:b U:d ");
        KT_EQ(seteuid(0), 0);
    } else {
        KT_STR(walk(root, NULL).log, "U:a F:b U:d ");
    }
    (void)chmod(in_root("d"), 0700);
    drop_root();
}

KT_TEST(a_directory_larger_than_the_budget_is_walked_in_order_and_whole)
{
    struct kl_walk_opts small = {.names_bytes = 1};

    make_root();
    for (unsigned i = 0; i < 5000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%08x", i * 2654435761u);
        put_file(name);
    }
    struct seen s = walk(root, &small);
    KT_EQ(s.n, 5000);
    KT_OK(s.in_order);
    s = walk(root, NULL);
    KT_EQ(s.n, 5000);
    KT_OK(s.in_order);
    drop_root();
}

KT_TEST(depth_ends_at_the_limit_and_is_said)
{
    char path[64];

    make_root();
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* The root is level 1; a directory below level KL_WALK_MAX_DEPTH is not entered. */
    for (unsigned i = 1; i <= KL_WALK_MAX_DEPTH && fd >= 0; i++) {
        (void)snprintf(path, sizeof path, "d");
        KT_EQ(mkdirat(fd, path, 0700), 0);
        int next = openat(fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (i == KL_WALK_MAX_DEPTH - 1) {
            (void)close(openat(next, "deep", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        }
        (void)close(fd);
        fd = next;
    }
    (void)close(openat(fd, "too-deep", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    (void)close(fd);
    struct seen s = walk(root, NULL);
    KT_EQ(s.n, 2);
    KT_OK(strstr(s.log, "X:d/d/") != NULL && strstr(s.log, "/deep ") != NULL);
    drop_root();
}

KT_TEST(the_callback_can_end_the_walk_and_keep_a_file)
{
    struct seen s;

    make_root();
    put_file("a");
    put_file("b");
    memset(&s, 0, sizeof s);
    s.stop_after = 1;
    KT_EQ(kl_walk(root, NULL, note, &s, NULL), KL_E_LIMIT);
    KT_EQ(s.n, 1);
    drop_root();
}

static unsigned open_fds(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");

    while (d != NULL && readdir(d) != NULL) {
        n++;
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n;
}

KT_TEST(no_descriptor_is_left_open)
{
    unsigned before = open_fds();

    make_root();
    (void)mkdir(in_root("d"), 0700);
    put_file("d/a");
    (void)walk(root, NULL);
    drop_root();
    KT_EQ(open_fds(), before);
}

KT_MAIN()
