"""Facts of members that a pool declares for itself, usable everywhere without a deploy.

values     one place that judges a value: text of a file, a form or a program → what is kept
queries    the fields of a pool, and who has a value
services   declaring, changing, ordering, archiving, deleting
usage      what would miss a field: import mappings, saved views, and what upper apps announce
work       rewriting the values of many members
shown      values as people of a role may read them
"""
