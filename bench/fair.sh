#!/bin/sh
# SPDX-License-Identifier: MIT
# What a user notices of another one: 50 calls a second alone, and beside 500 connections of a second user that asks for
# all it can get (see bench_fair.c for the kinds), in turn, round after round; the medians of the rounds. Each user has a
# provider, and a process for it, of its own, so that only llmfod is shared. Core 0 has llmfod, core 1 all the rest,
# all of them before whatever else runs on the machine, the hog behind the others.
#
#   bench/fair.sh BUILD_DIR        (a build of this tree; `make tests/fakellm/fakellm` too). For root: it takes two users.
#
# ROUNDS (5), CALLS (250 a round), DELAYS ("0 100", ms that the providers take), KINDS and CONNECTIONS can be set from
# outside.
set -eu
build=$(cd "${1:?usage: bench/fair.sh BUILD_DIR}" && pwd)
[ "$(id -u)" = 0 ] || { echo "fair.sh: only root can be two other users" >&2; exit 1; }
# A session of its own, which goes before others where the kernel groups by sessions.
if [ -z "${FAIR_SESSION:-}" ]; then
	FAIR_SESSION=1 setsid -w "$0" "$@" &
	trap 'kill $!; wait $!; exit 1' INT TERM
	wait $!
	exit
fi
echo -20 2>/dev/null >/proc/self/autogroup || true
rounds=${ROUNDS:-5}
calls=${CALLS:-250}
kinds=${KINDS:-calls flood status garbage}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
chmod 755 "$dir"
pids=
hog=
trap 'kill $hog $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
ulimit -n "$(ulimit -Hn)"

cc -O2 -std=gnu17 -D_GNU_SOURCE -I"$here/../include" -iquote "$here/../proto" -o "$dir/bench_fair" "$here/bench_fair.c" \
	"$here/measure.c" "$here/../proto/frame.c" \
	$(pkg-config --cflags --libs msgpack-c 2>/dev/null || pkg-config --cflags --libs msgpack)
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# start_provider NAME DELAY
start_provider() {
	taskset -c 1 nice -n -15 "$build/tests/fakellm/fakellm" --provider "$1=openai" --script "$1:delay=$2" \
		--port-file "$dir/$1.ports" >"$dir/$1.log" 2>&1 &
	pids="$pids $!"
	until [ -s "$dir/$1.ports" ]; do sleep 0.05; done
}
base() { echo "http://127.0.0.1:$(awk -v name="$1" '$1 == name { print $2 }' "$dir/$1.ports")/v1"; }
# What takes longer than that is no answer.
victim() { timeout 60 taskset -c 1 nice -n -20 "$dir/bench_fair" -u 54321 -n "$calls" victim "$dir/llmfo.sock" victim; }
# beside KIND: the victim's line while the hog is at it.
beside() {
	: >"$dir/hog.out"
	taskset -c 1 "$dir/bench_fair" -u 54322 -c "${CONNECTIONS:-500}" "$1" "$dir/llmfo.sock" hog \
		>"$dir/hog.out" &
	hog=$!
	until [ -s "$dir/hog.out" ]; do sleep 0.05; done
	sleep 1
	victim
	kill $hog
	wait $hog 2>/dev/null || true
	hog=
}

for delay in ${DELAYS:-0 100}; do
	start_provider victim "$delay"
	start_provider hog "$delay"
	cat >"$dir/llmfo.yaml" <<END
socket: {mode: "0666"}
health: {check_interval: 0s}
providers:
  victim: {api: openai, base_url: "$(base victim)", api_key: none, models: [m]}
  hog: {api: openai, base_url: "$(base hog)", api_key: none, models: [m]}
chains:
  victim: {targets: [victim/m]}
  hog: {targets: [hog/m]}
END
	taskset -c 0 nice -n -20 "$build/llmfod" --config "$dir/llmfo.yaml" --socket "$dir/llmfo.sock" --state none --log-level error \
		>"$dir/llmfod.log" 2>&1 &
	daemon=$!
	pids="$pids $daemon"
	until [ -S "$dir/llmfo.sock" ]; do
		kill -0 "$daemon" || { cat "$dir/llmfod.log"; exit 1; }
		sleep 0.05
	done
	victim >"$dir/warm"
	for kind in alone $kinds; do : >"$dir/$kind.out"; done
	for round in $(seq "$rounds"); do
		victim >>"$dir/alone.out"
		for kind in $kinds; do beside "$kind" >>"$dir/$kind.out"; done
	done
	echo "providers take $delay ms (times in us)"
	echo "beside         p50        p99    longest"
	for kind in alone $kinds; do
		printf '%-8s' "$kind"
		for column in 1 2 3; do
			printf ' %10s' "$(awk -v c=$column '{ print $c }' "$dir/$kind.out" | median)"
		done
		echo
	done
	grep VmHWM "/proc/$daemon/status"
	kill $pids
	wait 2>/dev/null || true
	pids=
	rm -f "$dir/victim.ports" "$dir/hog.ports" "$dir/llmfo.sock"
done
