#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Print the path of the test machine's root file system, an ext4 image; build
# it when it is not in the cache.  The name holds a hash of this file: whoever
# changes the recipe gets a new image.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

suite=bookworm
packages=(
	python3 python3-cffi-backend python3-zmq libzmq5 liburing2 libc6-i386 libgcc-s1
	iproute2 iputils-ping netcat-openbsd nftables tcpdump ethtool
	strace procps kmod perl-base psmisc
)

hash=$(sha256sum "$here/mkroot.sh" | cut -c1-12)
image=$CACHE/root-$suite-$hash.ext4

build()
{
	local mirror root=$TMP/root

	[ "$(id -u)" = 0 ] || die "building the root image needs root"
	mirror=$(apt_mirror "$suite")
	[ "$mirror" ] || mirror=$(apt_mirror stable)
	[ "$mirror" ] || die "this machine's apt sources name no archive for $suite"

	say "building $image (once, takes a minute or two)"
	debootstrap --variant=minbase \
		--include="$(IFS=,; echo "${packages[*]}")" \
		"$suite" "$root" "$mirror" >"$CACHE/debootstrap.log" 2>&1 || {
		cat "$root/debootstrap/debootstrap.log" \
			>>"$CACHE/debootstrap.log" 2>/dev/null
		tail -n 20 "$CACHE/debootstrap.log" >&2
		die "debootstrap failed, see $CACHE/debootstrap.log"
	}
	chroot "$root" ldconfig
	rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
		"$root"/usr/share/{doc,man,locale,info}/* "${root:?}"/dev/*
	mkdir -p "$root/zmq" "$root/usr/lib/modules"
	echo zmq-vm >"$root/etc/hostname"
	echo '127.0.0.1 localhost zmq-vm' >"$root/etc/hosts"
	echo '::1 localhost ip6-localhost' >>"$root/etc/hosts"

	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$root" "$TMP/root.ext4" 1500M >/dev/null ||
		die "mke2fs failed"
	mv "$TMP/root.ext4" "$image"
}

if [ ! -s "$image" ]; then
	cache_lock root
	if [ ! -s "$image" ]; then
		cache_tmp
		build
	fi
fi
echo "$image"
