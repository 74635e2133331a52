# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by the scripts which fill the cache: where it is, and how to use it.

CACHE=$(readlink -m "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/zmq-ko")

say()
{
	echo "${0##*/}: $*" >&2
}

die()
{
	say "$*"
	exit 1
}

# hold the cache's lock $1 until this process ends
cache_lock()
{
	mkdir -p "$CACHE" || die "cannot make $CACHE"
	exec 9>"$CACHE/$1.lock"
	flock -n 9 && return
	say "waiting for another run which holds $CACHE/$1.lock"
	flock 9
}

# a work directory in the cache which goes away with this process
cache_tmp()
{
	# what a killed run has left behind
	find "$CACHE" -maxdepth 1 -name 'tmp.*' -mmin +240 -exec rm -rf {} +
	TMP=$(mktemp -d "$CACHE/tmp.XXXXXX") || die "cannot write to $CACHE"
	chmod 755 "$TMP"
	trap 'rm -rf "$TMP"' EXIT
	trap 'exit 1' INT TERM HUP
}

# the archive this machine takes its packages from
apt_mirror()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' |
		awk -v suite="$1" '$2 == suite && $3 == "main" { print $1; exit }'
}

# download package $1 (with further apt options) into $TMP and unpack it to $2
apt_unpack()
{
	local pkg=$1 to=$2

	shift 2
	mkdir -p "$TMP/deb" "$to"
	rm -f "$TMP/deb/"*
	(cd "$TMP/deb" &&
	 apt-get -qq -o APT::Sandbox::User=root "$@" download "$pkg") >&2 ||
		return 1
	dpkg -x "$TMP/deb/"*.deb "$to"
}

# the codename of Debian's present stable release
apt_stable()
{
	local mirror

	mirror=$(apt_mirror bookworm)
	[ "$mirror" ] || die "this machine's apt sources name no archive for bookworm"
	/usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file \
		"${mirror%/}/dists/stable/InRelease" "$TMP/InRelease" >&2 ||
		die "cannot ask the archive what stable is"
	sed -n 's/^Codename: *\([a-z]*\)$/\1/p' "$TMP/InRelease"
}

# apt options which see release $1 and its backports and leave this
# machine's lists alone; fetches the lists and fills the array "backports"
apt_backports()
{
	local dir=$TMP/apt mirror suite release=$1
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	mirror=$(apt_mirror bookworm)
	[ "$mirror" ] || die "this machine's apt sources name no archive for bookworm"
	mkdir -p "$dir/lists/partial" "$dir/parts"
	for suite in "$release" "$release-backports"; do
		echo "deb [signed-by=$keyring] $mirror $suite main"
	done >"$dir/sources.list"
	backports=(
		-o APT::Sandbox::User=root
		-o Dir::Etc::SourceList="$dir/sources.list"
		-o Dir::Etc::SourceParts="$dir/parts"
		-o Dir::State::Lists="$dir/lists"
		-o Dir::Cache::PkgCache= -o Dir::Cache::SrcPkgCache=
		-o APT::Default-Release="$release-backports"
	)
	apt-get -qq --error-on=any "${backports[@]}" update >&2 ||
		die "cannot read the package lists of $release-backports"
}

# what package $1 depends on directly, by name, out of the lists above
backports_depends()
{
	apt-cache "${backports[@]}" depends --no-recommends --no-suggests \
		--no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
		awk '$1 == "Depends:" { print $2 }'
}
