"""Who looks after whom: giving members to staff, one or a million, and handing them over."""
