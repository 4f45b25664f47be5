"""How good the data of each source are: what is missing, wrong, doubled, stale, contradictory.

figures    the one list of figures: each a condition on a member, so that its number and its rows agree
services   counting them all in one look, kept per day
queries    what the page shows, and the trend
behind     the members behind a figure, for the member list
"""
