"""The pinned JVM parts (Kafka broker, Cassandra server) and how they are fetched."""
