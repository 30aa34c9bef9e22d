"""What people look at: figures, the report, the model card."""
