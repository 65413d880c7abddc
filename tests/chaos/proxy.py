#!/usr/bin/python3
"""A seeded TCP proxy that spoils what passes through it. Usage: proxy.py LISTEN_PORT TARGET SEED, TARGET = host:port or unix:path.

Commands, one a line on its standard input; each holds until `heal`:
  delay MS        both directions, plus up to a tenth
  stall P MS      each chunk is late by MS with probability P (what loss looks like to TCP's user: a retransmission)
  hold up|down|both   nothing passes in that direction, connections stay open (half-open, a partition that drops)
  refuse          new connections are closed at once, those that are open are cut (a partition that rejects)
  cut             all connections are closed, once
  flip P          a byte of a chunk is changed with probability P
  truncate P      a chunk ends early and its connection is closed, with probability P
  double P        a frame of ours (u32 length first) is passed twice, with probability P; it goes by frames, not by chunks, then
  heal            everything passes; what was held goes on
Each command is answered by a line "ok".
"""

import asyncio
import random
import sys

CHUNK = 65536


class Weather:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.flows = set()
        self.open = asyncio.Event()
        self.heal()

    def heal(self):
        self.delay = self.stall_p = self.stall_ms = self.flip = self.truncate = self.double = 0.0
        self.held, self.refuse = set(), False
        self.open.set()

    def cut(self):
        for writer in list(self.flows):
            writer.transport.abort()

    def command(self, words):
        kind, args = words[0], words[1:]
        if kind == "hold":
            self.held = {"up", "down"} if args[0] == "both" else {args[0]}
            self.open.clear()
        elif kind == "refuse":
            self.refuse = True
            self.cut()
        elif kind == "stall":
            self.stall_p, self.stall_ms = float(args[0]), float(args[1])
        elif kind in ("delay", "flip", "truncate", "double"):
            setattr(self, kind, float(args[0]))
        elif kind in ("cut", "heal"):
            getattr(self, kind)()
        else:
            raise ValueError(kind)

    def chance(self, p):
        return p > 0 and self.rng.random() < p


async def read_piece(reader, weather):
    """A chunk, or a whole frame while frames are doubled."""
    if not weather.double:
        return await reader.read(CHUNK)
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head, "big"))


async def pump(reader, writer, way, weather):
    """Bytes keep their order whatever the weather: a late chunk makes those behind it late as well."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue(64)

    async def deliver():
        while True:
            due, data, last = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            while way in weather.held:
                await weather.open.wait()
            if data:
                writer.write(data)
                await writer.drain()
            if last:
                return

    async def take():
        due = 0.0
        while True:
            data = await read_piece(reader, weather)
            if data and weather.chance(weather.flip):
                at = weather.rng.randrange(len(data))
                data = data[:at] + bytes([data[at] ^ (1 << weather.rng.randrange(8))]) + data[at + 1:]
            last = not data or weather.chance(weather.truncate)
            if last:
                data = data[:weather.rng.randrange(len(data))] if data else b""
            late = weather.delay * weather.rng.uniform(1, 1.1) + (weather.stall_ms if weather.chance(weather.stall_p) else 0)
            due = max(due, loop.time() + late / 1000)
            await queue.put((due, data * 2 if weather.chance(weather.double) else data, last))
            if last:
                return

    tasks = [asyncio.ensure_future(deliver()), asyncio.ensure_future(take())]
    try:
        await asyncio.gather(*tasks)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        for t in tasks:
            t.cancel()
        writer.close()


async def main(port, target, seed):
    weather = Weather(seed)

    async def accept(reader, writer):
        if weather.refuse:
            writer.transport.abort()
            return
        try:
            if target.startswith("unix:"):
                up_reader, up_writer = await asyncio.open_unix_connection(target[5:])
            else:
                host, number = target.rsplit(":", 1)
                up_reader, up_writer = await asyncio.open_connection(host, int(number))
        except OSError:
            writer.transport.abort()
            return
        flows = {writer, up_writer}
        weather.flows |= flows
        await asyncio.gather(pump(reader, up_writer, "up", weather), pump(up_reader, writer, "down", weather))
        weather.flows -= flows

    await asyncio.start_server(accept, "127.0.0.1", port)
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print("ok", flush=True)
    while line := await commands.readline():
        weather.command(line.decode().split())
        print("ok", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
