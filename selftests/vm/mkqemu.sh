#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Print the command, with its options, of the QEMU in bookworm-backports,
# unpacked into the cache: Debian 12's QEMU 7.2 corrupts kernels of the 6.12
# series at random.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

dir=$CACHE/qemu-backports

build()
{
	local backports=() pkg

	apt_backports bookworm
	say "downloading QEMU from bookworm-backports (once)"
	for pkg in qemu-system-x86 qemu-system-common qemu-system-data seabios; do
		apt_unpack "$pkg" "$TMP/out" "${backports[@]}" ||
			die "cannot download $pkg"
	done
	if ldd "$TMP/out/usr/bin/qemu-system-x86_64" | grep 'not found' >&2; then
		die "QEMU from bookworm-backports needs the libraries above"
	fi
	rm -rf "$dir"
	mv "$TMP/out" "$dir"
}

if [ ! -d "$dir" ]; then
	cache_lock qemu
	if [ ! -d "$dir" ]; then
		cache_tmp
		build
	fi
fi
echo "env QEMU_MODULE_DIR=$dir/usr/lib/x86_64-linux-gnu/qemu" \
	"$dir/usr/bin/qemu-system-x86_64 -L $dir/usr/share/qemu" \
	"-L $dir/usr/share/seabios -L /usr/share/qemu -L /usr/share/seabios"
