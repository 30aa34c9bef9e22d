"""Tables of a PostgreSQL server: small ones are read, the log is asked where it lies."""
