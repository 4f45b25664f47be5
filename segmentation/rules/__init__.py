"""Rules over members: JSON → parse → tree → normalise → leaves; explain says them in words.

Pure Python: knows neither Django nor a database. `catalog` is the one list of facts.
"""
