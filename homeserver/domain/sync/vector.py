"""The certified vector: how far the log of each writer slot is known (design §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.sync.wire import Reader, pack_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Vector:
    """An immutable map from writer slot to position; a missing slot counts as 0.

    Slots and positions are integers from 0 to 2^63 - 1. `a >= b` is the partial order by
    slot: whoever has seen `a` has seen all of `b`. Two vectors may be unordered.
    """

    __slots__ = ("_packed", "_positions")

    def __init__(self, positions: Mapping[int, int] | None = None) -> None:
        """Copy the positions above 0, by slot."""
        pairs = sorted((positions or {}).items())
        self._positions = {slot: pos for slot, pos in pairs if pos}
        self._packed: bytes | None = None

    def __getitem__(self, slot: int) -> int:
        """Return the position of a slot, 0 where it is not listed."""
        return self._positions.get(slot, 0)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Give (slot, position) by slot, positions above 0 only."""
        return iter(self._positions.items())

    def __len__(self) -> int:
        """Count the slots above 0."""
        return len(self._positions)

    def __eq__(self, other: object) -> bool:
        """Whether all positions are the same."""
        return isinstance(other, Vector) and self._positions == other._positions

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(self.packed)

    def __ge__(self, other: Vector) -> bool:
        """Whether everything that `other` has seen is seen here."""
        mine = self._positions
        if mine == other._positions:
            return True
        return all(mine.get(slot, 0) >= pos for slot, pos in other)

    def __le__(self, other: Vector) -> bool:
        """Whether everything seen here is seen by `other`."""
        return other >= self

    def __repr__(self) -> str:
        """Show the positions."""
        return f"Vector({self._positions})"

    def covers(self, slot: int, pos: int) -> bool:
        """Whether the position of that slot is seen."""
        return self._positions.get(slot, 0) >= pos

    def merge(self, other: Vector) -> Vector:
        """Return the least vector that has seen all that either has."""
        if self >= other:
            return self
        merged = dict(self._positions)
        for slot, pos in other:
            merged[slot] = max(pos, merged.get(slot, 0))
        return Vector(merged)

    def advance(self, slot: int, pos: int) -> Vector:
        """Return this vector with one slot moved on; `ValueError` where it would go back."""
        if pos < self[slot]:
            message = f"slot {slot} is at {self[slot]} and cannot go back to {pos}"
            raise ValueError(message)
        return Vector({**self._positions, slot: pos})

    @property
    def packed(self) -> bytes:
        """The compact form, made once: the many tokens of one moment share it."""
        if self._packed is None:
            numbers = [len(self), *(number for pair in self for number in pair)]
            self._packed = b"".join(map(pack_number, numbers))
        return self._packed

    @classmethod
    def read(cls, reader: Reader) -> Vector:
        """Read a packed vector; `InvalidParamError` unless it is the form that `packed` gives."""
        positions: dict[int, int] = {}
        last = -1
        for _ in range(reader.number()):
            slot, pos = reader.number(), reader.number()
            if slot <= last or not pos:
                raise reader.error()
            positions[slot] = pos
            last = slot
        return cls(positions)
