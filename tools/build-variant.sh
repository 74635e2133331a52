#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# build-variant.sh DIR KDIR [make arguments]: build the module in DIR, from
# links to the sources, so that builds for several kernels do not meet. Headers
# which need the compiler of another Debian release say so (vm/mkheaders.sh).

set -eu
cd "$(dirname "$0")/.."
dir=$1 kdir=$2
shift 2
top=$PWD

if [ ! -f Kbuild ]; then
	echo "no Kbuild in $top" >&2
	exit 1
fi
mkdir -p "$dir"
dir=$(readlink -f "$dir")
# two makes at once shall not meet here either
exec 9>"$dir/.lock"
flock 9
find "$dir" -type l ! -exec test -e {} \; -delete
{
	echo Kbuild
	find kmod uapi \( -name '*.[chS]' -o -name 'Kbuild*' -o -name 'Makefile*' \) \
		! -name '*.mod.c' ! -path '*/.*'
} | while read -r f; do
	[ -e "$dir/$f" ] || {
		mkdir -p "$dir/$(dirname "$f")"
		ln -sfn "$top/$f" "$dir/$f"
	}
done
# do not depend on the options of the make which called
unset MAKEFLAGS MAKELEVEL
builder=${kdir%/usr/src/*}/builder
if [ -e "$builder" ]; then
	# shellcheck disable=SC2046 # two words: release and compiler
	set -- selftests/vm/chroot.sh $(cat "$builder") \
		make -s -j"$(nproc)" -C "$kdir" M="$dir" "$@" modules
	exec "$@"
fi
exec make -s -j"$(nproc)" -C "$kdir" M="$dir" "$@" modules
