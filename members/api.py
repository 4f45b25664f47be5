from importlib import import_module
from importlib.util import find_spec

from rest_framework.routers import SimpleRouter


def routes(router: SimpleRouter) -> None:
    """Everything members answer under /api/."""
    if find_spec("members.importing") and find_spec("members.importing.api"):
        import_module("members.importing.api").routes(router)
