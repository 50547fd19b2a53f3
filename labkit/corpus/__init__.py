"""The embedded corpus: hand-written dialogue scripts, and the generator that fills and varies them.

Needed at build time only (`labkit build`): the labs read the parquet files in `labkit/assets`.
"""
