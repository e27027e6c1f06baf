"""Independent oracle: the published rules once more, brute force, written from the documents and not from the system's code."""
