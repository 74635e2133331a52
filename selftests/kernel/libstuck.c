// SPDX-License-Identifier: GPL-2.0
/* Memory and directories that let whoever comes to them wait. */
#include "lib.h"

#include <linux/userfaultfd.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE	4096

/* Memory that stays away until stuck_end(); false: this kernel cannot. */
bool stuck_page(struct stuck *s)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (access("/proc/sys/vm/unprivileged_userfaultfd", F_OK))
		return false;
	s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	KZ_CHECK(s->uffd >= 0);
	s->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	KZ_CHECK(s->page != MAP_FAILED);
	KZ_CHECK(!ioctl(s->uffd, UFFDIO_API, &api));
	reg.range.start = (unsigned long)s->page;
	reg.range.len = PAGE;
	KZ_CHECK(!ioctl(s->uffd, UFFDIO_REGISTER, &reg));
	return true;
}

/* Somebody waits for the memory. */
void stuck_met(struct stuck *s)
{
	if (poll1(s->uffd, POLLIN, kz_ms(KZ_WAIT_MS)) != 1)
		KZ_DIE("nobody came to the page");
}

void stuck_end(struct stuck *s)
{
	close(s->uffd);
}

static void *list_dir(void *arg)
{
	struct stuck_dir *d = arg;
	int fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	KZ_CHECK(fd >= 0);
	if (syscall(SYS_getdents64, fd, d->s.page, PAGE) <= 0)
		KZ_DIE("getdents64");
	close(fd);
	return NULL;
}

static void *change_dir(void *arg)
{
	struct stuck_dir *d = arg;
	char path[300];

	KZ_CHECK(snprintf(path, sizeof(path), "%s/new", d->path) < 300);
	__atomic_store_n(&d->tid, gettid(), __ATOMIC_RELEASE);
	if (mkdir(path, 0700))
		KZ_DIE("mkdir");
	rmdir(path);
	return NULL;
}

/*
 * A directory in which nobody finds anything: one task reads it into memory
 * that stays away, with its lock held shared; the next wants to change it, and
 * all others queue behind. False: this kernel cannot.
 */
bool stuck_dir(struct stuck_dir *d, const char *path)
{
	d->path = path;
	d->tid = 0;
	if (!stuck_page(&d->s))
		return false;
	KZ_CHECK(!pthread_create(&d->lister, NULL, list_dir, d));
	stuck_met(&d->s);
	KZ_CHECK(!pthread_create(&d->changer, NULL, change_dir, d));
	while (!__atomic_load_n(&d->tid, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	if (!wait_state(d->tid, 'D', KZ_WAIT_MS))
		KZ_DIE("the directory can be changed");
	return true;
}

void stuck_dir_end(struct stuck_dir *d)
{
	stuck_end(&d->s);
	pthread_join(d->lister, NULL);
	pthread_join(d->changer, NULL);
}
