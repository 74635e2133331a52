#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Print a directory with the few files of the kernel's source which the tests
# and the style checks use, taken out of Debian's linux-source package.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/vm/lib.sh
. "$here/lib.sh"

tarball=/usr/src/linux-source-6.1.tar.xz
[ -e "$tarball" ] || die "no $tarball, run tools/install-deps.sh"
version=$(dpkg-query -W -f '${Version}' linux-source-6.1)
dir=$CACHE/ksrc-$version

if [ ! -d "$dir" ]; then
	cache_lock ksrc
	if [ ! -d "$dir" ]; then
		cache_tmp
		mkdir "$TMP/out"
		p=linux-source-6.1
		tar -C "$TMP/out" --strip-components=1 -xf "$tarball" \
			$p/scripts/{checkpatch.pl,kernel-doc,spelling.txt} \
			$p/scripts/const_structs.checkpatch \
			$p/tools/testing/selftests/kselftest{,_harness}.h ||
			die "cannot unpack $tarball"
		mv "$TMP/out" "$dir"
	fi
fi
echo "$dir"
