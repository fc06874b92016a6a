#!/bin/sh
# SPDX-License-Identifier: MIT
# The memory of one stream: a fresh llmfod each time, with so many streams in flight at once. Plain HTTP to the provider;
# what the kernel keeps for sockets is not counted.
#
#   bench/memory.sh BUILD_DIR [STREAMS...]        (a build of this tree; `make check` has made its fakellm)
set -eu
build=$(cd "${1:?usage: bench/memory.sh BUILD_DIR [STREAMS...]}" && pwd)
shift
[ $# -gt 0 ] || set -- 1000 9000
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'kill $provider ${daemon:-} 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
ulimit -n "$(ulimit -Hn)"

"$build/tests/fakellm/fakellm" --provider a=openai --script 'a:tokens=6 hold-after=3' --port-file "$dir/ports" \
	>"$dir/fakellm.log" 2>&1 &
provider=$!
until [ -s "$dir/ports" ]; do sleep 0.05; done
cat >"$dir/llmfo.yaml" <<EOF
limits: {calls: 20000}
health: {check_interval: 0s}
defaults: {deadline: 10m}
providers:
  a:
    api: vllm
    base_url: "http://127.0.0.1:$(awk '$1 == "a" { print $2 }' "$dir/ports")/v1"
    models: [m]
    timeout: {first_token: 10m, idle: 10m, total: 10m}
chains: {default: {targets: [a/m]}}
EOF
cc -O2 -std=gnu17 -D_GNU_SOURCE -I"$here/../include" -iquote "$here/../proto" -o "$dir/bench_memory" "$here/bench_memory.c" \
	"$here/../proto/frame.c" $(pkg-config --cflags --libs msgpack-c 2>/dev/null || pkg-config --cflags --libs msgpack)
for streams; do
	"$build/llmfod" --config "$dir/llmfo.yaml" --socket "$dir/llmfo.sock" --state "$dir/llmfo.db" --log-level error >"$dir/llmfod.log" 2>&1 &
	daemon=$!
	until [ -S "$dir/llmfo.sock" ]; do
		kill -0 "$daemon" || { cat "$dir/llmfod.log"; exit 1; }
		sleep 0.05
	done
	"$dir/bench_memory" "$dir/llmfo.sock" "$daemon" "$streams"
	kill "$daemon"
	wait "$daemon" || true
done
