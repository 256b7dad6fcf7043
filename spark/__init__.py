"""The DStream job that advances every shard of positions by the tape."""
