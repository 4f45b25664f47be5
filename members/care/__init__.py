"""Looking after a member: notes, and tasks for colleagues."""
