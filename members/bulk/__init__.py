"""Doing something to many members at once. Whoever knows how to do it says so:

    bulk.register(bulk.Act("loyalty.grant", label=_("发积分"), icon="coin", permission="points.adjust",
                           template="loyalty/bulk.html", clean=read_form, apply=grant, undo=take_back))

`clean(asking, data)` makes plain parameters of a form (Problem when something is missing), `apply(doing, ids)` does it to
some members and returns what it changed, `undo(doing, done)` takes exactly that back. See members/bulk/acts.py.
"""

from members.bulk.acts import Act, Asking, Doing, Done, acts, register

__all__ = ["Act", "Asking", "Doing", "Done", "acts", "register"]
