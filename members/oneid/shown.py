"""What the member list learns of recognising people: who stands behind a figure of the rates."""

from django.utils.translation import gettext_lazy as _

from members import filters
from members.oneid import queries

filters.register("match", _("识别"), queries.matched_members, queries.describe_match, group="source")
