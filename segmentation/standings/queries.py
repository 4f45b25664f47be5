"""What pages, programs and other nouns read of schemes."""

from django.utils.functional import Promise

from segmentation.models import Scheme
from segmentation.standings.families import Code, family, is_known


def codes(scheme: Scheme) -> list[Code]:
    """The classes of a scheme as it stands, from low to high."""
    if not is_known(scheme.family):
        return []
    about = family(scheme.family)
    return list(about.codes(about.settings.model_validate(scheme.applied or scheme.settings)))


def labels(scheme: Scheme) -> dict[int, str | Promise]:
    """Code -> what people read."""
    return {code.number: code.label for code in codes(scheme)}
