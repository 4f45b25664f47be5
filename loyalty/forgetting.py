"""What becomes of points when a person is erased: the ledger only grows, so numbers stay and reasons are emptied."""

from members.privacy.deciding import decide, keep, remove

decide("loyalty.Account", keep("what the programme owes is a total"))
decide("loyalty.Entry", keep("the ledger only grows; why somebody was given points goes", blank=("reason",)))
decide("loyalty.DueMember", remove("nothing is left to compute"))
