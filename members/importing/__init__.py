"""Files on their way in: upload → map → check → import.

sniffing   what a file is; refuses what cannot be read
fields     what a row may say, and which column says it
reading    the file as batches of text, whatever its format
parsing    text to typed columns, a batch at a time, with a code for every bad cell
staging    COPY of the clean rows into an unlogged table
people     whose rows these are: identities joined to the registry, new people numbered
targets    the chunked writes
pipeline   the order of it all; `pipeline.run(run)` does a whole import
"""
