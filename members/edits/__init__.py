"""What was changed by hand about a member: old → new, who, when."""
