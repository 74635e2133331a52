#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the Debian packages which are still missing.
# install-deps.sh [build|check|clients|coverage|dev]: for building the module
# only, for make check, demo and bench (the default), for make check-clients, for
# make coverage, or for style checks too.

set -u
build=(
	gcc make bc bison flex libelf-dev dwarves kmod xz-utils cpio
	linux-headers-cloud-amd64
)
check=(
	"${build[@]}"
	linux-source-6.1 sparse clang libclang-rt-14-dev
	gcc-multilib g++ libc6-dev libzmq3-dev libsodium-dev liburing-dev
	python3 python3-zmq perl
	qemu-system-x86 debootstrap e2fsprogs busybox-static
)
clients=(
	"${check[@]}" cppzmq-dev libczmq-dev golang-go protobuf-compiler
	openjdk-17-jdk-headless libjeromq-java
)
coverage=("${check[@]}" lcov)
dev=("${coverage[@]}" shellcheck clang-format)

case ${1-check} in
build)	want=("${build[@]}") ;;
check)	want=("${check[@]}") ;;
clients) want=("${clients[@]}") ;;
coverage) want=("${coverage[@]}") ;;
dev)	want=("${dev[@]}") ;;
*)	echo "usage: $0 [build|check|clients|coverage|dev]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "$0: this is not Debian; needed are: ${want[*]}" >&2
	exit 1
fi

# the names of wanted packages which are not installed
missing()
{
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${want[@]}" 2>/dev/null |
		awk '$1 == "installed" { print $2 }' | sort -u |
		comm -13 - <(printf '%s\n' "${want[@]}" | sort -u)
}

mapfile -t need < <(missing)
[ "${#need[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "$0: missing packages, and only root can install them:" >&2
	echo "apt-get install ${need[*]}" >&2
	exit 1
fi

echo "$0: installing ${need[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
# one unreachable source of several need not matter: the install will tell
"${apt[@]}" update >&2 || echo "$0: apt-get update has failed, trying all the same" >&2
"${apt[@]}" install --no-install-recommends "${need[@]}" >&2 || {
	echo "$0: apt-get could not install: ${need[*]}" >&2
	exit 1
}
mapfile -t need < <(missing)
[ "${#need[@]}" -eq 0 ] || {
	echo "$0: still missing: ${need[*]}" >&2
	exit 1
}
