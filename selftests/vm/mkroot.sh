#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mkroot.sh [clients|valgrind]: print the path of the test machine's root file
# system, an ext4 image; build it when it is not in the cache.  The name holds a
# hash of its recipe: whoever changes that gets a new image.  With "clients" it
# is the larger one which has what "make check-clients" runs, with "valgrind" the
# one of "make check-shim-valgrind".

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

# installed by apt, which knows alternatives; without a desktop's libraries
clients=(
	libstdc++6 libczmq4 python3-protobuf python3-msgpack
	ffmpeg python3-ipykernel python3-jupyter-client
	openjdk-17-jre-headless libjeromq-java
)
kind=${1-}
size=1500M
# valgrind needs the symbols of the very C library it runs programs with
case $kind in
"")	more=() ;;
clients) more=("${clients[@]}") size=3500M ;;
valgrind) more=(valgrind libc6-dbg) size=2000M ;;
*)	die "usage: mkroot.sh [clients|valgrind]" ;;
esac

# install packages in the new root; some look at /proc while they do
add()
{
	local root=$1

	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
		unshare --mount --propagation private sh -c '
		root=$1
		shift
		mount -t proc proc "$root/proc" &&
		chroot "$root" apt-get -q update &&
		exec chroot "$root" apt-get -q -y --no-install-recommends install "$@"
	' add "$root" "$@"
}

build()
{
	local mirror root=$TMP/root

	[ "$(id -u)" = 0 ] || die "building the root image needs root"
	mirror=$(apt_mirror "$suite")
	[ "$mirror" ] || mirror=$(apt_mirror stable)
	[ "$mirror" ] || die "this machine's apt sources name no archive for $suite"

	say "building $image (once, takes a minute or two, with clients some more)"
	debootstrap --variant=minbase \
		--include="$(IFS=,; echo "${packages[*]}")" \
		"$suite" "$root" "$mirror" >"$CACHE/debootstrap.log" 2>&1 || {
		cat "$root/debootstrap/debootstrap.log" \
			>>"$CACHE/debootstrap.log" 2>/dev/null
		tail -n 20 "$CACHE/debootstrap.log" >&2
		die "debootstrap failed, see $CACHE/debootstrap.log"
	}
	[ ${#more[@]} = 0 ] || add "$root" "${more[@]}" >>"$CACHE/debootstrap.log" 2>&1 || {
		tail -n 20 "$CACHE/debootstrap.log" >&2
		die "apt-get failed, see $CACHE/debootstrap.log"
	}
	chroot "$root" ldconfig
	rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
		"$root"/usr/share/{doc,man,locale,info}/* "${root:?}"/dev/*
	mkdir -p "$root/zmq" "$root/usr/lib/modules"
	echo zmq-vm >"$root/etc/hostname"
	echo '127.0.0.1 localhost zmq-vm' >"$root/etc/hosts"
	echo '::1 localhost ip6-localhost' >>"$root/etc/hosts"

	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$root" "$TMP/root.ext4" $size >/dev/null ||
		die "mke2fs failed"
	mv "$TMP/root.ext4" "$image"
}

# a new list for one image leaves the others as they are
hash=$({ declare -p suite packages more size; declare -f add build; } | sha256sum | cut -c1-12)
image=$CACHE/root-$suite-${kind:+$kind-}$hash.ext4

if [ ! -s "$image" ]; then
	cache_lock root
	if [ ! -s "$image" ]; then
		cache_tmp
		build
	fi
fi
echo "$image"
