"""What members announce to the apps above them."""

from django.dispatch import Signal

# Orders were imported. Sent once per import, after its last chunk is committed and at least once
# (again after a crash), with:
#   pool_id, run_id, count (orders new or changed), as_of
#   table: name of a table (member_id bigint, id bigint, class smallint) that exists while the signal
#          is being sent; rows with class 0 are new orders, 2 changed ones.
# A receiver works set-based and must take repeats without harm.
orders_written = Signal()
