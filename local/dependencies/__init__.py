"""What the project is installed from: the virtual environment, and the packages pinned for it."""
