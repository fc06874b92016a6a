#!/bin/sh
# SPDX-License-Identifier: MIT
# What llmfod adds to a call and to a token, beside a direct libcurl call and, if one is named, a bare relay: a program that
# takes `-s SOCKET -P PATH -u BASE_URL` and hands bodies on, in frames that bench_load.c describes. All of them in turn,
# round after round, and the medians of the rounds. Core 0 has the process measured, core 1 the load and the provider.
#
#   bench/compare.sh BUILD_DIR [RELAY]        (a build of this tree; `make tests/fakellm/fakellm` too)
#
# ROUNDS (5), CALLS (20000 a round at 64 in flight, half of that at 1), TOKENS (150 a stream) and WHAT (calls, streams)
# can be set from outside.
set -eu
build=$(cd "${1:?usage: bench/compare.sh BUILD_DIR [RELAY]}" && pwd)
relay=${2:-}
rounds=${ROUNDS:-5}
calls=${CALLS:-20000}
tokens=${TOKENS:-150}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
ulimit -n "$(ulimit -Hn)"

compile() {
	out=$1
	shift
	cc -O2 -std=gnu17 -D_GNU_SOURCE -I"$here/../include" -iquote "$here/../proto" -o "$dir/$out" "$@"
}
msgpack=$(pkg-config --cflags --libs msgpack-c 2>/dev/null || pkg-config --cflags --libs msgpack)
compile bench_load "$here/bench_load.c" "$here/measure.c" "$here/../proto/frame.c" $msgpack
compile bench_direct "$here/bench_direct.c" "$here/measure.c" $(pkg-config --cflags --libs libcurl)

taskset -c 1 "$build/tests/fakellm/fakellm" --provider whole=openai --provider streams=openai \
	--script "streams:tokens=$tokens gap=20 stamps" --port-file "$dir/ports" >"$dir/fakellm.log" 2>&1 &
pids=$!
until [ -s "$dir/ports" ]; do sleep 0.05; done
base() { echo "http://127.0.0.1:$(awk -v name="$1" '$1 == name { print $2 }' "$dir/ports")"; }

# start_llmfod NAME, start_relay NAME: one process for each provider, its PID in a file.
start_llmfod() {
	cat >"$dir/$1.yaml" <<END
health: {check_interval: 0s}
providers: {a: {api: openai, base_url: "$(base "$1")/v1", api_key: none, models: [m]}}
chains: {default: {targets: [a/m]}}
END
	taskset -c 0 "$build/llmfod" --config "$dir/$1.yaml" --socket "$dir/$1.llmfod" --state "$dir/$1.db" >"$dir/$1.log" 2>&1 &
	echo $! >"$dir/$1.llmfod.pid"
	pids="$pids $!"
}
start_relay() {
	taskset -c 0 "$relay" -s "$dir/$1.relay" -P /v1/chat/completions -u "$(base "$1")" &
	echo $! >"$dir/$1.relay.pid"
	pids="$pids $!"
}
for provider in whole streams; do
	start_llmfod $provider
	[ -z "$relay" ] || start_relay $provider
	until [ -S "$dir/$provider.llmfod" ] && { [ -z "$relay" ] || [ -S "$dir/$provider.relay" ]; }; do
		sleep 0.05
	done
done

# one KIND PROVIDER OPTIONS...: the line of one run.
one() {
	kind=$1
	provider=$2
	shift 2
	case $kind in
	direct) taskset -c 0 "$dir/bench_direct" "$@" "$(base "$provider")/v1/chat/completions" ;;
	relay) taskset -c 1 "$dir/bench_load" "$@" -p "$(cat "$dir/$provider.relay.pid")" "relay:$dir/$provider.relay" ;;
	llmfod) taskset -c 1 "$dir/bench_load" "$@" -p "$(cat "$dir/$provider.llmfod.pid")" "$dir/$provider.llmfod" ;;
	llmfod1) taskset -c 1 "$dir/bench_load" "$@" -m 1 -p "$(cat "$dir/$provider.llmfod.pid")" "$dir/$provider.llmfod" ;;
	esac
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# compare TITLE KINDS PROVIDER OPTIONS...
compare() {
	title=$1
	kinds=$2
	shift 2
	for kind in $kinds; do : >"$dir/$kind.out"; done
	for round in $(seq "$rounds"); do
		for kind in $kinds; do one "$kind" "$@" >>"$dir/$kind.out"; done
	done
	echo "$title"
	for kind in $kinds; do
		printf '%-8s' "$kind"
		for column in 1 2 3 4 5; do
			printf ' %10s' "$(awk -v c=$column '{ print $c }' "$dir/$kind.out" | median)"
		done
		echo
	done
}
with_relay=${relay:+relay}
case ${WHAT:-calls streams} in *calls*)
	echo "kind            p50        p99          -  calls/s  CPU us a call   (times in us)"
	compare "1 in flight" "direct $with_relay llmfod" whole -c 1 -n $((calls / 2))
	compare "64 in flight (llmfod1: all on one connection)" "direct $with_relay llmfod llmfod1" whole -c 64 -n "$calls"
	;;
esac
case ${WHAT:-calls streams} in *streams*)
	echo "kind            p50        p99  first p50 tokens/s CPU us a token  (times in us)"
	compare "256 streams of 50 tokens a second (llmfod1: all on one connection)" "direct $with_relay llmfod llmfod1" \
		streams -s -c 256 -n 256
	;;
esac
