"""What losses aim at: what a target may be, and what may be asked of it."""
