#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mkheaders.sh SERIES: print the header directory of the newest cloud kernel of
# that series (such as 6.12) in Debian's backports; unpack it into the cache
# when it is not there.  Remove the directory headers-SERIES to get a newer one.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

series=${1:?usage: mkheaders.sh SERIES}
dir=$CACHE/headers-$series

build()
{
	local backports=() headers pkg root=$dir

	apt_backports
	headers=$(apt-cache "${backports[@]}" pkgnames "linux-headers-$series." |
		grep -- '-cloud-amd64$' | sort -V | tail -n 1)
	[ "$headers" ] || die "bookworm-backports has no $series cloud kernel"
	say "downloading $headers (once)"
	for pkg in "$headers" $(backports_depends "$headers" | grep ^linux-); do
		case $pkg in
		linux-compiler-*|linux-image-*) continue ;;
		esac
		apt_unpack "$pkg" "$TMP/out" "${backports[@]}" ||
			die "cannot download $pkg"
	done
	# the makefiles include each other by absolute paths
	sed -i "s#\([= ]\)/usr/src/#\1$root/usr/src/#" \
		"$TMP/out/usr/src/$headers/Makefile"
	ln -s "usr/src/$headers" "$TMP/out/kdir"
	rm -rf "$dir"
	mv "$TMP/out" "$dir"
}

if [ ! -e "$dir/kdir/Makefile" ]; then
	cache_lock headers
	if [ ! -e "$dir/kdir/Makefile" ]; then
		cache_tmp
		build
	fi
fi
readlink -f "$dir/kdir"
