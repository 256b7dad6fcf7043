"""Cassandra: schema, sessions, reads, writes and the batch user generator."""
