"""A keyed list of things that announce themselves: connectors, job kinds, metrics, charts."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Keys are unique; asking for an unknown one names the known ones."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._items: dict[str, T] = {}

    def register(self, key: str) -> Callable[[T], T]:
        def keep(item: T) -> T:
            if key in self._items:
                raise ValueError(f"{self.noun} {key!r} is registered twice")
            self._items[key] = item
            return item

        return keep

    def __getitem__(self, key: str) -> T:
        try:
            return self._items[key]
        except KeyError:
            raise KeyError(f"no {self.noun} {key!r}; known: {', '.join(sorted(self._items))}") from None

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def items(self) -> list[tuple[str, T]]:
        return list(self._items.items())
