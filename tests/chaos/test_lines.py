import trio
import trio.testing

from regrow.chaos._lines import LineReader


def lines_of(*chunks: bytes) -> list[bytes]:
    async def main() -> list[bytes]:
        sender, receiver = trio.testing.memory_stream_one_way_pair()
        reader = LineReader(receiver)
        lines: list[bytes] = []

        async def write() -> None:
            for chunk in chunks:
                await sender.send_all(chunk)
                await trio.testing.wait_all_tasks_blocked()
            await sender.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            while (line := await reader.next_line()) is not None:
                lines.append(line)
        return lines

    return trio.run(main)


def test_lines_are_cut_at_newlines_wherever_the_stream_is_cut() -> None:
    assert lines_of(b"on", b"e\ntw", b"o\nthree\n") == [b"one", b"two", b"three"]


def test_a_last_line_without_newline_is_dropped() -> None:
    assert lines_of(b"one\ntw") == [b"one"]


def test_cancelling_the_wait_for_a_line_loses_nothing() -> None:
    async def main() -> None:
        sender, receiver = trio.testing.memory_stream_one_way_pair()
        reader = LineReader(receiver)
        await sender.send_all(b"half a ")
        with trio.move_on_after(0.01):
            await reader.next_line()
        await sender.send_all(b"line\n")

        assert await reader.next_line() == b"half a line"

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
