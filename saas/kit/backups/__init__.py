"""Backups: the whole database as one file, written and read as a stream, and proven to be what it was.

`vault` is the file: packed, sealed, in pieces. `taking` fills it from one snapshot; `bringing` puts it into an empty database,
or one company out of it into a database that lives, and compares what arrived with what left. The schema is not in the file:
migrations make it, at the version the file names. Nor is what is made again from the rest: search indexes.
"""
