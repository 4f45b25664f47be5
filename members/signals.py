"""What members announce to the apps above them."""

from django.dispatch import Signal

# Orders were imported. Sent once per import, after its last chunk is committed and at least once
# (again after a crash), with:
#   pool_id, run_id, count (orders new or changed), as_of
#   table: name of a table (member_id bigint, id bigint, class smallint) that exists while the signal
#          is being sent; rows with class 0 are new orders, 2 changed ones.
# A receiver works set-based and must take repeats without harm.
orders_written = Signal()

# Merges were held back, since they would join two members who are said to be two people. Sent inside the
# transaction that would have merged, with:
#   pool_id, source (who wanted it), as_of
#   table: name of a temporary table (winner_id, loser_id, kind, value_hash, first_id, second_id): the edges that were
#          not followed, each with the two members for whose sake its group was left alone.
merge_held = Signal()

# An import of orders was taken back. Sent once its orders are gone or have their old values, at least once, with
# pool_id, run_id, as_of and
#   table: name of a table (member_id bigint, id bigint, class smallint) that exists while the signal is being
#          sent; class 0 are orders the import had created, 2 ones it had changed. Some may have been left.
orders_reverted = Signal()

# A pool lives in another time zone: its days begin at other instants. Sent inside the transaction, with pool, before
# (the old zone), actor.
pool_zone_changed = Signal()
