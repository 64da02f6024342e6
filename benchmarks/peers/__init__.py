"""What people would pick instead. Each file but this runs in an environment of its own and imports nothing of ours."""
