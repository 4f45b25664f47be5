"""Every address of the product, read from the resolver: nothing can be forgotten in a list."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, get_resolver
from django.utils.regex_helper import normalize

from scrm.staff.gate import RolePermission

# Answer without sign-in or pool, and why.
PUBLIC = {
    "livez": "a probe that says nothing but that the process answers",
    "readyz": "a probe that says nothing but the state of the servers",
    "login/": "the door",
    "logout/": "ends a session, whoever has one",
    "i18n/": "the language of the pages, also of the door",
    "t/o/{token}.gif": "readers of messages have no account; the token is signed",
    "t/c/{token}": "readers of messages have no account; the token is signed",
    "t/u/{token}": "readers of messages have no account; the token is signed",
    "hooks/{pk}": "providers have no account; each call is signed",
    "hooks/catch/{token}": "the local receiver of webhooks; the token is signed",
    "c/track.js": "a script that pages of others load",
    "c/{key}/events": "visitors of a site have no account; the key and the origin are checked",
    "c/{key}/identify": "visitors of a site have no account; the site's server signs",
    "api/schema/": "what endpoints there are is no secret",
    "api/docs/": "what endpoints there are is no secret",
}
# Views that ask for a permission only once they know what is wanted, and the test that holds them to it.
INSIDE = {"charts/{name}.{form}": "each chart declares its own: test_charts_ask_for_what_they_declare"}

# A value for a placeholder that names no row of ours.
SAMPLES = {
    "key": "fake",
    "source": "1",
    "what": "cancel",
    "way": "up",
    "step": "audience",
    "carrier": "email",
    "name": "no-such",
    "form": "json",
    "token": "no-such",
}
NAMED = {  # declared in code, the same in every pool
    "api/insights/charts/{pk}/",
    "api/insights/metrics/{pk}/",
    "api/tag-recipes/{pk}/",
    "api/tag-recipes/{pk}/install/",
}
NOWHERE = 987654321  # an id no test makes


@dataclass(frozen=True)
class Address:
    """One URL pattern: `route` with {placeholders}, the view behind it."""

    route: str
    names: tuple[str, ...]
    view: Callable[..., Any]

    def __str__(self) -> str:
        return self.route or "(home)"

    def path(self, slug: str = "demo", **values: Any) -> str:
        """The address inside a pool, placeholders filled with what is given or names nothing."""
        return f"/p/{slug}{self.plain(**values)}"

    def plain(self, **values: Any) -> str:
        """The address without a pool."""
        given = {name: "no_such" if self.route in NAMED else SAMPLES.get(name, NOWHERE) for name in self.names}
        return "/" + self.route.format(**given | values)

    @property
    def permission(self) -> str | None:
        return getattr(self.view, "permission", None)

    @property
    def viewset(self) -> Any:
        return getattr(self.view, "cls", None) if hasattr(self.view, "actions") else None

    @property
    def acts(self) -> dict[str, str]:
        """HTTP method → permission code, as the gate of the API decides."""
        routed: dict[str, str] = self.view.actions  # type: ignore[attr-defined]
        # The first call adds HEAD to what is routed: it is GET.
        return {method.upper(): self._code(method.upper(), action) for method, action in routed.items() if method != "head"}

    def _code(self, method: str, action: str) -> str:
        class Asked:
            pass

        request, view = Asked(), Asked()
        request.method, view.permissions, view.action = method, self.viewset.permissions, action  # type: ignore[attr-defined]
        return RolePermission.code(request, view)  # type: ignore[arg-type]


def _walk(patterns: list[Any], before: str = "", names: tuple[str, ...] = ()) -> Iterator[Address]:
    for each in patterns:
        # A pattern may allow several spellings; the last one has all optional parts.
        text, params = normalize(each.pattern.regex.pattern)[-1]
        for name in params:
            text = text.replace(f"%({name})s", "{" + name + "}")
        route, all_names = before + text, (*names, *params)
        if isinstance(each, URLPattern):
            yield Address(route, all_names, each.callback)
        else:
            yield from _walk(each.url_patterns, route, all_names)


ALL: list[Address] = []
for found in _walk(get_resolver().url_patterns):
    if found.route not in {known.route for known in ALL}:  # the first one answers
        ALL.append(found)
API = [address for address in ALL if address.viewset is not None]
PAGES = [address for address in ALL if address.viewset is None and address.route not in PUBLIC and address.route not in INSIDE]
