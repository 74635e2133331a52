#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mkheaders.sh SERIES|next: print the header directory of the newest cloud
# kernel of that series (such as 6.12) in bookworm-backports, or ("next") of the
# newest which Debian's stable release and its backports offer; unpack it into
# the cache when it is not there. Remove headers-SERIES to get a newer one;
# what is next is asked again when the last answer is a day old.
# Beside them, above usr/src, are two files:
#   release  the Debian release whose archive has the kernel
#   builder  that release and the compiler, for kernels which cannot be built
#            for in this system (chroot.sh)

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

series=${1:?usage: mkheaders.sh SERIES|next}
dir=$CACHE/headers-$series

# the newest cloud kernel with headers and image; an upload may still lack one
newest()
{
	apt-cache "${backports[@]}" pkgnames "linux-" |
		sed -n "s/^linux-\(headers\|image\)-\($1.*-cloud-amd64\)\$/\2/p" |
		sort -V | uniq -d | tail -n 1
}

build()
{
	local backports=() kernel headers pkg release=bookworm wanted=$series. compiler

	if [ "$series" = next ]; then
		release=$(apt_stable) || exit 1
		[ "$release" ] || die "the archive does not say what stable is"
		wanted='[0-9]'
	fi
	apt_backports "$release"
	kernel=$(newest "$wanted")
	[ "$kernel" ] || die "$release-backports has no cloud kernel $series"
	headers=linux-headers-$kernel
	if [ -e "$dir/usr/src/$headers" ] && [ -e "$dir/release" ]; then
		touch "$dir/release"
		return
	fi
	say "downloading $headers (once)"
	for pkg in "$headers" $(backports_depends "$headers" | grep ^linux-); do
		case $pkg in
		linux-compiler-*|linux-image-*|linux-base*) continue ;;
		esac
		apt_unpack "$pkg" "$TMP/out" "${backports[@]}" ||
			die "cannot download $pkg"
	done
	# the makefiles include each other by absolute paths
	sed -i "s#\([= ]\)/usr/src/#\1$dir/usr/src/#" \
		"$TMP/out/usr/src/$headers/Makefile"
	ln -s "usr/src/$headers" "$TMP/out/kdir"
	if [ "$release" != bookworm ]; then
		compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="[^ ]*\(gcc-[0-9]*\) .*/\1/p' \
			"$TMP/out/usr/src/$headers/.config")
		[ "$compiler" ] || die "$headers names no compiler"
		echo "$release $compiler" >"$TMP/out/builder"
	fi
	echo "$release" >"$TMP/out/release"
	rm -rf "$dir"
	mv "$TMP/out" "$dir"
}

# are the headers there, and recent enough?
ready()
{
	[ -e "$dir/kdir/Makefile" ] && [ -e "$dir/release" ] || return 1
	[ "$series" != next ] || [ "$(find "$dir/release" -mtime -1)" ]
}

if ! ready; then
	cache_lock headers
	if ! ready; then
		cache_tmp
		build
	fi
fi
readlink -f "$dir/kdir"
