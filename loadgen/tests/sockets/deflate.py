"""Offers every form of permessage-deflate to an echo, and says how many were agreed on and understood."""

import asyncio
import itertools
import random
import sys

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

SAMPLE = '{"value":"%d","measurand":"Energy.Active.Import.Register","unit":"Wh"}'


def messages(seed):
    rng = random.Random(seed)
    yield ""
    yield "x"
    for _ in range(4):
        yield "[%s]" % ",".join(SAMPLE % rng.randrange(10**6) for _ in range(rng.randrange(1, 40)))
    yield rng.randbytes(3_000)
    yield "ã" * 40_000
    yield SAMPLE % 7


async def main(addr):
    agreements = 0
    bits = [None, *range(9, 16)]
    for server_bits, client_bits in itertools.product(bits, [None, True, *range(9, 16)]):
        for server_forgets, client_forgets in itertools.product([False, True], repeat=2):
            offer = ClientPerMessageDeflateFactory(
                server_no_context_takeover=server_forgets,
                client_no_context_takeover=client_forgets,
                server_max_window_bits=server_bits,
                client_max_window_bits=client_bits,
            )
            async with connect(f"ws://{addr}", extensions=[offer], compression=None) as ws:
                assert len(ws.protocol.extensions) == 1, (server_bits, client_bits)
                for message in messages(agreements):
                    await ws.send(message)
                    heard = await ws.recv()
                    assert heard == message, (server_bits, client_bits, server_forgets, client_forgets)
            agreements += 1
    print(f"{agreements} agreements")


asyncio.run(main(sys.argv[1]))
