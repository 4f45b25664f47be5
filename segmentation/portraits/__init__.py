"""What a segment is like: how its members spread over every attribute and behaviour, against the whole pool."""
