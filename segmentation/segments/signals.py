"""What segments announce. Sent inside the transaction that writes the change: a row a receiver writes is as durable as it."""

from django.dispatch import Signal

# segment, revision (grows by one per change), entered and left (bitmaps of member ids), as_of
membership_changed = Signal()
