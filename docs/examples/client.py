#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client of llmfod in one class. `client.py generate '{"prompt": "Hello"}'` calls any method and
prints its result, `client.py stream ...` an answer's pieces, `client.py events` what happens."""
import collections, itertools, json, os, socket, sys, msgpack

class Error(Exception):
    def __init__(self, details):
        super().__init__(f"{details['code']}: {details['message']}")
        self.code, self.details = details["code"], details

class Client:
    def __init__(self, path=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path or os.environ.get("LLMFO_SOCKET", "/run/llmfo/llmfo.sock"))
        self.unpacker = msgpack.Unpacker(max_buffer_size=64 << 20)
        self.msgids, self.replies = itertools.count(), {}
        self.waiting = collections.defaultdict(collections.deque)

    def start(self, method, **params):  # many may be under way at once
        msgid = next(self.msgids) & 0xffffffff
        self.socket.sendall(msgpack.packb([0, msgid, method, [params]]))
        return msgid

    def finish(self, msgid):  # waits for the reply to what was started
        while msgid not in self.replies:
            self._receive()
        self.waiting.pop(msgid, None)
        error, result = self.replies.pop(msgid)
        if error is not None:
            raise Error(error)
        return result

    def call(self, method, **params):
        return self.finish(self.start(method, **params))

    def events(self, **params):
        self.call("subscribe", **params)
        while True:
            while not self.waiting["event"]:
                self._receive()
            yield self.waiting["event"].popleft()

    def stream(self, **params):  # {text} or {tool_call}, None: it begins anew; returns the result
        msgid = self.start("generate", stream=True, **params)
        while True:
            while msgid not in self.replies and not self.waiting[msgid]:
                self._receive()
            if not self.waiting[msgid]:
                return self.finish(msgid)
            yield self.waiting[msgid].popleft()

    def _receive(self):
        while (message := next(self.unpacker, None)) is None:
            if not (some := self.socket.recv(65536)):
                raise ConnectionError("the daemon closed the connection")
            self.unpacker.feed(some)
        if message[0] == 1:
            self.replies[message[1]] = message[2:]
        elif message[0] == 2 and message[1] == "event":
            self.waiting["event"].append(message[2][0])
        elif message[0] == 2 and message[1] in ("delta", "reset"):
            self.waiting[message[2][0]].append((message[2] + [None])[1])

if __name__ == "__main__":
    method, params = sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    try:
        client = Client()
        many = {"events": client.events, "stream": client.stream}.get(method)
        for line in many(**params) if many else [client.call(method, **params)]:
            print(json.dumps(line, ensure_ascii=False), flush=True)
    except (Error, OSError) as error:
        sys.exit(str(error))
