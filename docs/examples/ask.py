#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import msgpack, os, socket, sys

daemon = socket.socket(socket.AF_UNIX)
daemon.connect(os.environ.get("LLMFO_SOCKET", "/run/llmfo/llmfo.sock"))
daemon.sendall(msgpack.packb([0, 1, "generate", [{"prompt": " ".join(sys.argv[1:])}]]))
unpacker = msgpack.Unpacker()
while not (reply := next(unpacker, None)):
    unpacker.feed(daemon.recv(65536) or sys.exit("the daemon closed the connection"))
_, msgid, error, result = reply
if error:
    sys.exit(f"{error['code']}: {error['message']}")
print(result["text"])
print(f"answered by {result['provider_used']}/{result['model_used']}", file=sys.stderr)
