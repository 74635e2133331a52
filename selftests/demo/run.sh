#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The demo: real traffic between AF_ZMQ sockets, used by C programs with plain
# system calls (z*.c), and libzmq, used by Python programs (*.py). Prints what
# is run and what comes out, checks it, and ends non-zero at the first fault.

[ -n "$BASH_VERSION" ] || exec bash "$0" "$@"

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
jobs=()
step="the start"

finish()
{
	[ ${#jobs[@]} = 0 ] || kill "${jobs[@]}" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

fail()
{
	echo "   FAILED in $step: $*"
	exit 1
}

title()
{
	step="step $1"
	echo
	echo "== $1. $2"
}

# a command as one would type it
show()
{
	local word

	printf '   $'
	for word; do
		case $word in
		'' | *[\ \*]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
}

# run in the background; its output goes to $work/$1, the rest is the command
start()
{
	local out=$work/$1

	shift
	show "$@"
	echo " &"
	timeout 60 "$@" >"$out" 2>&1 &
	jobs+=($!)
	last=$!
}

# run, show the output, keep it in $work/$1
run()
{
	local out=$work/$1 rc

	shift
	show "$@"
	echo
	timeout 60 "$@" >"$out" 2>&1
	rc=$?
	sed 's/^/   | /' "$out"
	[ $rc = 0 ] || fail "$1 ended with status $rc"
}

# wait for a background program to end well, show its output
join()
{
	local rc

	wait "$1"
	rc=$?
	sed 's/^/   | /' "$work/$2"
	[ $rc = 0 ] || fail "$2 ended with status $rc"
}

# wait for a background program to say that it listens
listening()
{
	local i

	for ((i = 0; i < 400; i++)); do
		grep -qs '^listening' "$work/$1" && return
		sleep 0.05
	done
	fail "$1 does not listen: $(cat "$work/$1")"
}

stop()
{
	kill "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}

same()
{
	[ "$1" = "$2" ] || fail "got '$1', want '$2'"
	echo "   ok: $3"
}


cd "$here" || exit 1
export PYTHONUNBUFFERED=1

title 1 "a libzmq publisher, read by a C program with plain system calls"
start publisher ./publish.py 'tcp://*:5555' "$work/sent"
publisher=$last
run times zsub tcp://127.0.0.1:5555 '' 8
checked=$(./compare.py "$work/sent" "$work/times" '' 8 2>&1) || fail "$checked"
grep -q '^time [0-9]' "$work/times" || fail "no timestamp came"
echo "   ok: $checked"

title 2 "a prefix subscription filters"
run temps zsub tcp://127.0.0.1:5555 temp. 6
checked=$(./compare.py "$work/sent" "$work/temps" temp. 6 2>&1) || fail "$checked"
echo "   ok: $checked"
stop "$publisher"

title 3 "REQ and REP, either way round"
start our-rep zrep bind 'tcp://*:5556' echo kernel
listening our-rep
run their-req ./ask.py tcp://127.0.0.1:5556 12 kernel
same "$(cat "$work/their-req")" \
	"12 requests of 16 + 0..55000 + 0 random octets, all echoed by kernel" \
	"libzmq asks, AF_ZMQ answers"
stop "$last"
start their-rep ./answer.py 'tcp://*:5557' libzmq
run our-req zreq tcp://127.0.0.1:5557 12 echo
same "$(cat "$work/our-req")" \
	"12 requests of 16 + 0..40000 random octets, all answered right, by libzmq (12)" \
	"AF_ZMQ asks, libzmq answers"
stop "$last"

title 4 "PUSH to PULL: libzmq's work for three AF_ZMQ workers"
workers=()
for name in one two three; do
	start "$name" zworker tcp://127.0.0.1:5558 tcp://127.0.0.1:5559 "$name"
	workers+=("$last")
done
run farm ./farm.py 'tcp://*:5558' 'tcp://*:5559' 3 90
for name in one two three; do
	join "${workers[0]}" "$name"
	workers=("${workers[@]:1}")
done
sum=$(cat "$work"/one "$work"/two "$work"/three | awk '{ n += $2 } END { print n }')
same "$sum: $(sed 's/,[^,]* by .*//' "$work/farm")" "90: 90 numbers sent, 90 right squares back" \
	"the workers and the farm have counted the same"

title 5 "a libzmq ROUTER/DEALER broker between AF_ZMQ clients and workers"
start broker ./broker.py 'tcp://*:5560' 'tcp://*:5561' 2
broker=$last
start anna zrep connect tcp://127.0.0.1:5561 invert anna
anna=$last
start bert zrep connect tcp://127.0.0.1:5561 invert bert
bert=$last
clients=()
for name in client-1 client-2 client-3; do
	start "$name" zreq tcp://127.0.0.1:5560 40 invert
	clients+=("$last")
done
for name in client-1 client-2 client-3; do
	join "${clients[0]}" "$name"
	clients=("${clients[@]:1}")
done
total=$(grep -ho '([0-9]*)' "$work"/client-[123] | tr -d '()' | paste -sd+)
same $((total)) 120 "120 binary requests, 120 right answers"
for name in anna bert; do
	grep -qh "$name (" "$work"/client-[123] || fail "$name had nothing to do"
done
echo "   ok: both workers had their share"
stop "$anna" "$bert" "$broker"

title 6 "PAIR: counting in turns"
start pair zpair 'tcp://*:5562' 5
listening pair
pair=$last
run count ./count.py tcp://127.0.0.1:5562 5
join "$pair" pair
same "$(tail -n 1 "$work/pair"), $(cat "$work/count")" \
	"got 9, sent 10, counted to 10 in turns" "neither has lost count"

title 7 "one line of shell: a ZMTP 1.0 frame through nc into a PULL"
start pull zpull 'tcp://*:5563' 1
pull=$last
listening pull
line="printf '\\x01\\x00\\x06\\x00hello' | nc -q20 127.0.0.1 5563"
printf '   $ %s\n' "$line"
timeout 30 bash -c "$line" | od -An -tx1 >"$work/nc"
join "$pull" pull
same "$(tail -n 1 "$work/pull")" hello "the PULL socket has received 'hello'"
same "$(tr -d ' \n' <"$work/nc")" ff00000000000000017f \
	"and has introduced itself with the ten octets of every greeting"

echo
echo "All seven steps have passed."
