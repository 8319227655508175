"""The world's mail servers in one process: takes every mail for anybody, and shows it on a page."""
