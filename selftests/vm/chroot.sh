#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# chroot.sh RELEASE COMPILER COMMAND...: run a command under that Debian
# release with that compiler and make, in a root directory kept in the cache
# and made when it is not there. The sources and the cache have the same paths
# there as here; nothing else of this system is visible, and no mount is left.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

release=${1:?usage: chroot.sh RELEASE COMPILER COMMAND...}
compiler=${2:?usage: chroot.sh RELEASE COMPILER COMMAND...}
shift 2
top=$(readlink -f "$here/../..")
packages=("$compiler" make dwarves kmod xz-utils)
hash=$(sha256sum <<<"${packages[*]}" | cut -c1-12)
dir=$CACHE/chroot-$release-$compiler-$hash

build()
{
	local mirror script log=$CACHE/chroot.log
	local scripts=/usr/share/debootstrap/scripts

	[ "$(id -u)" = 0 ] || die "building for this kernel needs root"
	mirror=$(apt_mirror bookworm)
	[ "$mirror" ] || die "this machine's apt sources name no archive for bookworm"
	# a release which this debootstrap does not know is made like sid
	script=$scripts/$release
	[ -e "$script" ] || script=$scripts/sid
	say "building a $release system with $compiler (once, takes a minute or two)"
	debootstrap --variant=minbase \
		--include="$(IFS=,; echo "${packages[*]}")" \
		"$release" "$TMP/root" "$mirror" "$script" >"$log" 2>&1 || {
		cat "$TMP/root/debootstrap/debootstrap.log" >>"$log" 2>/dev/null
		tail -n 5 "$log" >&2
		grep '^E:' "$log" >&2
		die "debootstrap failed, see $log"
	}
	rm -rf "$TMP/root"/var/cache/apt/* "$TMP/root"/var/lib/apt/lists/* \
		"$TMP/root"/usr/share/{doc,man,locale,info}/*
	mv "$TMP/root" "$dir"
}

# in a subshell: its lock and its work directory end before the command starts
if [ ! -d "$dir" ]; then
	(
		cache_lock chroot
		[ ! -d "$dir" ] || exit 0
		cache_tmp
		build
	) || exit 1
fi
mkdir -p "$dir$top" "$dir$CACHE" || die "cannot write to $dir"
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --mount --propagation private sh -c '
	root=$1 top=$2 cache=$3
	shift 3
	mount --bind "$top" "$root$top" &&
	mount --bind "$cache" "$root$cache" &&
	mount --bind /dev "$root/dev" &&
	mount -t proc proc "$root/proc" || exit 1
	exec chroot "$root" "$@"
' chroot.sh "$dir" "$top" "$CACHE" "$@"
