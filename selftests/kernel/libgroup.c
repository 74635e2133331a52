// SPDX-License-Identifier: GPL-2.0
/* Control groups (version 2) of a test's own, and programs that say no in them. */
#include "libgroup.h"

#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ROOT	"/sys/fs/cgroup"

static void group_path(char path[256], const char *name, const char *file)
{
	snprintf(path, 256, ROOT "/kzmq-%s/%s", name, file);
}

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), n = strlen(text);
	bool ok = fd >= 0 && write(fd, text, n) == n;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* false where there are no such groups */
bool group_new(const char *name)
{
	char path[256];

	if (access(ROOT "/cgroup.procs", W_OK))
		return false;
	group_path(path, name, "");
	KZ_CHECK(!mkdir(path, 0755) || errno == EEXIST);
	return true;
}

/* The calling process goes there. */
void group_enter(const char *name)
{
	char path[256];

	group_path(path, name, "cgroup.procs");
	KZ_CHECK(file_write(path, "0"));
}

void group_leave(void)
{
	KZ_CHECK(file_write(ROOT "/cgroup.procs", "0"));
}

/* A group is busy for a moment after its last process. */
void group_end(const char *name)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	char path[256];

	group_path(path, name, "");
	while (rmdir(path) && errno == EBUSY) {
		if (kz_now_ms() > end)
			KZ_DIE("%s is still busy", path);
		poll(NULL, 0, 2);
	}
}

/* Groups made from now on have a memory controller; false where there is none. */
bool group_has_memory(void)
{
	return file_write(ROOT "/cgroup.subtree_control", "+memory");
}

/* memory.current, or a number out of memory.stat */
long group_memory(const char *name, const char *key)
{
	char path[256], is[64];
	long val, found = -1;
	FILE *f;

	group_path(path, name, key ? "memory.stat" : "memory.current");
	f = fopen(path, "r");
	KZ_CHECK(f);
	if (!key)
		KZ_CHECK(fscanf(f, "%ld", &found) == 1);
	while (key && fscanf(f, "%63s %ld", is, &val) == 2)
		if (!strcmp(is, key))
			found = val;
	fclose(f);
	KZ_CHECK(found >= 0);
	return found;
}

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* A program for this hook that forbids everything; -1 where there is no such. */
int group_no(int prog_type, int hook)
{
	/* r0 = 0; exit */
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = prog_type,
		.expected_attach_type = hook,
		.insns = (uintptr_t)code,
		.insn_cnt = 2,
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int group_bpf(int cmd, const char *name, int prog, int hook)
{
	union bpf_attr attr = { .attach_bpf_fd = prog, .attach_type = hook };
	char path[256];
	int ret, err;

	group_path(path, name, "");
	attr.target_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = bpf(cmd, &attr);
	err = errno;
	close(attr.target_fd);
	errno = err;
	return ret;
}

int group_attach(const char *name, int prog, int hook)
{
	return group_bpf(BPF_PROG_ATTACH, name, prog, hook);
}

int group_detach(const char *name, int prog, int hook)
{
	return group_bpf(BPF_PROG_DETACH, name, prog, hook);
}
