"""Examples that several tests share."""
