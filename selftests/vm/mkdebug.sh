#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mkdebug.sh kasan|kcsan: print the build directory of that debug kernel, which
# serves modules as headers do. It is built once from Debian's linux-source
# with selftests/debug/{common,KIND}.config and kept in the cache; a change of
# the configuration or a new source gives a new kernel.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

kind=${1:?usage: mkdebug.sh kasan|kcsan}
configs=("$here/../debug/common.config" "$here/../debug/$kind.config")
[ -e "${configs[1]}" ] || die "no configuration for a kernel called $kind"
tarball=/usr/src/linux-source-6.1.tar.xz
[ -e "$tarball" ] || die "no $tarball, run tools/install-deps.sh"
version=$(dpkg-query -W -f '${Version}' linux-source-6.1)

hash=$(cat "${configs[@]}" "$here/mkdebug.sh" <(gcc -dumpfullversion) |
	sha256sum | cut -c1-12)
dir=$CACHE/debug-$kind-$version-$hash

# what the configuration asks for and the kernel does not know or cannot have
refused()
{
	local line name

	grep -hE '^(# )?CONFIG_' "${configs[@]}" | while read -r line; do
		grep -qxF -- "$line" "$1" && continue
		name=$(grep -o 'CONFIG_[A-Z0-9_]*' <<<"$line" | head -n 1)
		case $line in
		'#'*)	grep -q "^$name=" "$1" || continue ;;
		esac
		echo "$line"
	done
}

# kmemleak would look for pointers in the shadow of KASAN, an eighth of the
# memory, and be busy with that for most of its time
no_shadow_scan()
{
	local file=$1/arch/x86/mm/kasan_init_64.c

	sed -i 's/MEMBLOCK_ALLOC_ACCESSIBLE/MEMBLOCK_ALLOC_NOLEAKTRACE/' "$file"
	grep -q MEMBLOCK_ALLOC_NOLEAKTRACE "$file" ||
		die "early_alloc() of kasan_init_64.c is not what it was"
}

build()
{
	local bad log=$CACHE/debug-$kind.log free

	free=$(df -P -k "$CACHE" | awk 'NR == 2 { print $4 }')
	[ "$free" -gt 5000000 ] || die "a debug kernel needs 5 GB in $CACHE"
	say "building the $kind kernel (once, takes about ten minutes; $log)"
	mkdir "$TMP/src"
	tar -C "$TMP/src" --strip-components=1 -xf "$tarball" ||
		die "cannot unpack $tarball"
	no_shadow_scan "$TMP/src"
	cat "${configs[@]}" >"$TMP/wanted"
	make -s -C "$TMP/src" KCONFIG_ALLCONFIG="$TMP/wanted" allnoconfig \
		>"$log" 2>&1 || die "the configuration is broken, see $log"
	bad=$(refused "$TMP/src/.config")
	[ -z "$bad" ] || die "this kernel cannot have: ${bad//$'\n'/ }"
	make -s -j"$(nproc)" -C "$TMP/src" KBUILD_BUILD_TIMESTAMP=0 \
		KBUILD_BUILD_USER=zmq KBUILD_BUILD_HOST=zmq bzImage modules \
		>>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the $kind kernel does not build, see $log"
	}
	cp "$TMP/src/vmlinux" "$TMP/vmlinux"
	# a module needs the headers, the scripts and the list of symbols
	(cd "$TMP/src" && find . -depth \( -name '*.[oa]' -o -name '*.cmd' -o \
		-name '*.c' -o -name '*.S' -o -name vmlinux \) \
		! -path './scripts/*' ! -path './tools/objtool/*' -delete)
	(cd "$TMP/src" && rm -rf Documentation drivers fs sound samples usr virt \
		tools/testing tools/perf arch/[!x]* arch/xtensa)
	mv "$TMP/vmlinux" "$TMP/src/vmlinux"
	rm -rf "$dir"
	mv "$TMP/src" "$dir"
}

if [ ! -e "$dir/Module.symvers" ]; then
	cache_lock "debug-$kind"
	if [ ! -e "$dir/Module.symvers" ]; then
		cache_tmp
		build
	fi
fi
echo "$dir"
