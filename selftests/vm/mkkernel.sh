#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mkkernel.sh KDIR: print a directory with the kernel which belongs to the
# headers (or the kernel build directory) KDIR, ready to boot:
#   release       its version
#   vmlinuz       the kernel
#   initrd        an initramfs which mounts the disks (guest/init)
#   modules.ext4  its modules, to be mounted at /lib/modules; may be missing
# Debian's kernel package is downloaded and unpacked, not installed.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

kdir=$(readlink -f "${1:?usage: mkkernel.sh KDIR}")
release=$(sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' \
	"$kdir/include/generated/utsrelease.h" 2>/dev/null)
[ "$release" ] ||
	die "$kdir is not a configured kernel"
# where mkheaders.sh has found it
origin=${kdir%/usr/src/*}/release
own=$kdir/arch/x86/boot/bzImage

# what has to be there before the disks can be mounted
boot_modules=(virtio_pci virtio_blk virtio_console ext4 overlay)

hash=$(cat "$here/mkkernel.sh" "$here/guest/init" | sha256sum | cut -c1-12)
[ ! -e "$own" ] || hash=$hash-$(stat -L -c %Y "$own")
dir=$CACHE/kernel-$release-$hash

fetch()
{
	local backports=() pkg

	if [ -e "$own" ]; then
		mkdir -p "$TMP/pkg/boot" "$TMP/pkg/lib/modules/$release"
		cp -L "$own" "$TMP/pkg/boot/vmlinuz-$release"
		cp "$kdir"/modules.{order,builtin,builtin.modinfo} \
			"$TMP/pkg/lib/modules/$release/" 2>/dev/null
		return
	fi
	if [ -e "/boot/vmlinuz-$release" ] && [ -d "/lib/modules/$release/kernel" ]; then
		mkdir -p "$TMP/pkg/boot" "$TMP/pkg/lib/modules"
		cp "/boot/vmlinuz-$release" "$TMP/pkg/boot/"
		cp -a "/lib/modules/$release" "$TMP/pkg/lib/modules/"
		return
	fi
	say "downloading linux-image-$release (once)"
	if [ -e "$origin" ]; then
		apt_backports "$(cat "$origin")"
		# newer images are made of several packages
		for pkg in "linux-image-$release" \
			   $(backports_depends "linux-image-$release" |
			     grep -E '^linux-(binary|modules)-'); do
			apt_unpack "$pkg" "$TMP/pkg" "${backports[@]}" ||
				die "cannot download $pkg; remove ${kdir%/usr/src/*}" \
					"to get headers of a newer kernel"
		done
		return
	fi
	apt_unpack "linux-image-$release" "$TMP/pkg" && return
	if apt-get -qq update >&2; then
		apt_unpack "linux-image-$release" "$TMP/pkg" && return
	fi
	die "cannot download linux-image-$release; if the archive has a newer" \
		"kernel by now, apt-get install linux-headers-cloud-amd64 first"
}

# copy boot module $1 and those it needs into the initramfs, in order
add_module()
{
	local word file name

	modprobe -d "$TMP/pkg" -S "$release" --show-depends "$1" |
	while read -r word file _; do
		[ "$word" = insmod ] || continue
		name=$(basename "$file")
		name=${name%.xz}
		[ ! -e "$TMP/ird/modules/$name" ] || continue
		case $file in
		*.xz)	xz -dc "$file" >"$TMP/ird/modules/$name" ;;
		*)	cp "$file" "$TMP/ird/modules/$name" ;;
		esac
		echo "$name" >>"$TMP/ird/modules/order"
	done
}

build()
{
	local mods m

	fetch
	mods=$TMP/pkg/lib/modules
	if [ ! -d "$mods" ]; then
		mkdir -p "$TMP/pkg/lib"
		ln -s ../usr/lib/modules "$mods"
	fi
	mods=$(readlink -f "$mods")
	mkdir -p "$TMP/out" "$TMP/ird"/{bin,modules,dev,proc,sys,lower,upper,new}
	cp "$TMP/pkg/boot/vmlinuz-$release" "$TMP/out/vmlinuz" 2>/dev/null ||
		mv "$mods/$release/vmlinuz" "$TMP/out/vmlinuz" ||
		die "no kernel in linux-image-$release"
	echo "$release" >"$TMP/out/release"

	depmod -b "$TMP/pkg" "$release" || die "depmod failed"
	: >"$TMP/ird/modules/order"
	for m in "${boot_modules[@]}"; do
		add_module "$m"
	done
	cp /bin/busybox "$TMP/ird/bin/" || die "no /bin/busybox (busybox-static)"
	cp "$here/guest/init" "$TMP/ird/init"
	chmod 755 "$TMP/ird/init"
	(cd "$TMP/ird" && find . | cpio -o -H newc -R 0:0 --quiet) |
		gzip -1 >"$TMP/out/initrd" || die "cannot pack the initramfs"

	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$mods" \
		"$TMP/out/modules.ext4" 400M >/dev/null || die "mke2fs failed"
	mv "$TMP/out" "$dir"
}

if [ ! -d "$dir" ]; then
	cache_lock kernel
	if [ ! -d "$dir" ]; then
		cache_tmp
		build
	fi
fi
echo "$dir"
