#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# all.sh ci|all: every check that a commit (ci) or a release (all) needs, one
# after the other; the last line is the sum. A part which fails does not keep
# the others from running.

cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0 told=()

# part NAME COMMAND...: a part that leaves no sum counts as one point
part()
{
	local name=$1 p=0 f=0 s=0 rc what begun=$SECONDS

	shift
	printf '\n### %s: %s\n' "$name" "$*"
	rm -f build/summary
	"$@"
	rc=$?
	if [ -s build/summary ]; then
		read -r p _ f _ s _ <build/summary
	elif [ $rc = 0 ]; then
		p=1
	fi
	# a make that failed has failed, whatever it has counted
	[ $rc = 0 ] || [ "$f" != 0 ] || f=1
	[ "$f" = 0 ] || told+=("failed: $name")
	[ ! -s build/summary ] || while read -r what; do
		told+=("$name: $what")
	done < <(tail -n +2 build/summary)
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '### %s: %s passed, %s failed, %s skipped, %s s\n' \
		"$name" "$p" "$f" "$s" $((SECONDS - begun))
}

# ahead NAME COMMAND...: run it before its part comes, for behind NAME
ahead()
{
	local out=build/ahead-$1

	shift
	"$@" >"$out" 2>&1
	echo $? >"$out.rc"
}

behind()
{
	cat "build/ahead-$1"
	return "$(cat "build/ahead-$1.rc")"
}

tools/install-deps.sh || exit 1
mkdir -p build
case ${1-} in
ci)	# a point that failed has to pass so often, and is told; see check.py
	export REPEAT=3
	# the machine of the first part leaves a processor idle most of the time
	{
		nice -n 19 selftests/vm/mkdebug.sh kasan >/dev/null
		ahead style make -s checkpatch kdoc
		ahead 6.12 make -s build-6.12
	} &
	part "tests, Debian's kernel" make -s check
	wait
	part 'style' behind style
	part 'build for 6.12' behind 6.12
	# what has no end of its own gets so much each
	part 'tests, debug kernel' make -s check-debug ZMQ_SECONDS="${ZMQ_SECONDS:-20}"
	;;
all)	export ZMQ_SECONDS=${ZMQ_SECONDS:-300} FUZZ_SECONDS=${FUZZ_SECONDS:-600}
	part "tests, Debian's kernel" make -s check
	part 'style' make -s checkpatch kdoc
	part 'build for 6.12' make -s build-6.12
	part 'clang' make -s clang
	part 'tests of the machine' make -s check-rig
	part 'tests, debug kernel' make -s check-debug
	part 'tests, data races' make -s check-kcsan
	part 'tests, 6.12' make -s check-6.12
	part 'tests, newest kernel' make -s check-next
	part 'library under ASan' make -s check-shim-asan
	part 'library under TSan' make -s check-shim-tsan
	part 'library under valgrind' make -s check-shim-valgrind
	part 'clients' make -s check-clients
	part 'coverage' make -s coverage
	part 'demo' make -s demo
	part 'costs' make -s bench
	;;
*)	echo "usage: $0 ci|all" >&2
	exit 2
	;;
esac

echo
for what in "${told[@]}"; do
	echo "# $what"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
