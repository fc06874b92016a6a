#!/bin/sh
# SPDX-License-Identifier: MIT
# What a failover costs: calls to a healthy provider, the same behind a target that refuses the connection, and behind one
# that answers 429, in turn within one run. Circuits are kept from opening, so that every call pays.
#
#   bench/failover.sh BUILD_DIR        (a build of this tree; `make check` has made its fakellm)
set -eu
build=$(cd "${1:?usage: bench/failover.sh BUILD_DIR}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
pids=

"$build/tests/fakellm/fakellm" --provider good=openai --provider limited=openai --provider gone=openai \
	--script limited:429 --script gone:refuse --port-file "$dir/ports" >"$dir/fakellm.log" 2>&1 &
pids=$!
until [ -s "$dir/ports" ]; do sleep 0.05; done
port() { awk -v name="$1" '$1 == name { print $2 }' "$dir/ports"; }
cat >"$dir/llmfo.yaml" <<EOF
health: {check_interval: 0s}
features: {preferred: false, health_tracking: false}
providers:
  good: {api: openai, base_url: "http://127.0.0.1:$(port good)/v1", api_key: none, models: [m]}
  limited: {api: openai, base_url: "http://127.0.0.1:$(port limited)/v1", api_key: none, models: [m]}
  gone: {api: openai, base_url: "http://127.0.0.1:$(port gone)/v1", api_key: none, models: [m]}
chains:
  default: {targets: [good/m]}
  good: {targets: [good/m]}
  refused_first: {targets: [gone/m, good/m]}
  limited_first: {targets: [limited/m, good/m]}
EOF
"$build/llmfod" --config "$dir/llmfo.yaml" --socket "$dir/llmfo.sock" --state "$dir/llmfo.db" --log-level error >"$dir/llmfod.log" 2>&1 &
daemon=$!
pids="$pids $daemon"
until [ -S "$dir/llmfo.sock" ]; do
	kill -0 "$daemon" || { cat "$dir/llmfod.log"; exit 1; }
	sleep 0.05
done
cc -O2 -std=gnu17 -D_GNU_SOURCE -I"$here/../include" -iquote "$here/../proto" -o "$dir/bench_call" "$here/bench_call.c" \
	"$here/../proto/frame.c" $(pkg-config --cflags --libs msgpack-c 2>/dev/null || pkg-config --cflags --libs msgpack)
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
for in_flight in 1 16; do
	echo "$in_flight in flight:"
	before=$(ticks)
	"$dir/bench_call" -c $in_flight "$dir/llmfo.sock" good refused_first limited_first
	echo "  llmfod: $((($(ticks) - before) * 10)) ms CPU for 30000 calls"
done
grep VmRSS "/proc/$daemon/status"
