/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files and directories of ipc endpoints, as the user at hand could make and
 * remove them himself. The counterpart of compat.h for path lookup.
 *
 * Context: process; takes the locks of path lookup.
 */
#ifndef KZMQ_COMPAT_PATH_H
#define KZMQ_COMPAT_PATH_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/security.h>

/* The directories of a task */
static inline void kzmq_fs_init(struct fs_struct *fs, const struct path *root,
				const struct path *pwd)
{
	memset(fs, 0, sizeof(*fs));
	fs->users = 1;
#ifdef KZMQ_HAVE_DELEGATION
	seqlock_init(&fs->seq);
#else
	spin_lock_init(&fs->lock);
	seqcount_spinlock_init(&fs->seq, &fs->lock);
#endif
	fs->umask = 0022;
	fs->root = *root;
	fs->pwd = *pwd;
	path_get(&fs->root);
	path_get(&fs->pwd);
}

static inline void kzmq_fs_put(struct fs_struct *fs)
{
	path_put(&fs->root);
	path_put(&fs->pwd);
}

#ifdef KZMQ_HAVE_IDMAP
#define kzmq_mnt_of(path) mnt_idmap((path)->mnt)
#else
#define kzmq_mnt_of(path) mnt_user_ns((path)->mnt)
#endif

static inline int kzmq_vfs_rmdir(const struct path *path, struct inode *inode)
{
#ifdef KZMQ_HAVE_DELEGATION
	return vfs_rmdir(kzmq_mnt_of(path), inode, path->dentry, NULL);
#else
	return vfs_rmdir(kzmq_mnt_of(path), inode, path->dentry);
#endif
}

/* Then its directory is one where it was mounted from, out of reach. */
static inline bool kzmq_path_is_mount(const struct path *path)
{
	return path->dentry == path->mnt->mnt_root;
}

/* The directory that @path is in, when nobody is at work there */
static inline void kzmq_path_up(const struct path *path, struct path *up)
{
	up->mnt = mntget(path->mnt);
	up->dentry = dget_parent(path->dentry);
	inode_lock_shared(d_inode(up->dentry));
	inode_unlock_shared(d_inode(up->dentry));
}

/* Remove what @path names, if it still does; a directory if it is one */
static inline int kzmq_path_remove(struct path *path, bool dir)
{
	struct path up = { .mnt = path->mnt, .dentry = dget_parent(path->dentry) };
	struct inode *inode = d_inode(up.dentry);
	int err;

	err = -EBUSY;
	if (kzmq_path_is_mount(path))
		goto out;
	err = mnt_want_write(path->mnt);
	if (err)
		goto out;
	inode_lock_nested(inode, I_MUTEX_PARENT);
	err = -ENOENT;
	if (path->dentry->d_parent == up.dentry && !d_unhashed(path->dentry) &&
	    d_is_positive(path->dentry)) {
		err = dir ? 0 : security_path_unlink(&up, path->dentry);
		if (!err && dir)
			err = kzmq_vfs_rmdir(path, inode);
		else if (!err)
			err = vfs_unlink(kzmq_mnt_of(path), inode, path->dentry,
					 NULL);
	}
	inode_unlock(inode);
	mnt_drop_write(path->mnt);
out:
	dput(up.dentry);
	return err;
}

static inline int kzmq_path_unlink(struct path *path)
{
	return kzmq_path_remove(path, false);
}

static inline int kzmq_path_rmdir(const char *name)
{
	struct path path;
	int err;

	err = kern_path(name, 0, &path);
	if (err)
		return err;
	err = kzmq_path_remove(&path, true);
	path_put(&path);
	return err;
}

#ifdef KZMQ_HAVE_DELEGATION
#define kzmq_path_create	start_creating_path
#define kzmq_path_created	end_creating_path

/* What vfs_mkdir() returns takes the place of @dentry, an error too. */
static inline int kzmq_vfs_mkdir(const struct path *up, struct dentry **dentry,
				 umode_t mode)
{
	*dentry = vfs_mkdir(kzmq_mnt_of(up), d_inode(up->dentry), *dentry, mode,
			    NULL);
	return PTR_ERR_OR_ZERO(*dentry);
}
#else
#define kzmq_path_create	kern_path_create
#define kzmq_path_created	done_path_create

static inline int kzmq_vfs_mkdir(const struct path *up, struct dentry **dentry,
				 umode_t mode)
{
	return vfs_mkdir(kzmq_mnt_of(up), d_inode(up->dentry), *dentry, mode);
}
#endif

static inline int kzmq_path_mkdir(const char *name, umode_t mode)
{
	struct dentry *dentry;
	struct path up;
	int err;

	dentry = kzmq_path_create(AT_FDCWD, name, &up, LOOKUP_DIRECTORY);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = security_path_mkdir(&up, dentry, mode);
	if (!err)
		err = kzmq_vfs_mkdir(&up, &dentry, mode);
	kzmq_path_created(&up, dentry);
	return err;
}

#endif /* KZMQ_COMPAT_PATH_H */
